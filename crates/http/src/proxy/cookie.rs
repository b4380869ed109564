//! `Cookie` between versions (RFC 9113, 8.2.3).

use http::{HeaderMap, HeaderValue, header};

/// Joins the lines of `Cookie` into one. HTTP/2 splits it to compress it better; before it is passed to anything else, the
/// parts must be joined by `"; "`. Otherwise some servers read only the first, others only the last.
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for line in [second].into_iter().chain(lines) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(line.as_bytes());
    }
    if let Ok(joined) = HeaderValue::try_from(joined) {
        headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines = &'static [&'static [u8]];

    #[test]
    fn cookies_become_one_field() {
        let cases: [(Lines, Lines); 4] = [
            (&[], &[]),
            (&[b"a=1; b=2"], &[b"a=1; b=2"]),
            (&[b"a=1", b"b=2; c=3", b"d=4"], &[b"a=1; b=2; c=3; d=4"]),
            (&[b"a=\xff", b"b=2"], &[b"a=\xff; b=2"]),
        ];
        for (received, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in received {
                headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
            }
            join_cookies(&mut headers);
            let joined: Vec<_> = headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes()).collect();
            assert_eq!(joined, expected);
        }
    }
}
