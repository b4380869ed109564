//! `google.rpc.RetryInfo` in `grpc-status-details-bin`: the wait before a retry, as most gRPC servers send it.
//!
//! Four small protobuf messages (`Status`, `Any`, `RetryInfo`, `Duration`), encoded and decoded by hand: generated code would bring a code generator into every
//! build of the policies, with tonic or without.

use std::time::Duration;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_core::settings::LONGEST;

/// `grpc-status-details-bin`: a `google.rpc.Status` with details to the status, in base64.
pub const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

const TYPE: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// Sent without padding and accepted with or without, as gRPC requires.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The fields of a protobuf message, up to the first byte that cannot be decoded.
struct Fields<'a>(&'a [u8]);

struct Field<'a> {
    number: u64,
    value: Value<'a>,
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A value of fixed length. No message here has one that is needed.
    Fixed,
}

/// Returns the wait in a `google.rpc.Status`, at most a year, or `None` without a `RetryInfo` that can be read.
#[must_use]
pub fn retry_info(details: &[u8]) -> Option<Duration> {
    Fields(details).filter_map(|field| field.bytes(3)).find_map(|any| {
        let kind = Fields(any).find_map(|field| field.bytes(1))?;
        // The part before the slash may be any type server.
        let is_ours = kind.rsplit(|byte| *byte == b'/').next() == Some(b"google.rpc.RetryInfo");
        let info = is_ours.then(|| Fields(any).find_map(|field| field.bytes(2)))??;
        wait(Fields(info).find_map(|field| field.bytes(1))?)
    })
}

/// A `google.rpc.Status` with a `RetryInfo`.
pub(crate) fn retry_info_details(code: u8, message: &str, wait: Duration) -> Vec<u8> {
    let wait = wait.min(LONGEST);
    let (mut duration, mut info, mut any, mut status) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    put_number(&mut duration, 1, wait.as_secs());
    put_number(&mut duration, 2, wait.subsec_nanos().into());
    put_bytes(&mut info, 1, &duration);
    put_bytes(&mut any, 1, TYPE.as_bytes());
    put_bytes(&mut any, 2, &info);
    put_number(&mut status, 1, code.into());
    put_bytes(&mut status, 2, message.as_bytes());
    put_bytes(&mut status, 3, &any);
    status
}

/// [`retry_info`] of the details in the headers.
pub(crate) fn retry_info_in(headers: &HeaderMap) -> Option<Duration> {
    retry_info(&BASE64.decode(headers.get(GRPC_STATUS_DETAILS)?).ok()?)
}

pub(crate) fn details_value(details: &[u8]) -> Option<HeaderValue> {
    HeaderValue::try_from(BASE64.encode(details)).ok()
}

/// Reads a `google.protobuf.Duration`; `None` if it is negative or out of range.
fn wait(duration: &[u8]) -> Option<Duration> {
    let part = |number| Fields(duration).find_map(|field| field.number(number)).unwrap_or(0);
    // A negative number is ten bytes long and decodes to a huge one.
    let seconds = i64::try_from(part(1)).ok().and_then(|seconds| u64::try_from(seconds).ok())?;
    let nanos = u32::try_from(part(2)).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos).min(LONGEST))
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn put_number(message: &mut Vec<u8>, field: u8, value: u64) {
    message.push(field << 3);
    put_varint(message, value);
}

fn put_bytes(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some(Field { number: key >> 3, value })
    }
}

// === impl Field ===

impl<'a> Field<'a> {
    fn bytes(&self, number: u64) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }

    fn number(&self, number: u64) -> Option<u64> {
        match self.value {
            Value::Number(value) if self.number == number => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(wait: Duration) -> Vec<u8> {
        retry_info_details(14, "later", wait)
    }

    #[test]
    fn details_without_a_readable_wait_give_none() {
        assert_eq!(retry_info(b""), None);
        assert_eq!(retry_info(b"no protobuf at all"), None);
        // -1 s: ten bytes of varint.
        let mut negative = vec![1 << 3];
        put_varint(&mut negative, u64::MAX);
        assert_eq!(wait(&negative), None);
        let mut nanos = Vec::new();
        put_number(&mut nanos, 2, 1_000_000_000);
        assert_eq!(wait(&nanos), None);
        assert_eq!(wait(b""), Some(Duration::ZERO), "a message without fields is zero");
    }

    #[test]
    fn retry_info_is_found_after_other_details() {
        let mut other = Vec::new();
        put_bytes(&mut other, 1, b"type.googleapis.com/google.rpc.DebugInfo");
        put_bytes(&mut other, 2, b"\x0a\x01x");
        let mut status = Vec::new();
        put_bytes(&mut status, 3, &other);
        status.extend(written(Duration::from_millis(1_500)));
        assert_eq!(retry_info(&status), Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn padding_is_accepted_and_not_sent() {
        let read = |value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            retry_info_in(&HeaderMap::from_iter([(GRPC_STATUS_DETAILS, value)]))
        };
        let bare = details_value(&written(Duration::from_secs(3))).unwrap().to_str().unwrap().to_owned();
        assert!(!bare.ends_with('='));
        let padded = format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4));
        assert_eq!((read(&bare), read(&padded)), (Some(Duration::from_secs(3)), Some(Duration::from_secs(3))));
        assert_eq!(read("?"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_decode_without_panic(bytes: Vec<u8>) {
            prop_assert!(retry_info(&bytes).unwrap_or_default() <= LONGEST);
        }

        #[test]
        fn truncated_or_changed_message_decodes_without_panic(at in 0_usize..100, byte: u8, nanos: u32) {
            let mut message = written(Duration::from_nanos(nanos.into()));
            let at = at % message.len();
            prop_assert_eq!(retry_info(&message[..at]), None);
            message[at] = byte;
            prop_assert!(retry_info(&message).unwrap_or_default() <= LONGEST);
        }

        #[test]
        fn encoded_wait_is_decoded_unchanged(nanos: u64) {
            let wait = Duration::from_nanos(nanos);
            prop_assert_eq!(retry_info(&written(wait)), Some(wait.min(LONGEST)));
        }
    }
}
