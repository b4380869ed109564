//! Passwords and TLS: what connects, what does not, and that no text shows a secret.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mainstay_store::{RedisStorage, Storage, StorageError, StorageErrorKind, Store, StoreSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::server::{Server, free_port, settings};

const MINUTE: Duration = Duration::from_secs(60);

fn shows_no_secret(shown: &str) {
    assert!(!shown.contains("hunter2") && !shown.contains("wrong"), "{shown}");
}

fn check(error: &StorageError, kind: StorageErrorKind) {
    assert_eq!(error.kind(), kind, "{error}");
    shows_no_secret(&format!("{error} {error:?} {}", error.detail()));
}

#[tokio::test]
async fn password_is_required_and_never_shown() {
    let server = Server::start(&["--requirepass", "hunter2"]);
    let address = format!("127.0.0.1:{}", server.port);
    for user in ["", "default"] {
        let settings = settings(&format!("redis://{user}:hunter2@{address}"));
        let (storage, store) = (RedisStorage::from_config(&settings).unwrap(), Store::from_config(&settings).unwrap());
        assert!(store.set("key", &1, MINUTE).await.unwrap());
        shows_no_secret(&format!("{settings:?} {storage:?} {store:?} {:?}", settings.redis_url));
    }
    for url in
        [format!("redis://{address}"), format!("redis://:wrong@{address}"), format!("redis://ada:wrong@{address}")]
    {
        let store = Store::from_config(&settings(&url)).unwrap();
        check(&store.get::<u32>("key").await.unwrap_err(), StorageErrorKind::Unauthenticated);
        check(&store.ping().await.unwrap_err(), StorageErrorKind::Unauthenticated);
    }
    let invalid = Store::from_config(&settings("redis://:hunter2@127.0.0.1:port")).unwrap_err();
    shows_no_secret(&format!("{invalid} {invalid:?}"));
}

#[tokio::test]
async fn user_without_permission_for_a_command_is_no_outage() {
    let server = Server::start(&["--user", "reader", "on", ">hunter2", "~*", "+@read", "+@connection", "+@scripting"]);
    let store = Store::from_config(&settings(&format!("redis://reader:hunter2@127.0.0.1:{}", server.port))).unwrap();
    assert_eq!(store.get::<u32>("key").await.unwrap(), None);
    check(&store.set("key", &1, MINUTE).await.unwrap_err(), StorageErrorKind::Refused);
}

/// A server with TLS and the file of the authority that signed its certificate.
fn with_tls() -> (Server, PathBuf, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let file = |name: &str, pem: String| {
        let file = folder.join(name);
        fs::write(&file, pem).unwrap();
        file
    };
    let ca = file("ca.pem", authority.pem());
    let (certificate, key) = (file("server.pem", certificate.pem()), file("key.pem", key.serialize_pem()));
    let (port, text) = (free_port(), |file: &PathBuf| file.display().to_string());
    let server = Server::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &text(&certificate),
        "--tls-key-file",
        &text(&key),
        "--tls-ca-cert-file",
        &text(&ca),
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "hunter2",
    ]);
    (server, ca, format!("rediss://:hunter2@127.0.0.1:{port}"))
}

#[tokio::test]
async fn tls_needs_the_authority_that_signed_the_server() {
    let (_server, ca, url) = with_tls();
    let trusting = StoreSettings { ca_file: Some(ca.clone()), ..settings(&url) };
    let store = Store::from_config(&trusting).unwrap();
    store.connect().await.unwrap();
    assert!(store.set("key", &1, MINUTE).await.unwrap());
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
    shows_no_secret(&format!("{trusting:?} {store:?}"));

    let public = Store::from_config(&settings(&url)).unwrap();
    let untrusted = public.get::<u32>("key").await.unwrap_err();
    check(&untrusted, StorageErrorKind::Unreachable);
    assert!(untrusted.detail().contains("certificate"), "{untrusted}");
    let plain = Store::from_config(&settings(&url.replace("rediss", "redis"))).unwrap();
    assert!(plain.get::<u32>("key").await.unwrap_err().is_outage());
    fs::remove_dir_all(ca.parent().unwrap()).unwrap();
}

#[test]
fn settings_of_tls_are_checked() {
    let with = |url: &str, file: &str| {
        let settings = StoreSettings { ca_file: Some(file.into()), ..settings(url) };
        RedisStorage::from_config(&settings).map(|_| ()).unwrap_err().to_string()
    };
    let absent = with("rediss://a", "/absent/ca.pem");
    assert!(absent.starts_with("ca_file = /absent/ca.pem: must be a file of certificates in PEM: "), "{absent}");
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(with("rediss://a", other), format!("ca_file = {other}: must be a file of certificates in PEM"));
    assert!(with("redis://a", other).contains("must be absent unless the redis_url starts with rediss://"));
    for url in ["", "redis://", "redis://a:port", "redis://a/x", "http://a", "redis://0.0.0.0"] {
        let error = RedisStorage::from_config(&settings(url)).map(|_| ()).unwrap_err();
        assert_eq!(error.field(), "redis_url", "{error}");
    }
}

#[tokio::test]
async fn closed_storage_is_not_used() {
    let server = Server::start(&[]);
    let storage = server.storage();
    storage.close().await.unwrap();
    check(&storage.ping().await.unwrap_err(), StorageErrorKind::Closed);
    let clients: String = server.command(&["CLIENT", "LIST"]).await;
    assert_eq!(clients.lines().count(), 1, "{clients}");
}
