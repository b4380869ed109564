//! Values that other programs and other versions have left under the keys of the storage.

use std::time::Duration;

use mainstay_store::{RequestPath, RequestPathSettings, Storage, StorageErrorKind};

use crate::server::Server;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn garbage_is_an_error_of_its_key_alone() {
    let server = Server::start(&[]);
    let mut client = server.client().await;
    let mut write = async |name: &str, arguments: &[&[u8]]| {
        let mut command = redis::cmd(name);
        arguments.iter().for_each(|argument| {
            command.arg(*argument);
        });
        command.exec_async(&mut client).await.unwrap();
    };
    let long = vec![b'x'; 10 << 20];
    write("SET", &[b"mainstay:long", &long]).await;
    write("HSET", &[b"mainstay:hash", b"field", b"1"]).await;
    write("SET", &[b"mainstay:other", b"\x80\x04\x95not json"]).await;
    write("RPUSH", &[b"mainstay:log", b"1", &long, b"{}", b"2"]).await;
    write("SET", &[b"mainstay:\xff\xfe", b"1"]).await;
    write("SET", &[b"foreign:key", b"1"]).await;

    // On a busy machine an answer can take longer than on the path of a request.
    let settings = RequestPathSettings { timeout: MINUTE, ..RequestPathSettings::default() };
    let path = RequestPath::new("path", &server.store(), settings).unwrap();
    let store = path.store();
    for key in ["long", "hash", "other"] {
        let failure = store.get::<u32>(key).await.unwrap_err();
        assert_eq!(failure.kind(), StorageErrorKind::Malformed, "{failure}");
        assert!(failure.to_string().len() < 300 && !failure.to_string().contains("xxx"), "{failure}");
    }
    let long = store.get::<u32>("long").await.unwrap_err();
    let expected = "storage malformed: key \"long\" holds 10485760 bytes, and max_value_bytes is 1048576";
    assert_eq!(long.to_string(), expected);
    assert_eq!(store.read::<u32>("log", 10).await.unwrap(), [1, 2]);
    assert_eq!(path.read("log", 2).await.unwrap(), [b"{}".to_vec(), b"2".to_vec()]);
    assert_eq!(store.scan("", 100).await.unwrap(), ["hash", "log", "long", "other"]);
    assert!(!store.compare_and_set("long", None, &1, MINUTE).await.unwrap());
    assert_eq!(store.append("hash", &1, 10, MINUTE).await.unwrap_err().kind(), StorageErrorKind::Malformed);
    assert!(!path.snapshot().is_lost);

    for key in ["long", "hash", "other", "log"] {
        assert!(store.set(key, &1, MINUTE).await.unwrap(), "a write replaces what the key holds");
        assert_eq!(store.get::<u32>(key).await.unwrap(), Some(1));
        assert!(store.delete(key).await.unwrap());
    }
}

#[tokio::test]
async fn script_returns_integers_of_the_server() {
    let server = Server::start(&[]);
    let storage = server.storage();
    let script = mainstay_store::RedisScript::new(
        "local time = redis.call('TIME')
         redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
         return {tonumber(time[1]) > 0 and 1 or 0, #ARGV, redis.call('PTTL', KEYS[1])}",
    );
    let values = storage.run_script(&script, "counter", &[b"7", b"8"]).await.unwrap();
    assert_eq!((values[0], values[1], values.len()), (1, 2, 3));
    assert_eq!(storage.get("counter").await.unwrap().as_deref(), Some(&b"7"[..]), "the key has the prefix");
    let () = server.command(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(storage.run_script(&script, "counter", &[]).await.unwrap_err().kind(), StorageErrorKind::Refused);
    let broken = mainstay_store::RedisScript::new("return 'text'");
    assert!(storage.run_script(&broken, "counter", &[]).await.is_err());
}
