//! Field sections of HTTP/2 (RFC 7541), without a dynamic table: the client announces a size of zero.

use crate::{h2::huffman, message::text};

/// The static table (RFC 7541, appendix A), from index 1.
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
    ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""),
    ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
    ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""),
    ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""),
    ("www-authenticate", ""),
];

/// Encodes fields as literals without indexing, byte for byte.
pub(crate) fn encode(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            encode_length(text.len(), &mut block);
            block.extend(text);
        }
    }
    block
}

fn encode_length(length: usize, block: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(127) else { return block.push(length as u8) };
    block.push(127);
    while rest >= 128 {
        block.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    block.push(rest as u8);
}

/// Decodes a section. `None` if it is malformed or refers to a dynamic table.
pub(crate) fn decode(block: &[u8]) -> Option<Vec<(String, String)>> {
    let (mut rest, mut fields) = (block, Vec::new());
    while let Some(first) = rest.first() {
        match first {
            0x80.. => {
                let index = integer(&mut rest, 7)?;
                let (name, value) = STATIC.get(index.checked_sub(1)?)?;
                fields.push(((*name).to_owned(), (*value).to_owned()));
            }
            // The size of the dynamic table.
            0x20..0x40 => drop(integer(&mut rest, 5)?),
            _ => {
                let name = match integer(&mut rest, if *first >= 0x40 { 6 } else { 4 })? {
                    0 => string(&mut rest)?,
                    index => STATIC.get(index - 1)?.0.to_owned(),
                };
                fields.push((name, string(&mut rest)?));
            }
        }
    }
    Some(fields)
}

fn integer(rest: &mut &[u8], prefix: u32) -> Option<usize> {
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(byte(rest)?) & mask;
    let mut shift = 0;
    if value == mask {
        loop {
            let next = usize::from(byte(rest)?);
            value += (next & 127) << shift;
            shift += 7;
            if next < 128 || shift > 28 {
                break;
            }
        }
    }
    Some(value)
}

fn string(rest: &mut &[u8]) -> Option<String> {
    let is_huffman = rest.first()? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text(&if is_huffman { huffman::decode(bytes) } else { bytes.to_vec() }))
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}
