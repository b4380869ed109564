//! Which fields of a request tell who sent it.

use http::{HeaderMap, HeaderName, header};

/// The fields that are taken for a credential besides those whose names look like one.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
    added: Vec<HeaderName>,
    excepted: Vec<HeaderName>,
}

/// Parts of the names of fields that carry a credential, or a name that a proxy in front has made of it.
const PARTS: [&str; 28] = [
    "account",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "behalf",
    "cert",
    "client-dn",
    "client-s-dn",
    "cookie",
    "credential",
    "customer",
    "device-id",
    "email",
    "identity",
    "jwt",
    "login",
    "oidc",
    "org-id",
    "password",
    "principal",
    "secret",
    "session",
    "signature",
    "subject",
    "tenant",
    "token",
    "user",
];

// === impl Credentials ===

impl Credentials {
    pub(super) fn add(&mut self, name: HeaderName) {
        self.excepted.retain(|excepted| *excepted != name);
        self.added.push(name);
    }

    /// `Authorization` stays one, by RFC 9111 (3.5).
    pub(super) fn except(&mut self, name: HeaderName) {
        self.added.retain(|added| *added != name);
        self.excepted.push(name);
    }

    pub(super) fn are_in(&self, headers: &HeaderMap) -> bool {
        headers.keys().any(|name| self.is_credential(name))
    }

    fn is_credential(&self, name: &HeaderName) -> bool {
        if *name == header::AUTHORIZATION || self.added.contains(name) {
            return true;
        }
        if *name == header::USER_AGENT || self.excepted.contains(name) {
            return false;
        }
        match name.as_str() {
            "dpop" | "from" => true,
            // Set by browsers, for each user alike.
            name if name.starts_with("sec-") => false,
            name => PARTS.iter().any(|part| name.contains(part)),
        }
    }
}
