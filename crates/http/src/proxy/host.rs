//! `Host` and `:authority`: the host that a request is for (RFC 9110, 7.2).

use std::net::Ipv6Addr;

use http::{HeaderMap, Request, Uri, Version, header, uri::Authority};

use crate::proxy::fault::RequestFault;

/// Returns the host that a request is for: the URI's authority (HTTP/2, absolute form) without user and password, else
/// the `Host` header. `None` if it has neither, or one that is empty or not text.
#[must_use]
pub fn requested_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(without_user(authority)),
        None => headers.get(header::HOST)?.to_str().ok().filter(|host| !host.is_empty()),
    }
}

/// Checks that a request names one host. [`prepare_request`](crate::proxy::prepare_request) includes this; a server may
/// need it for the paths that it answers itself.
///
/// # Errors
/// * `Host` occurs twice, or is no `host[:port]` (RFC 9112, 3.2; a comma is refused, too, because it would separate two
///   hosts in `X-Forwarded-Host`).
/// * A request other than in HTTP/1.0 has none; in HTTP/2, neither `Host` nor `:authority`.
/// * In HTTP/2, `:authority` has a user, or `Host` is another host (RFC 9113, 8.3.1).
pub fn check_host<B>(request: &Request<B>) -> Result<(), RequestFault> {
    let version = request.version();
    let mut lines = request.headers().get_all(header::HOST).iter().map(|line| line.as_bytes());
    let (host, second) = (lines.next(), lines.next());
    // An empty `Host` of HTTP/1.1 says that the target has none (RFC 9112, 3.2); HTTP/2 forbids it.
    let is_valid = second.is_none()
        && host.is_none_or(|host| is_host(host) || (host.is_empty() && version <= Version::HTTP_11))
        && match request.uri().authority() {
            Some(authority) => {
                let named = without_user(authority).as_bytes();
                is_host(named)
                    && match version {
                        Version::HTTP_09 | Version::HTTP_10 => true,
                        Version::HTTP_11 => host.is_some(),
                        _ => {
                            named.len() == authority.as_str().len()
                                && host.is_none_or(|host| host.eq_ignore_ascii_case(named))
                        }
                    }
            }
            None => host.is_some() || version < Version::HTTP_11,
        };
    if is_valid { Ok(()) } else { Err(RequestFault::Host) }
}

fn without_user(authority: &Authority) -> &str {
    authority.as_str().rsplit('@').next().unwrap_or_default()
}

/// Whether these bytes are `host[:port]` (RFC 3986, 3.2.2 and 3.2.3), without the addresses of future IP versions.
fn is_host(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let (host_is_valid, rest) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address.parse::<Ipv6Addr>().is_ok(), rest),
        None => {
            let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            (is_name(name.as_bytes()), rest)
        }
    };
    host_is_valid && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// Whether these bytes are a registered name or an IPv4 address, which is not empty.
fn is_name(mut name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    while let [first, rest @ ..] = name {
        name = match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => rest,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=' => rest,
            b'%' => match rest {
                [high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
                _ => return false,
            },
            _ => return false,
        };
    }
    true
}

/// Whether a text is a port; the grammar permits an empty one.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP_2: Version = Version::HTTP_2;

    #[test]
    fn host_has_the_grammar_of_rfc_3986() {
        let cases: [(&[u8], bool); 29] = [
            (b"a", true),
            (b"A-b.c_d", true),
            (b"a.", true),
            (b"a:80", true),
            (b"a:", true),
            (b"a:65535", true),
            (b"192.0.2.1:1", true),
            (b"[2001:db8::1]", true),
            (b"[::1]:8080", true),
            (b"%e2%82%ac", true),
            (b"", false),
            (b":80", false),
            (b"a:65536", false),
            (b"a:+80", false),
            (b"a:8 0", false),
            (b"a:80:80", false),
            (b"a/b?c@d", false),
            (b"user@a", false),
            (b"a b", false),
            (b"a,b", false),
            (b"a\t", false),
            (b"a#b", false),
            (b"a%zz", false),
            (b"a%4", false),
            (b"[::1", false),
            (b"[::1]80", false),
            (b"[a]", false),
            (b"2001:db8::1", false),
            (b"\xc3\xa9", false),
        ];
        for (bytes, expected) in cases {
            assert_eq!(is_host(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn request_names_one_host() {
        let cases: [(Version, &str, &[&str], bool); 20] = [
            // RFC 9112, 3.2
            (Version::HTTP_11, "/x", &["a"], true),
            (Version::HTTP_11, "/x", &[], false),
            (Version::HTTP_11, "/x", &["a", "a"], false),
            (Version::HTTP_11, "/x", &["a", "b"], false),
            (Version::HTTP_11, "/x", &["a/b?c@d"], false),
            (Version::HTTP_11, "/x", &[""], true),
            (Version::HTTP_11, "http://a/x", &["b"], true),
            (Version::HTTP_11, "http://a/x", &[], false),
            (Version::HTTP_11, "http://user@a/x", &["a"], true),
            (Version::HTTP_10, "/x", &[], true),
            (Version::HTTP_10, "http://a/x", &[], true),
            (Version::HTTP_10, "/x", &["a", "b"], false),
            // RFC 9113, 8.3.1
            (HTTP_2, "http://a/x", &[], true),
            (HTTP_2, "http://a/x", &["A"], true),
            (HTTP_2, "http://a/x", &["b"], false),
            (HTTP_2, "http://user@a/x", &[], false),
            (HTTP_2, "/x", &["a"], true),
            (HTTP_2, "/x", &[], false),
            (HTTP_2, "/x", &[""], false),
            (HTTP_2, "/x", &["a", "a"], false),
        ];
        for (version, uri, hosts, expected) in cases {
            let mut request = Request::builder().version(version).uri(uri);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            let checked = check_host(&request.body(()).unwrap());
            assert_eq!(checked.is_ok(), expected, "{version:?} {uri} {hosts:?}");
        }
    }
}
