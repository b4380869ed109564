//! Dot segments (RFC 3986, 5.2.4), in every spelling that a server is known to resolve.

/// Other spellings of `.`, `/` and `;`, in UTF-8: those that Unicode's compatibility forms map to them, and encodings that
/// are too long, which lenient decoders accept.
const SPELLINGS: [(&[u8], &[u8]); 14] = [
    (b"\xef\xbc\x8e", b"."),     // fullwidth full stop
    (b"\xef\xb9\x92", b"."),     // small full stop
    (b"\xe2\x80\xa4", b"."),     // one dot leader
    (b"\xe2\x80\xa5", b".."),    // two dot leader
    (b"\xc0\xae", b"."),         // overlong, two bytes
    (b"\xe0\x80\xae", b"."),     // overlong, three bytes
    (b"\xef\xbc\x8f", b"/"),     // fullwidth solidus
    (b"\xef\xbc\xbc", b"/"),     // fullwidth reverse solidus
    (b"\xef\xb9\xa8", b"/"),     // small reverse solidus
    (b"\xc0\xaf", b"/"),         // overlong, two bytes
    (b"\xe0\x80\xaf", b"/"),     // overlong, three bytes
    (b"\xc1\x9c", b"/"),         // overlong reverse solidus
    (b"\xef\xbc\x9b", b";"),     // fullwidth semicolon
    (b"\xf0\x80\x80\xae", b"."), // overlong, four bytes
];

/// Whether a decoded path has a segment that is `.` or `..` to some server.
pub(super) fn has_dot_segment(path: &[u8]) -> bool {
    // Some servers take `\` for `/`.
    path.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dot_segment)
}

/// Whether a decoded path contains a NUL, where some servers cut it off.
pub(super) fn contains_nul(path: &[u8]) -> bool {
    path.contains(&0)
}

/// Decodes a path once, as a backend does (RFC 3986, 2.4). Other spellings of dots and separators become plain.
pub(super) fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, next @ ..] = rest {
        let byte;
        (byte, rest) = match rest {
            [b'%', high, low, behind @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (*first, next),
            },
            _ => (*first, next),
        };
        decoded.push(byte);
        if byte.is_ascii() {
            continue;
        }
        if let Some((spelling, plain)) = SPELLINGS.iter().find(|(spelling, _)| decoded.ends_with(spelling)) {
            decoded.truncate(decoded.len() - spelling.len());
            decoded.extend_from_slice(plain);
        }
    }
    decoded
}

fn is_dot_segment(segment: &[u8]) -> bool {
    // Some servers remove parameters (`..;x=y`), or split off a query or a fragment after they have decoded a path.
    let name = segment.split(|byte| matches!(byte, b';' | b'?' | b'#')).next().unwrap_or_default();
    // Some remove white space and control characters.
    let mut rest = name.iter().filter(|byte| !matches!(byte, 0..=b' ' | 0x7f));
    let first_three = [rest.next(), rest.next(), rest.next()];
    matches!(first_three, [Some(b'.'), None, None] | [Some(b'.'), Some(b'.'), None])
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| digit.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once() {
        let cases: [(&str, &[u8]); 8] = [
            ("/a%20b", b"/a b"),
            ("/%2E%2e", b"/.."),
            ("/%252e", b"/%2e"),
            ("/%zz%4", b"/%zz%4"),
            ("/%%2e", b"/%."),
            ("/%EF%BC%8E%c0%ae%2f", b"/../"),
            ("/%E2%80%A5", b"/.."),
            ("/%E2%82%AC", "/€".as_bytes()),
        ];
        for (path, expected) in cases {
            assert_eq!(decode(path.as_bytes()), expected, "{path}");
        }
    }
}
