//! What a proxy does with a field, by the name of the field.

/// A group of fields that a proxy treats alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Forwarded as it is.
    EndToEnd,
    /// Concerns one connection only (RFC 9110, 7.6.1 and its predecessors).
    Connection,
    /// `X-Forwarded-*`: forwarded if a trusted proxy wrote it.
    Forwarded,
    /// States where a request came from, or what a backend takes for a statement of a proxy. This proxy does not write it,
    /// so a client's value would stay.
    Claim,
    /// A mark of this proxy's own responses.
    Mark,
}

/// The fields by which a message is framed, routed, authenticated, cached or read. They are meant for every recipient of
/// the head: `Connection` cannot name them, and a trailer section cannot contain them (RFC 9110, 6.5.1 and 7.6.1).
const CONTROL: [&str; 28] = [
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "location",
    "max-forwards",
    "pragma",
    "range",
    "retry-after",
    "set-cookie",
    "trailer",
    "vary",
    "via",
    "warning",
    "www-authenticate",
];

// === impl FieldKind ===

impl FieldKind {
    /// Returns the kind of the field with this name, in lower case.
    pub(super) fn of(name: &str) -> Self {
        // Compares bytes, which is cheaper than to search a short text.
        let has_underscore = || name.bytes().any(|byte| byte == b'_');
        // The first letter excludes most fields of a usual head.
        let listed = match name.as_bytes() {
            [b'c' | b'f' | b'h' | b'k' | b'p' | b't' | b'u' | b'x', ..] => Self::listed(name),
            _ => None,
        };
        match listed {
            Some(kind) => kind,
            None if has_underscore() && names_other_field(name) => Self::Claim,
            None => Self::EndToEnd,
        }
    }

    fn listed(name: &str) -> Option<Self> {
        Some(match name {
            "connection" | "http2-settings" | "keep-alive" | "te" | "transfer-encoding" | "upgrade" => Self::Connection,
            "proxy-authenticate" | "proxy-authentication-info" | "proxy-authorization" | "proxy-connection" => {
                Self::Connection
            }
            "forwarded" | "proxy" | "x-forwarded-port" | "x-forwarded-server" | "x-real-ip" => Self::Claim,
            "x-degraded" | "x-served-by" => Self::Mark,
            _ if name.starts_with("x-forwarded-") && !name.contains('_') => Self::Forwarded,
            _ => return None,
        })
    }
}

/// Whether the field frames, routes, authenticates or describes the message for every recipient.
pub(super) fn is_control(name: &str) -> bool {
    CONTROL.binary_search(&name).is_ok()
}

/// Whether a name with underscores is another spelling of a field that proxies rely on: CGI, WSGI and their successors
/// read `x_forwarded_for` as `X-Forwarded-For`.
fn names_other_field(name: &str) -> bool {
    let usual = name.replace('_', "-");
    is_control(&usual) || FieldKind::of(&usual) != FieldKind::EndToEnd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_kind() {
        let cases = [
            ("accept", FieldKind::EndToEnd),
            ("x-request_id", FieldKind::EndToEnd),
            ("x-forwarded", FieldKind::EndToEnd),
            ("keep-alive", FieldKind::Connection),
            ("proxy-authentication-info", FieldKind::Connection),
            ("x-forwarded-for", FieldKind::Forwarded),
            ("x-forwarded-user", FieldKind::Forwarded),
            ("x-forwarded-port", FieldKind::Claim),
            ("x-real-ip", FieldKind::Claim),
            ("forwarded", FieldKind::Claim),
            ("proxy", FieldKind::Claim),
            ("x_forwarded_for", FieldKind::Claim),
            ("x-forwarded_for", FieldKind::Claim),
            ("x-forwarded-for_", FieldKind::Claim),
            ("x-forwarded-preferred_username", FieldKind::Claim),
            ("x_real-ip", FieldKind::Claim),
            ("content_length", FieldKind::Claim),
            ("transfer_encoding", FieldKind::Claim),
            ("x_served_by", FieldKind::Claim),
            ("x-degraded", FieldKind::Mark),
        ];
        for (name, kind) in cases {
            assert_eq!(FieldKind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn control_fields_are_sorted() {
        assert!(CONTROL.is_sorted());
        assert!(is_control("age") && is_control("www-authenticate") && !is_control("etag"));
    }
}
