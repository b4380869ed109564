//! Random changes of a text in the places that decide where a message ends.

use crate::smuggling::random::Random;

// No HEAD: the bytes of its answer do not say that it has no body. `rows/responses.rs` has it.
#[rustfmt::skip]
const REQUESTS: &[&str] = &[
    "POST /api/v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nX-A: 1\r\n\r\nhello world",
    "POST /api/v1/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
    "POST /api/v1/c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 30\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
    "GET /api/v1/d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\n\r\n",
    "PUT /api/v1/e?x=/../y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "GET http://a/api/v1/f HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "OPTIONS /api/v1/g HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
    "DELETE /api/v1/h HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab",
];

#[rustfmt::skip]
const ANSWERS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 401 Unauthorized\r\nConnection: x-a\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n",
];

/// A request or an answer that must never be taken for one.
const FORGED_REQUEST: &str = "GET /api/v1/forged HTTP/1.1\r\nHost: a\r\n\r\n";
const FORGED_ANSWER: &str = "HTTP/1.1 200 OK\r\nx-line: forged\r\nContent-Length: 6\r\n\r\nforged";

#[rustfmt::skip]
const TOKENS: &[&str] = &[
    "\r\n", "\n", "\r", "\r\n\r\n", "\n\n", "\r\r", "\r\n ", "\r\n\t", " ", "\t", "\u{b}", "\u{c}", "\u{0}", "\u{7f}",
    "\u{a0}", "\u{ff}", "\u{85}", ":", ";", ",", "=", "\"", "\\", "+", "-", "0", "1", "9", "a", "f", "x", "0x", "00",
    "chunked", "identity", "gzip", "close", "Content-Length: 1\r\n", "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: x\r\n", "Connection: close\r\n",
    "Connection: content-length\r\n", "Expect: 100-continue\r\n", "Upgrade: x\r\nConnection: upgrade\r\n",
    " HTTP/1.1\r\n", "HTTP/1.0", "0\r\n\r\n", "0\r\n", "3\r\nabc\r\n", "ffffffffffffffff\r\n", "18446744073709551616",
    "CONNECT", "GET ",
];

/// Returns a random request, in which something may be wrong.
pub(crate) fn request(random: &mut Random) -> String {
    let base = *random.of(REQUESTS);
    let base = if random.below(3) == 0 { format!("{base}{FORGED_REQUEST}") } else { base.to_owned() };
    mutated(&base, random)
}

/// Returns a random answer of a backend, in which something may be wrong.
pub(crate) fn answer(random: &mut Random) -> String {
    let base = *random.of(ANSWERS);
    let base = if random.below(2) == 0 { format!("{base}{FORGED_ANSWER}") } else { base.to_owned() };
    if random.below(8) == 0 { base } else { mutated(&base, random) }
}

/// Returns a text for a name or a value of HTTP/2.
pub(crate) fn token(random: &mut Random) -> &'static str {
    random.of::<&str>(TOKENS)
}

pub(crate) fn mutated(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        mutate(&mut chars, random);
    }
    chars.into_iter().collect()
}

fn mutate(chars: &mut Vec<char>, random: &mut Random) {
    let at = place(chars, random);
    let until = (at + 1 + random.below(3)).min(chars.len());
    match random.below(8) {
        0 => drop(chars.drain(at..until)),
        1 => chars[at] = if chars[at].is_ascii_lowercase() { chars[at].to_ascii_uppercase() } else { '\n' },
        2 | 3 => replace(chars, at..until, random),
        // A line twice, or moved: its length is up to the next LF.
        4 => {
            let end = chars[at..].iter().position(|char| *char == '\n').map_or(chars.len(), |end| at + end + 1);
            let line: Vec<char> = chars[at..end].to_vec();
            let to = place(chars, random);
            chars.splice(to..to, line);
        }
        5 => {
            let random_byte = char::from(random.below(256) as u8);
            chars.insert(at, random_byte);
        }
        _ => replace(chars, at..at, random),
    }
    if chars.is_empty() {
        chars.push('\r');
    }
}

fn replace(chars: &mut Vec<char>, range: std::ops::Range<usize>, random: &mut Random) {
    let token = random.of(TOKENS).chars();
    chars.splice(range, token);
}

/// Returns a place to change: near the end of a line in half of the cases.
fn place(chars: &[char], random: &mut Random) -> usize {
    let ends: Vec<_> = (0..chars.len()).filter(|at| matches!(chars[*at], '\r' | '\n' | ':' | ';')).collect();
    match random.below(2) {
        0 if !ends.is_empty() => (*random.of(&ends) + random.below(2)).min(chars.len() - 1),
        _ => random.below(chars.len()),
    }
}
