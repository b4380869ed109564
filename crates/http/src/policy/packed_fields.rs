//! Header fields in one buffer.
//!
//! A clone of a `HeaderMap` is two allocations, one more for each name that is no standard one, and, for fields that a
//! server has received, a reference count for each value. Packed fields are one allocation.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The fields of a map in their order, each as its lengths, name and value.
#[derive(Clone)]
pub(super) struct PackedFields {
    count: usize,
    buffer: Vec<u8>,
}

/// The lengths of a field, in one word: the value's above bit 17, the name's (less than 64 KiB) above bit 1, and the lowest bit
/// says whether the value is sensitive.
struct Lengths(u64);

/// The bytes of the lengths.
const LENGTHS: usize = size_of::<u64>();

/// The bytes that a field usually takes.
const USUAL_FIELD: usize = 80;

// === impl PackedFields ===

impl PackedFields {
    pub(super) fn of(map: &HeaderMap) -> Self {
        // Most fields fit: a pass for the exact size costs a third of the copy.
        let mut buffer = Vec::with_capacity(map.len() * USUAL_FIELD);
        for (name, value) in map {
            let lengths = Lengths::of(name, value);
            let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
            buffer.reserve(LENGTHS + name.len() + value.len());
            buffer.extend_from_slice(&lengths.0.to_ne_bytes());
            buffer.extend_from_slice(name);
            buffer.extend_from_slice(value);
        }
        Self { count: map.len(), buffer }
    }

    /// Makes the map again. Its values share the buffer.
    pub(super) fn into_map(self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.count);
        let mut buffer = Bytes::from(self.buffer);
        while let Some((name, value)) = take(&mut buffer) {
            map.append(name, value);
        }
        map
    }
}

/// Takes the next field off the buffer. The bytes come from a map, so each name and value is valid.
fn take(buffer: &mut Bytes) -> Option<(HeaderName, HeaderValue)> {
    let lengths = Lengths(u64::from_ne_bytes(*buffer.first_chunk()?));
    let (name, value) = (lengths.name(), lengths.value());
    if buffer.len() < LENGTHS + name + value {
        return None;
    }
    drop(buffer.split_to(LENGTHS));
    let name = HeaderName::from_lowercase(&buffer.split_to(name)).ok()?;
    let mut value = HeaderValue::from_maybe_shared(buffer.split_to(value)).ok()?;
    value.set_sensitive(lengths.is_sensitive());
    Some((name, value))
}

impl fmt::Debug for PackedFields {
    /// Leaves out the values, which may be sensitive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fields", self.count)
    }
}

// === impl Lengths ===

impl Lengths {
    fn of(name: &HeaderName, value: &HeaderValue) -> Self {
        let (name, length) = (name.as_str().len() as u64, value.len() as u64);
        Self((length << 17) | (name << 1) | u64::from(value.is_sensitive()))
    }

    fn name(&self) -> usize {
        usize::from((self.0 >> 1) as u16)
    }

    fn value(&self) -> usize {
        (self.0 >> 17) as usize
    }

    fn is_sensitive(&self) -> bool {
        self.0 & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn copied(map: &HeaderMap) -> HeaderMap {
        PackedFields::of(map).into_map()
    }

    #[test]
    fn order_repeated_names_and_sensitive_values_are_kept() {
        let mut map = HeaderMap::new();
        for (name, value) in
            [("b", "1"), ("accept", ""), ("b", "2"), ("x-long-name-of-a-custom-field", "\u{e9}"), ("a", "3")]
        {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map.get_mut("accept").unwrap().set_sensitive(true);
        let copy = copied(&map);
        assert_eq!(Vec::from_iter(&copy), Vec::from_iter(&map));
        assert!(copy["accept"].is_sensitive() && !copy["a"].is_sensitive());
        assert!(copied(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn every_name_is_made_again() {
        let longest = HeaderName::from_bytes(&[b'x'; u16::MAX as usize]).unwrap();
        let short = (0..=u8::MAX).flat_map(|byte| {
            [HeaderName::from_bytes(&[byte]), HeaderName::from_lowercase(&[byte])].into_iter().flatten()
        });
        for name in short.chain([longest]) {
            let map = HeaderMap::from_iter([(name, HeaderValue::from_static("x"))]);
            assert_eq!(copied(&map), map);
        }
    }

    proptest! {
        #[test]
        fn any_fields_are_kept(fields in proptest::collection::vec(("[a-z0-9-]{1,80}", any::<Vec<u8>>(), any::<bool>()), 0..40)) {
            let mut map = HeaderMap::new();
            for (name, value, is_sensitive) in fields {
                let Ok(mut value) = HeaderValue::from_bytes(&value) else { continue };
                value.set_sensitive(is_sensitive);
                map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
            }
            let copy = copied(&map);
            prop_assert_eq!(Vec::from_iter(&copy), Vec::from_iter(&map));
            prop_assert!(copy.values().zip(map.values()).all(|(one, other)| one.is_sensitive() == other.is_sensitive()));
        }
    }
}
