//! The URL of a backend.
//!
//! `http::Uri` parses a port without a check of its range, and its clients then take port 80. It also parses two URLs with
//! a comma between them as one. Every part is checked here instead.

use std::net::Ipv6Addr;

use http::{Uri, uri::Scheme};

/// Parses the URL of a backend: `http://host[:port][/path]`.
///
/// Credentials are refused, because the client would not send them.
pub(super) fn parse_url(text: &str) -> Option<Uri> {
    let uri: Uri = text.trim_end_matches('/').parse().ok()?;
    let authority = uri.authority()?.as_str();
    let (host, port) = split_port(authority)?;
    let usable = uri.scheme() == Some(&Scheme::HTTP)
        && is_host(host)
        && port.is_none_or(is_port)
        && is_path(uri.path())
        && !text.contains(['?', '#']);
    usable.then_some(uri)
}

/// Splits `host[:port]`. The host may be an IPv6 address in brackets.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority.get(end..)?.split_once(':') {
        Some((rest, port)) => Some((&authority[..end + rest.len()], Some(port))),
        None => Some((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    }
}

fn is_port(port: &str) -> bool {
    // `parse` accepts a sign.
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether the path has neither empty nor dot segments, and only characters of RFC 3986, 3.3.
pub(super) fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:%".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_of_host_port_and_path_is_parsed() {
        for text in [
            "http://orders",
            "http://orders:1",
            "http://orders.internal:65535/v2",
            "HTTP://orders_1:80/a,b/c",
            "http://10.0.0.1:9000",
            "http://[::1]",
            "http://[2001:db8::1]:8080/x",
        ] {
            let port = parse_url(text).unwrap_or_else(|| panic!("{text}")).port_u16();
            assert_eq!(port.is_some(), text[5..].replace("::", "").contains(':'), "{text}");
        }
        assert_eq!(parse_url("http://orders/v2/").unwrap().path(), "/v2");
    }

    /// Defect: a port that is no port was taken for port 80, and two URLs for one.
    #[test]
    fn url_with_a_wrong_part_is_refused() {
        for text in [
            "http://orders:99999",
            "http://orders:65616",
            "http://orders:65536",
            "http://orders:0",
            "http://orders:+80",
            "http://orders:-80",
            "http://orders:",
            "http://orders:/x",
            "http://orders:80:80",
            "http://orders:8o",
            "http://a,http://b",
            "http://a/,http://b",
            "http://a:80,http://b:80",
            "http://a http://b",
            "http://a;b",
            "http://:80",
            "http://[::1",
            "http://[::1]x",
            "http://[::1]:",
            "http://[::1]:99999",
            "http://[orders]",
            "http://[fe80::1%25eth0]",
            "http://u@orders",
            "http://u:p@orders",
            "http://orders?x=1",
            "http://orders/?",
            "http://orders/#",
            "http://orders//x",
            "http://orders/../x",
            "http://orders/{x}",
            "http://orders/ü",
            "https://orders",
            "orders:80",
            "//orders",
            "/orders",
            "http://",
            "http:",
            "",
        ] {
            assert!(parse_url(text).is_none(), "{text}");
        }
    }
}
