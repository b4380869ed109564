//! `Max-Forwards` of `OPTIONS` (RFC 9110, 7.6.2). The other method that it is defined for, `TRACE`, is not forwarded at all.

use http::{HeaderMap, HeaderValue, Method, header};

use crate::proxy::fault::RequestFault;

/// Counts one proxy. The field is ignored in requests of other methods.
///
/// # Errors
/// The count is 0, so that the proxy answers itself, or it is no number; or the method is `TRACE`.
pub(super) fn count_forward(method: &Method, headers: &mut HeaderMap) -> Result<(), RequestFault> {
    match *method {
        Method::OPTIONS => {}
        Method::TRACE => return Err(RequestFault::Trace),
        _ => return Ok(()),
    }
    let mut lines = headers.get_all(header::MAX_FORWARDS).iter();
    let (Some(count), None) = (lines.next(), lines.next()) else {
        return match headers.contains_key(header::MAX_FORWARDS) {
            true => Err(RequestFault::MaxForwards),
            false => Ok(()),
        };
    };
    let left = parse(count.as_bytes()).ok_or(RequestFault::MaxForwards)?.checked_sub(1);
    let left = left.ok_or(RequestFault::LastOptions)?;
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
    fn options_is_counted_and_trace_refused() {
        let cases: [(Method, Lines, Result<Lines, RequestFault>); 15] = [
            (Method::OPTIONS, &[], Ok(&[])),
            (Method::OPTIONS, &["1"], Ok(&["0"])),
            (Method::OPTIONS, &["010"], Ok(&["9"])),
            (Method::OPTIONS, &["99999999999999999999"], Ok(&["4294967294"])),
            (Method::OPTIONS, &["0"], Err(RequestFault::LastOptions)),
            (Method::OPTIONS, &["00"], Err(RequestFault::LastOptions)),
            (Method::TRACE, &[], Err(RequestFault::Trace)),
            (Method::TRACE, &["0"], Err(RequestFault::Trace)),
            (Method::TRACE, &["5"], Err(RequestFault::Trace)),
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
