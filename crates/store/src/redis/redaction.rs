//! Texts of a server, without the password and without what a request sent.
//!
//! An error of Redis can quote the command that it does not accept, its arguments included: the password of AUTH, or a
//! value.

use redis::RedisConnectionInfo;

/// Removes the user and the password from texts.
#[derive(Default)]
pub(super) struct Redaction(Vec<String>);

/// The most characters of a text.
const SHOWN: usize = 200;

// === impl Redaction ===

impl Redaction {
    pub(super) fn new(login: &RedisConnectionInfo) -> Self {
        let secrets = [login.password(), login.username()].into_iter().flatten();
        Self(secrets.filter(|secret| !secret.is_empty()).map(str::to_owned).collect())
    }

    /// Returns the beginning of a text without the secrets and without quoted arguments.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = text.split("with args beginning with").next().unwrap_or_default();
        let mut text = text.trim_end_matches([' ', ',']).to_owned();
        for secret in &self.0 {
            text = text.replace(secret, "***");
        }
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}..", &text[..end]),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_arguments_and_long_texts_are_cut() {
        let redaction = Redaction::new(&RedisConnectionInfo::default().set_username("ada").set_password("hunter2"));
        let unknown = "ERR unknown command 'AUTHX', with args beginning with: 'hunter2' 'x' ";
        assert_eq!(redaction.clean(unknown), "ERR unknown command 'AUTHX'");
        assert_eq!(redaction.clean("WRONGPASS ada hunter2 is wrong"), "WRONGPASS *** *** is wrong");
        assert_eq!(redaction.clean(&"é".repeat(1_000_000)).chars().count(), SHOWN + 2);
        assert_eq!(Redaction::new(&RedisConnectionInfo::default().set_password("")).clean("as it is"), "as it is");
    }
}
