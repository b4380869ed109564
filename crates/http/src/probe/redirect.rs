//! The target of a redirect.

use http::{HeaderMap, Uri, header::LOCATION};

/// Resolves `Location` against the address that sent it.
///
/// # Errors
/// There is no `Location`, it is not an address, or it changes the scheme.
pub(super) fn redirect_target(from: &Uri, headers: &HeaderMap) -> Result<Uri, String> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or("a redirect without Location")?;
    let (scheme, host) = (from.scheme_str().unwrap_or("http"), from.authority().map_or("", |host| host.as_str()));
    let absolute = match location {
        _ if location.contains("://") => location.to_owned(),
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{scheme}://{host}{location}"),
        _ => {
            let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{scheme}://{host}{folder}/{location}")
        }
    };
    let absolute = absolute.split('#').next().unwrap_or_default();
    let target: Uri = absolute.parse().map_err(|_| "a redirect to an invalid address")?;
    match target.scheme_str() == Some(scheme) {
        true => Ok(target),
        false => Err("a redirect to another scheme".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn locations_resolve_against_the_address_of_the_response() {
        let from = Uri::from_static("http://a:1/x/y?q=1");
        let to = |location: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            redirect_target(&from, &headers).map(|uri| uri.to_string())
        };
        assert_eq!(to("/z").as_deref(), Ok("http://a:1/z"));
        assert_eq!(to("z#part").as_deref(), Ok("http://a:1/x/z"));
        assert_eq!(to("//b/z").as_deref(), Ok("http://b/z"));
        assert_eq!(to("http://c/?w").as_deref(), Ok("http://c/?w"));
        assert!(to("https://c/").is_err());
        assert!(to("http://[").is_err());
        assert!(redirect_target(&from, &HeaderMap::new()).is_err());
    }
}
