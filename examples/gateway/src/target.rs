//! Where the requests to one backend go: its URL, and its `Host`.

use http::{HeaderValue, Request, Uri, Version, header::HOST, uri::Scheme};
use mainstay_http::proxy;

/// The address of one backend.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    url: Uri,
    /// The `Host` of requests that do not keep the client's. Made once: hyper would format and check it for each request.
    host: Option<HeaderValue>,
}

// === impl Target ===

impl Target {
    pub(crate) fn new(url: &Uri) -> Self {
        Self { url: url.clone(), host: host(url) }
    }

    /// Addresses a request to the backend. Only path and query of its URI are used, so that no request can choose the host.
    pub(crate) fn address<B>(&self, mut request: Request<B>) -> Request<B> {
        // `forward.rs` has refused the URIs that cannot be rebased. The backend's root is the safe target otherwise.
        *request.uri_mut() = proxy::rebase(&self.url, request.uri()).unwrap_or_else(|| self.url.clone());
        // The HTTP version concerns one connection only. Backends get HTTP/1.1.
        *request.version_mut() = Version::HTTP_11;
        if let Some(host) = &self.host {
            request.headers_mut().entry(HOST).or_insert_with(|| host.clone());
        }
        request
    }
}

/// Returns the `Host` of a URL: without the port if it is that of the scheme.
fn host(url: &Uri) -> Option<HeaderValue> {
    let default = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    match (url.host()?, url.port_u16().filter(|port| *port != default)) {
        (host, Some(port)) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
        (host, None) => HeaderValue::try_from(host).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(url: &str, request: http::request::Builder) -> (String, HeaderValue) {
        let request = Target::new(&url.parse().unwrap()).address(request.body(()).unwrap());
        assert_eq!(request.version(), Version::HTTP_11);
        (request.uri().to_string(), request.headers()[HOST].clone())
    }

    #[test]
    fn request_goes_to_the_backend_with_its_host() {
        let cases = [
            ("http://b:81", "http://b:81/x?y=1", "b:81"),
            ("http://b", "http://b/x?y=1", "b"),
            ("http://b:80/base", "http://b:80/base/x?y=1", "b"),
            ("http://b:443", "http://b:443/x?y=1", "b:443"),
            ("https://b:443", "https://b:443/x?y=1", "b"),
            ("http://[::1]:81", "http://[::1]:81/x?y=1", "[::1]:81"),
        ];
        for (url, uri, host) in cases {
            let request = Request::get("http://client.example/x?y=1").version(Version::HTTP_2);
            assert_eq!(addressed(url, request), (uri.to_owned(), HeaderValue::from_static(host)), "{url}");
        }
    }

    #[test]
    fn host_of_the_client_stays_if_it_is_preserved() {
        let request = Request::get("/x").header(HOST, "client.example");
        assert_eq!(addressed("http://b:81", request).1, "client.example");
    }
}
