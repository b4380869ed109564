//! The settings of the HTTP probe.

use std::fmt;

use http::{HeaderMap, HeaderName};

/// What an [`HttpProbe`](super::HttpProbe) sends, and which response means that the service works.
///
/// ```
/// use mainstay_http::probe::HttpProbeSettings;
///
/// let settings = HttpProbeSettings { expected_body: Some(r#""service":"orders""#.into()), ..Default::default() };
/// ```
#[derive(Clone, Default)]
pub struct HttpProbeSettings {
    /// The headers of the request. They are not sent to another host after a redirect. Default: none.
    pub headers: HeaderMap,
    /// How many redirects are followed, all within one scheme. Default: 5 for an endpoint of a failover, 0 for a health
    /// check, where a route that moved is a configuration error and counts as unhealthy.
    pub max_redirects: Option<u32>,
    /// Whether the response's body is read even if no text is expected in it, so that the connection can be used again.
    /// At most 64 KiB are read. Default: yes for an endpoint of a failover, no for a health check.
    pub read_body: Option<bool>,
    /// Text that the body must contain, so that another service at the same address is not healthy. Default: none.
    pub expected_body: Option<String>,
    /// A response header by which the service reports that it is out of service. Default: none.
    pub out_header: Option<HeaderName>,
}

// === impl HttpProbeSettings ===

/// Without the headers, which may hold credentials.
impl fmt::Debug for HttpProbeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_redirects, read_body, expected_body, out_header, .. } = self;
        f.debug_struct("HttpProbeSettings")
            .field("max_redirects", max_redirects)
            .field("read_body", read_body)
            .field("expected_body", expected_body)
            .field("out_header", out_header)
            .finish_non_exhaustive()
    }
}
