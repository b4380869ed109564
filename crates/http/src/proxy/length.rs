//! `Content-Length` and `Transfer-Encoding`: where a message ends (RFC 9112, 6).

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::proxy::{
    fault::{RequestFault, ResponseFault},
    list::list,
};

/// What is wrong with the length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LengthFault {
    /// No number, or several different ones.
    ContentLength,
    /// `chunked` occurs twice, or not at the end.
    Chunked,
    /// A coding that this proxy would have to undo.
    TransferCoding,
}

/// Leaves at most one length. `Transfer-Encoding` overrides `Content-Length`, which is removed (RFC 9112, 6.3). Equal
/// lengths (`4, 4`) become one (RFC 9110, 8.6).
pub(super) fn normalize_length(headers: &mut HeaderMap) -> Result<(), LengthFault> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        check_codings(headers)?;
        headers.remove(header::CONTENT_LENGTH);
        return Ok(());
    }
    let mut lines = headers.get_all(header::CONTENT_LENGTH).iter();
    let (first, second) = (lines.next(), lines.next());
    match first {
        None => return Ok(()),
        Some(only) if second.is_none() && number(only.as_bytes()).is_some() => return Ok(()),
        Some(_) => {}
    }
    let length = equal_lengths(headers).ok_or(LengthFault::ContentLength)?;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(())
}

fn equal_lengths(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = list(headers, &header::CONTENT_LENGTH).map(number);
    let length = lengths.next()??;
    lengths.all(|other| other == Some(length)).then_some(length)
}

/// Removes the length of a response that has no content by its status (RFC 9110, 8.6). That of a 304 is the length of the
/// stored content.
pub(super) fn strip_length_without_content(headers: &mut HeaderMap, status: StatusCode) {
    if status == StatusCode::NO_CONTENT || status.is_informational() {
        headers.remove(header::CONTENT_LENGTH);
    }
}

fn check_codings(headers: &HeaderMap) -> Result<(), LengthFault> {
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let codings = list(headers, &header::TRANSFER_ENCODING);
    let (count, chunked, last) = codings.fold((0, 0, false), |(count, chunked, _), coding| {
        let is_chunked = is_chunked(coding);
        (count + 1, chunked + usize::from(is_chunked), is_chunked)
    });
    match (count, chunked, last) {
        (1, 1, _) => Ok(()),
        (_, 1, true) => Err(LengthFault::TransferCoding),
        _ => Err(LengthFault::Chunked),
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    // `parse` would accept a sign.
    let digits = bytes.iter().all(u8::is_ascii_digit).then_some(bytes)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

// === impl LengthFault ===

impl From<LengthFault> for RequestFault {
    fn from(fault: LengthFault) -> Self {
        match fault {
            LengthFault::ContentLength => Self::ContentLength,
            LengthFault::Chunked => Self::Chunked,
            LengthFault::TransferCoding => Self::TransferCoding,
        }
    }
}

impl From<LengthFault> for ResponseFault {
    fn from(fault: LengthFault) -> Self {
        match fault {
            LengthFault::ContentLength => Self::ContentLength,
            LengthFault::Chunked | LengthFault::TransferCoding => Self::TransferCoding,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::{prelude::*, sample::select};

    use super::*;

    type Fields = &'static [(&'static str, &'static str)];

    fn headers(fields: Fields) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn message_keeps_one_length() {
        const CL: &str = "content-length";
        const TE: &str = "transfer-encoding";
        let cases: [(Fields, Fields); 8] = [
            (&[], &[]),
            (&[(CL, "4")], &[(CL, "4")]),
            (&[(CL, "04")], &[(CL, "04")]),
            // RFC 9110, 8.6
            (&[(CL, "4, 4")], &[(CL, "4")]),
            (&[(CL, "4"), (CL, "4")], &[(CL, "4")]),
            (&[(CL, "4"), (CL, "04,4")], &[(CL, "4")]),
            // RFC 9112, 6.3
            (&[(CL, "3"), (TE, "chunked")], &[(TE, "chunked")]),
            (&[(TE, "Chunked"), (CL, "3"), (CL, "x")], &[(TE, "Chunked")]),
        ];
        for (received, expected) in cases {
            let mut fields = headers(received);
            assert_eq!(normalize_length(&mut fields), Ok(()), "{received:?}");
            assert_eq!(fields, headers(expected), "{received:?}");
        }
    }

    #[test]
    fn ambiguous_length_is_a_fault() {
        const CL: &str = "content-length";
        const TE: &str = "transfer-encoding";
        let cases: [(Fields, LengthFault); 16] = [
            (&[(CL, "")], LengthFault::ContentLength),
            (&[(CL, "+4")], LengthFault::ContentLength),
            (&[(CL, "-1")], LengthFault::ContentLength),
            (&[(CL, "0x4")], LengthFault::ContentLength),
            (&[(CL, "4 4")], LengthFault::ContentLength),
            (&[(CL, "4, 5")], LengthFault::ContentLength),
            (&[(CL, "4"), (CL, "5")], LengthFault::ContentLength),
            (&[(CL, "18446744073709551616")], LengthFault::ContentLength),
            (&[(TE, "")], LengthFault::Chunked),
            (&[(TE, "gzip")], LengthFault::Chunked),
            (&[(TE, "chunked, chunked")], LengthFault::Chunked),
            (&[(TE, "chunked"), (TE, "chunked")], LengthFault::Chunked),
            (&[(TE, "chunked, gzip")], LengthFault::Chunked),
            (&[(TE, "chunked;x=1")], LengthFault::Chunked),
            (&[(TE, "gzip, chunked")], LengthFault::TransferCoding),
            (&[(TE, "identity"), (TE, "chunked")], LengthFault::TransferCoding),
        ];
        for (received, expected) in cases {
            assert_eq!(normalize_length(&mut headers(received)), Err(expected), "{received:?}");
        }
    }

    #[test]
    fn no_content_has_no_length() {
        for (status, kept) in [(204, false), (103, false), (200, true), (205, true), (304, true)] {
            let mut fields = headers(&[("content-length", "3")]);
            strip_length_without_content(&mut fields, StatusCode::from_u16(status).unwrap());
            assert_eq!(fields.contains_key(header::CONTENT_LENGTH), kept, "{status}");
        }
    }

    proptest! {
        #[test]
        fn any_message_keeps_at_most_one_length(
            lengths in proptest::collection::vec(select(&["4", "5", "4, 4", "4,5", "+4", "", " 4", "x"][..]), 0..3),
            codings in proptest::collection::vec(select(&["chunked", "gzip", "", "CHUNKED", "chunked, chunked"][..]), 0..3),
        ) {
            let mut fields = HeaderMap::new();
            for length in &lengths {
                fields.append(header::CONTENT_LENGTH, HeaderValue::from_static(length));
            }
            for coding in &codings {
                fields.append(header::TRANSFER_ENCODING, HeaderValue::from_static(coding));
            }
            if normalize_length(&mut fields).is_ok() {
                let lengths: Vec<_> = fields.get_all(header::CONTENT_LENGTH).iter().collect();
                let codings = fields.get_all(header::TRANSFER_ENCODING).iter().count();
                prop_assert!(lengths.len() <= 1 && (codings == 0 || lengths.is_empty()), "{:?}", fields);
                prop_assert!(lengths.iter().all(|length| number(length.as_bytes()).is_some()), "{:?}", fields);
            }
        }
    }
}
