//! `Max-Forwards` of `TRACE` and `OPTIONS` (RFC 9110, 7.6.2).

use http::{HeaderMap, HeaderValue, Method, header};

use crate::proxy::fault::RequestFault;

/// Counts one proxy. The field is ignored in requests of other methods.
///
/// # Errors
/// The count is 0, so that the proxy answers itself, or it is no number.
pub(super) fn count_forward(method: &Method, headers: &mut HeaderMap) -> Result<(), RequestFault> {
    let at_zero = match *method {
        Method::OPTIONS => RequestFault::LastOptions,
        Method::TRACE => RequestFault::LastTrace,
        _ => return Ok(()),
    };
    let mut lines = headers.get_all(header::MAX_FORWARDS).iter();
    let (Some(count), None) = (lines.next(), lines.next()) else {
        return match headers.contains_key(header::MAX_FORWARDS) {
            true => Err(RequestFault::MaxForwards),
            false => Ok(()),
        };
    };
    let left = parse(count.as_bytes()).ok_or(RequestFault::MaxForwards)?.checked_sub(1).ok_or(at_zero)?;
    headers.insert(header::MAX_FORWARDS, HeaderValue::from(left));
    Ok(())
}

/// Reads a number. One that is too large becomes the largest that this proxy supports, as the RFC has it.
fn parse(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines = &'static [&'static str];

    #[test]
    fn options_and_trace_are_counted() {
        let cases: [(Method, Lines, Result<Lines, RequestFault>); 13] = [
            (Method::OPTIONS, &[], Ok(&[])),
            (Method::OPTIONS, &["1"], Ok(&["0"])),
            (Method::OPTIONS, &["010"], Ok(&["9"])),
            (Method::TRACE, &["99999999999999999999"], Ok(&["4294967294"])),
            (Method::OPTIONS, &["0"], Err(RequestFault::LastOptions)),
            (Method::TRACE, &["0"], Err(RequestFault::LastTrace)),
            (Method::TRACE, &["00"], Err(RequestFault::LastTrace)),
            (Method::OPTIONS, &[""], Err(RequestFault::MaxForwards)),
            (Method::OPTIONS, &["+1"], Err(RequestFault::MaxForwards)),
            (Method::OPTIONS, &["-1"], Err(RequestFault::MaxForwards)),
            (Method::OPTIONS, &["1", "1"], Err(RequestFault::MaxForwards)),
            (Method::GET, &["0"], Ok(&["0"])),
            (Method::POST, &["many"], Ok(&["many"])),
        ];
        for (method, received, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in received {
                headers.append(header::MAX_FORWARDS, value.parse().unwrap());
            }
            let counted = count_forward(&method, &mut headers);
            let left: Vec<_> =
                headers.get_all(header::MAX_FORWARDS).iter().map(|left| left.to_str().unwrap()).collect();
            assert_eq!(counted.map(|()| &*left), expected, "{method} {received:?}");
        }
    }
}
