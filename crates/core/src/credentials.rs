//! User and password of a URL, which no error, log or page shows.

use std::borrow::Cow;

/// Returns the text with `***` in place of the user and password of each URL in it.
///
/// The text may be a malformed URL, or several in one line. It is cut at its last `@`, because a password that is not
/// encoded may hold any character.
///
/// ```
/// use mainstay_core::without_credentials;
///
/// assert_eq!(without_credentials("http://admin:secret@orders:8080/v2"), "http://***@orders:8080/v2");
/// assert_eq!(without_credentials("admin:secret@orders"), "***@orders");
/// assert_eq!(without_credentials("http://orders"), "http://orders");
/// ```
#[must_use]
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for (i, part) in text.split("://").enumerate() {
        if i > 0 {
            shown.push_str("://");
        }
        match part.rfind('@') {
            // Without a scheme, `user@host` is no secret, but `user:password@host` is.
            Some(at) if i > 0 || part[..at].contains(':') => {
                shown.push_str("***");
                shown.push_str(&part[at..]);
            }
            _ => shown.push_str(part),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown_wherever_they_stand() {
        let cases = [
            ("http://u:hunter2@a", "http://***@a"),
            ("http://hunter2@a/b", "http://***@a/b"),
            ("http://u:hun@ter2/x@a", "http://***@a"),
            ("http://u:hunter2@a,http://u:hunter2@b", "http://***@a,http://***@b"),
            ("[http://a, redis://:hunter2@b/0]", "[http://a, redis://***@b/0]"),
            ("u:hunter2@a", "***@a"),
            ("http:/u:hunter2@a", "***@a"),
            ("http//u:hunter2@a:80", "***@a:80"),
            ("http://ü:hunter2@ö", "http://***@ö"),
            ("team@example.org", "team@example.org"),
            ("http://a/b", "http://a/b"),
            ("@", "@"),
            ("", ""),
        ];
        for (text, shown) in cases {
            assert_eq!(without_credentials(text), shown, "{text}");
        }
    }
}
