//! `Via` (RFC 9110, 7.6.3): the proxies that a message passed.

use http::{
    HeaderMap, HeaderValue, Version,
    header::{self, Entry},
};
use mainstay_core::InvalidSetting;

use crate::proxy::list::{append, list};

/// A proxy's own member of `Via`.
///
/// ```
/// use http::{HeaderMap, Version};
/// use mainstay_http::proxy::Via;
///
/// let via = Via::new("edge-7")?;
/// let mut headers = HeaderMap::new();
/// assert!(!via.is_loop(&headers));
/// via.add(&mut headers, Version::HTTP_11);
/// assert_eq!(headers["via"], "1.1 edge-7");
/// assert!(via.is_loop(&headers));
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone, Debug)]
pub struct Via {
    /// One value for each version, made once: most messages passed no other proxy, and the value is then the whole field.
    members: [HeaderValue; VERSIONS.len()],
}

const VERSIONS: [(Version, &str); 5] = [
    (Version::HTTP_11, "1.1 "),
    (Version::HTTP_2, "2.0 "),
    (Version::HTTP_10, "1.0 "),
    (Version::HTTP_3, "3.0 "),
    (Version::HTTP_09, "0.9 "),
];

// === impl Via ===

impl Via {
    /// A proxy with this pseudonym. In a chain of proxies each needs its own, or they look like a loop.
    ///
    /// # Errors
    /// The pseudonym is empty, or has characters that are not allowed in a token (RFC 9110, 5.6.2).
    pub fn new(pseudonym: &str) -> Result<Self, InvalidSetting> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let wrong = || InvalidSetting::new("pseudonym", pseudonym, "must be letters, digits and !#$%&'*+-.^_`|~");
        if pseudonym.is_empty() || !pseudonym.bytes().all(is_token) {
            return Err(wrong());
        }
        let mut members = [const { HeaderValue::from_static("") }; VERSIONS.len()];
        for (member, (_, version)) in members.iter_mut().zip(VERSIONS) {
            *member = HeaderValue::try_from(format!("{version}{pseudonym}")).map_err(|_| wrong())?;
        }
        Ok(Self { members })
    }

    /// Appends this proxy with the version in which the message arrived.
    pub fn add(&self, headers: &mut HeaderMap, received: Version) {
        let known = VERSIONS.iter().position(|(version, _)| *version == received).unwrap_or_default();
        let member = &self.members[known];
        match headers.entry(header::VIA) {
            Entry::Vacant(entry) => drop(entry.insert(member.clone())),
            Entry::Occupied(_) => append(headers, header::VIA, member.as_bytes()),
        }
    }

    /// Whether a message passed this proxy before: a loop, to be answered with 508.
    #[must_use]
    pub fn is_loop(&self, headers: &HeaderMap) -> bool {
        let own = received_by(self.members[0].as_bytes());
        let mut proxies = list(headers, &header::VIA).filter_map(received_by);
        own.is_some_and(|own| proxies.any(|proxy| proxy.eq_ignore_ascii_case(own)))
    }
}

fn received_by(member: &[u8]) -> Option<&[u8]> {
    member.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(1)
}
