//! Keys of what users send.

use std::fmt::{self, Write as _};

use mainstay_core::InvalidSetting;
use ring::hmac;

/// Makes keys of what users send: tokens, addresses, account numbers. A store shared with others, its logs and its backups
/// then contain a keyed hash, from which the input cannot be found without the secret.
///
/// The hash is HMAC-SHA256, cut to 128 bits. All processes that share a store need the same secret; a new secret makes new
/// keys, and the old ones expire.
///
/// ```
/// use mainstay_store::KeyHash;
///
/// let hash = KeyHash::new("a secret of this deployment, 32 bytes or more")?;
/// let key = hash.key("token", "Bearer 0123456789");
/// assert!(key.starts_with("token:") && key.len() == "token:".len() + 32);
/// assert_eq!(key, hash.key("token", "Bearer 0123456789"));
/// assert_ne!(key, hash.key("address", "Bearer 0123456789"));
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone)]
pub struct KeyHash(hmac::Key);

/// The fewest bytes of a secret: as many as the hash has.
const SHORTEST_SECRET: usize = 16;

// === impl KeyHash ===

impl KeyHash {
    /// Creates a hash with this secret.
    ///
    /// # Errors
    /// A secret of less than 16 bytes.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, InvalidSetting> {
        let secret = secret.as_ref();
        if secret.len() < SHORTEST_SECRET {
            let allowed = format!("must have at least {SHORTEST_SECRET} bytes");
            return Err(InvalidSetting::new("secret", format!("{} bytes", secret.len()), allowed));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Returns the key of an input of this kind: the kind, a colon and 32 hexadecimal digits.
    #[must_use]
    pub fn key(&self, kind: &str, input: impl AsRef<[u8]>) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        // With its length, so that no kind and input together read as another kind and input.
        context.update(&(kind.len() as u64).to_be_bytes());
        context.update(kind.as_bytes());
        context.update(input.as_ref());
        let mut key = format!("{kind}:");
        for byte in &context.sign().as_ref()[..16] {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_depends_on_secret_kind_and_input_alone() {
        let (hash, other) = (KeyHash::new([7; 32]).unwrap(), KeyHash::new([8; 32]).unwrap());
        let key = hash.key("token", "hunter2");
        assert_eq!(key, KeyHash::new([7; 32]).unwrap().key("token", b"hunter2"), "the same in another process");
        let others = [other.key("token", "hunter2"), hash.key("token", "hunter3"), hash.key("tokenh", "unter2")];
        for other in others {
            assert_ne!(key.split_once(':').unwrap().1, other.split_once(':').unwrap().1);
        }
        assert!(!format!("{hash:?} {key}").contains("hunter2"));
    }

    #[test]
    fn short_secret_is_refused_and_not_shown() {
        let error = KeyHash::new("hunter2").unwrap_err();
        assert_eq!(error.to_string(), "secret = 7 bytes: must have at least 16 bytes");
    }
}
