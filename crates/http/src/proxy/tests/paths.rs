//! URIs of requests to a backend.

use http::Uri;
use proptest::prelude::*;

use super::uri;
use crate::proxy::rebase;

#[test]
fn rebase_puts_backend_host_and_path_first() {
    let at = |backend: &str, requested: &str| rebase(&uri(backend), &uri(requested)).map(|uri| uri.to_string());
    assert_eq!(at("http://b:1", "/api/x?y=/../z").as_deref(), Some("http://b:1/api/x?y=/../z"));
    assert_eq!(at("http://b:1/base/", "/x").as_deref(), Some("http://b:1/base/x"));
    assert_eq!(at("https://b/base", "http://evil/x").as_deref(), Some("https://b/base/x"));
    assert_eq!(at("http://b", "//evil/x").as_deref(), Some("http://b//evil/x"));
    assert_eq!(at("/only-a-path", "/x"), None);
}

#[test]
fn rebase_rejects_dot_segments() {
    for path in [
        "/a/../b",
        "/./b",
        "/a/%2e%2E/b",
        "/a/.%2e",
        "/a/..%2fb",
        "/a/%2e%2e%5cb",
        "/..",
        "*",
        "/a/..%5Cb",
        "/a/..;/b",
        "/a/.;x=y",
        "/a/%2e%2e%3Bx/b",
        // Cut off or trimmed by some servers.
        "/a/..%00",
        "/a/..%00/b",
        "/a/..%00x",
        "/a/..%09",
        "/a/..%20/b",
        "/a/%0d%0a../b",
        "/a/.%0a./b",
        "/a/..%3fx",
        "/a/..%23",
        "/a%00b",
        // Taken for dots and slashes.
        "/a/%EF%BC%8E%EF%BC%8E/b",
        "/a/%EF%BC%8E./b",
        "/a/..%EF%BC%8Fb",
        "/a/%E2%80%A5/b",
        "/a/%c0%ae%c0%ae/b",
        "/a/..%c0%afb",
        // Not of a URI.
        "/a/\u{e9}",
        "/a/\u{ff0e}\u{ff0e}/b",
    ] {
        assert_eq!(rebase(&uri("http://b/base"), &uri(path)), None, "{path}");
    }
    for path in [
        "/a..b",
        "/...",
        "/.well-known/x",
        "/a/..b",
        "/%2e%2e%2e",
        "/a;..",
        "/a/..b;x",
        "/%E2%82%AC",
        "/100%",
        "/%252e%252e/b",
        "/a%20b",
        "/%C3%A9",
    ] {
        assert!(rebase(&uri("http://b/base"), &uri(path)).is_some(), "{path}");
    }
}

proptest! {
    #[test]
    fn any_path_keeps_the_backend_host(path in "/[ -~]{0,40}") {
        let Ok(requested) = path.parse::<Uri>() else { return Ok(()) };
        if let Some(rebased) = rebase(&uri("http://backend:81/base"), &requested) {
            prop_assert_eq!(rebased.authority().unwrap().as_str(), "backend:81");
            prop_assert!(rebased.path().starts_with("/base/"));
        }
    }
}
