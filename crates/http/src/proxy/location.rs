//! `Location` and `Content-Location` of a backend, as the client must see them (RFC 9110, 10.2.2 and 8.7).

use http::{
    HeaderMap, HeaderValue, Uri,
    header::{self, Entry},
};

/// Maps the references to the backend itself to the client's view.
///
/// A reference to the backend's host becomes one to a path (`http://backend:81/base/x` becomes `/x`), which the client
/// resolves against the host and scheme that it used. The path of the backend's URI is removed. References to other hosts
/// stay, and so do relative ones.
pub fn map_location(headers: &mut HeaderMap, backend: &Uri) {
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        if !headers.contains_key(&name) {
            continue;
        }
        if let Entry::Occupied(mut lines) = headers.entry(name) {
            for line in lines.iter_mut() {
                if let Some(mapped) = mapped(line.as_bytes(), backend) {
                    *line = mapped;
                }
            }
        }
    }
}

/// Returns the reference that the client gets, `None` if it is the same.
fn mapped(reference: &[u8], backend: &Uri) -> Option<HeaderValue> {
    let base = backend.path().trim_end_matches('/').as_bytes();
    let path = match split_authority(reference) {
        Some((authority, rest)) if is_authority_of(authority, backend) => below(rest, base).unwrap_or(rest),
        None if !base.is_empty() => below(reference, base)?,
        _ => return None,
    };
    // The path must not be read as a host (`//host`). Browsers take `\` for `/` and skip tabs.
    let prefix: &[u8] = match path {
        [b'/', b'/' | b'\\' | b'\t', ..] => b"/.",
        [b'\\' | b'\t', ..] => b"/./",
        [b'/', ..] => b"",
        _ => b"/",
    };
    HeaderValue::try_from([prefix, path].concat()).ok()
}

/// Splits a reference with a host into the authority and the rest.
fn split_authority(reference: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = [&b"http://"[..], b"https://", b"//"]
        .into_iter()
        .find(|start| reference.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)))
        .and_then(|start| reference.get(start.len()..))?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#')).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

/// Whether an authority is the backend's. One without a port is, too, if the backend has the default port: a backend that
/// is told that its client uses `https` writes this scheme before its own host.
fn is_authority_of(authority: &[u8], backend: &Uri) -> bool {
    let default = if backend.scheme_str() == Some("https") { 443 } else { 80 };
    let own_port = backend.port_u16().unwrap_or(default);
    let authority = authority.rsplit(|byte| *byte == b'@').next().and_then(|host| str::from_utf8(host).ok());
    let (Some(authority), Some(own_host)) = (authority, backend.host()) else { return false };
    let Some(rest) = authority
        .get(own_host.len()..)
        .filter(|_| authority.get(..own_host.len()).is_some_and(|host| host.eq_ignore_ascii_case(own_host)))
    else {
        return false;
    };
    match rest.strip_prefix(':') {
        Some("") => own_port == default,
        Some(port) => port.parse() == Ok(own_port),
        None => rest.is_empty() && own_port == default,
    }
}

/// Removes the path of the backend's URI. `None` if the reference is not below it.
fn below<'a>(reference: &'a [u8], base: &[u8]) -> Option<&'a [u8]> {
    let rest = reference.strip_prefix(base)?;
    matches!(rest, [] | [b'/' | b'?' | b'#', ..]).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    #[test]
    fn references_to_the_backend_are_mapped() {
        let cases: [(&str, &str, &str); 32] = [
            ("http://b:81", "http://b:81/api/x?y=1#z", "/api/x?y=1#z"),
            ("http://b:81", "HTTP://B:81/x", "/x"),
            ("http://b:81", "https://b:81/x", "/x"),
            ("http://b:81", "//b:81/x", "/x"),
            ("http://b:81", "http://user:secret@b:81/x", "/x"),
            ("http://b:81", "http://b:81", "/"),
            ("http://b:81", "http://b:81?q", "/?q"),
            ("http://b:81", "http://b:081/x", "/x"),
            ("http://b", "http://b/x", "/x"),
            ("http://b", "http://b:80/x", "/x"),
            ("http://b", "http://b:/x", "/x"),
            ("http://b", "https://b/x", "/x"),
            ("http://b:80", "http://b/x", "/x"),
            ("http://[::1]:81", "http://[::1]:81/x", "/x"),
            ("http://b/base", "http://b/base/x", "/x"),
            ("http://b/base", "http://b/base", "/"),
            ("http://b/base/", "/base/x", "/x"),
            ("http://b/base", "http://b/other", "/other"),
            ("http://b/base", "http://b/based", "/based"),
            // A host must not appear where a path stood.
            ("http://b", "http://b//evil/x", "/.//evil/x"),
            ("http://b", "http://b/\\evil/x", "/./\\evil/x"),
            ("http://b", "http://b\\evil/x", "/./\\evil/x"),
            ("http://b", "http://b/\t/evil/x", "/./\t/evil/x"),
            ("http://b/base", "/base//evil/x", "/.//evil/x"),
            // Not the backend's.
            ("http://b", "/x", "/x"),
            ("http://b/base", "/other", "/other"),
            ("http://b", "../x?y", "../x?y"),
            ("http://b", "http://other/x", "http://other/x"),
            ("http://b", "http://b.example/x", "http://b.example/x"),
            ("http://b", "http://b:81/x", "http://b:81/x"),
            ("http://b:81", "http://b/x", "http://b/x"),
            ("http://b", "mailto:x@b", "mailto:x@b"),
        ];
        for (backend, location, expected) in cases {
            for name in [header::LOCATION, header::CONTENT_LOCATION] {
                let mut headers = HeaderMap::new();
                headers.insert(&name, location.parse().unwrap());
                map_location(&mut headers, &backend.parse().unwrap());
                assert_eq!(headers[&name], expected, "{name}: {location} of {backend}");
            }
        }
    }

    proptest! {
        #[test]
        fn mapped_reference_names_no_host(
            start in select(STARTS),
            parts in proptest::collection::vec(select(PARTS), 0..5),
            base in select(BASES),
        ) {
            let Ok(reference) = HeaderValue::from_str(&format!("{start}{}", parts.concat())) else { return Ok(()) };
            let Some(mapped) = mapped(reference.as_bytes(), &base.parse().unwrap()) else { return Ok(()) };
            // As browsers read it.
            let mapped = mapped.to_str().unwrap().replace('\t', "").replace('\\', "/");
            prop_assert!(mapped.starts_with('/') && !mapped.starts_with("//"), "{:?}", mapped);
        }
    }

    const BASES: &[&str] = &["http://b", "http://b/base"];
    const STARTS: &[&str] = &["", "/base", "http://b", "http://b/base", "//b:80"];
    const PARTS: &[&str] = &["/", "\\", "\t", "/base", "evil", "..", "?", "#", "@", ":"];
}
