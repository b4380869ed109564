//! The bounds of the storage in memory.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{collections::BTreeMap, time::Duration};

use mainstay_store::{MemorySettings, MemoryStorage, Storage, StorageErrorKind};
use proptest::prelude::*;

const S: Duration = Duration::from_secs(1);

fn storage(max_entries: u64, max_bytes: u64) -> MemoryStorage {
    let max_value_bytes = max_bytes.min(1_000);
    MemoryStorage::with_settings(MemorySettings { max_entries, max_bytes, max_value_bytes }).unwrap()
}

#[tokio::test(start_paused = true)]
async fn full_storage_removes_the_keys_that_expire_first() {
    let storage = storage(100, 1 << 20);
    storage.set("state", b"1", 3_600 * S).await.unwrap();
    for key in 0..10_000 {
        assert!(storage.set(&format!("cached:{key}"), b"1", 300 * S).await.unwrap());
        tokio::time::advance(S / 1_000).await;
    }
    assert_eq!(storage.size().0, 100);
    assert!(storage.exists("state").await.unwrap());
    assert!(storage.exists("cached:9999").await.unwrap() && !storage.exists("cached:9900").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_by_values_and_logs() {
    let storage = storage(1_000_000, 10_000);
    for key in 0..1_000 {
        storage.set(&format!("{key}"), &[0; 500], 60 * S).await.unwrap();
        storage.append("log", &[0; 300], 1_000, 60 * S).await.unwrap();
        assert!(storage.size().1 <= 10_000);
    }
    assert!(storage.read("log", 1_000).await.unwrap().len() <= 10_000 / 300);
    assert!(!storage.set("long", &[0; 1_001], S).await.unwrap());
    let small =
        MemoryStorage::with_settings(MemorySettings { max_entries: 1, max_bytes: 100, max_value_bytes: 100 }).unwrap();
    assert!(!small.set("key", &[0; 100], S).await.unwrap(), "the key counts too");
    assert_eq!(small.append("log", &[0; 50], 1, S).await.unwrap_err().kind(), StorageErrorKind::Full);
    assert_eq!(small.compare_and_set("key", None, &[0; 90], S).await.unwrap_err().kind(), StorageErrorKind::Full);
    assert_eq!(small.size(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn value_that_does_not_fit_leaves_the_old_one() {
    let storage = storage(10, 200);
    assert!(storage.set("key", b"old", 60 * S).await.unwrap());
    assert!(!storage.set("key", &[0; 190], 60 * S).await.unwrap());
    assert_eq!(storage.get("key").await.unwrap().as_deref(), Some(&b"old"[..]));
}

#[tokio::test(start_paused = true)]
async fn expired_keys_are_absent_from_every_call() {
    let storage = storage(1_000, 1 << 20);
    for key in 0..100 {
        storage.set(&format!("{key}"), b"1", S).await.unwrap();
    }
    storage.append("log", b"1", 10, S).await.unwrap();
    tokio::time::advance(S).await;
    assert_eq!(storage.size(), (0, 0));
    assert!(storage.scan("", 1_000).await.unwrap().is_empty());
    assert!(storage.read("log", 10).await.unwrap().is_empty());
    assert!(!storage.delete("99").await.unwrap());
    assert!(storage.compare_and_set("98", None, b"2", S).await.unwrap());
    storage.append("97", b"1", 10, S).await.unwrap();
    assert_eq!(storage.size().0, 2);
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u8, u16),
    CompareAndSet(u8, Option<u8>, u8, u16),
    Delete(u8),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let (key, value, ms) = (0_u8..6, 0_u8..3, 1_u16..50);
    prop_oneof![
        (key.clone(), value.clone(), ms.clone()).prop_map(|(key, value, ms)| Step::Set(key, value, ms)),
        (key.clone(), proptest::option::of(value.clone()), value, ms.clone())
            .prop_map(|(key, expected, value, ms)| Step::CompareAndSet(key, expected, value, ms)),
        key.prop_map(Step::Delete),
        ms.prop_map(Step::Wait),
    ]
}

proptest! {
    /// With room for all keys the storage is a map whose entries expire.
    #[test]
    fn storage_with_room_is_a_map_with_expiries(steps in proptest::collection::vec(step(), 1..100)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (storage, mut model, mut now) = (MemoryStorage::new(), BTreeMap::new(), 0_u32);
            for step in steps {
                let expire = |ms: u16| Duration::from_millis(ms.into());
                match step {
                    Step::Set(key, value, ms) => {
                        prop_assert!(storage.set(&key.to_string(), &[value], expire(ms)).await.unwrap());
                        model.insert(key, (value, now + u32::from(ms)));
                    }
                    Step::CompareAndSet(key, expected, value, ms) => {
                        let expected_bytes = expected.map(|expected| [expected]);
                        let expected_bytes = expected_bytes.as_ref().map(|bytes| &bytes[..]);
                        let done = storage.compare_and_set(&key.to_string(), expected_bytes, &[value], expire(ms)).await;
                        let is_expected = model.get(&key).map(|(value, _)| *value) == expected;
                        prop_assert_eq!(done.unwrap(), is_expected);
                        if is_expected {
                            model.insert(key, (value, now + u32::from(ms)));
                        }
                    }
                    Step::Delete(key) => {
                        let deleted = storage.delete(&key.to_string()).await.unwrap();
                        prop_assert_eq!(deleted, model.remove(&key).is_some());
                    }
                    Step::Wait(ms) => {
                        tokio::time::advance(expire(ms)).await;
                        now += u32::from(ms);
                        model.retain(|_, (_, expires)| *expires > now);
                    }
                }
                for key in 0..6 {
                    let found = storage.get(&key.to_string()).await.unwrap();
                    prop_assert_eq!(found, model.get(&key).map(|(value, _)| vec![*value]));
                }
                prop_assert_eq!(storage.size().0 as usize, model.len());
            }
            Ok(())
        })?;
    }
}
