//! A storage that behaves as scripted, over one in memory.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use mainstay_store::{MemoryStorage, Storage, StorageError, StorageErrorKind, StorageFuture};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaviour {
    Works,
    Hangs,
    Fails(StorageErrorKind),
    Panics,
}

/// The storage, which counts its calls and keeps the keys that were set, in their order.
pub(crate) struct Scripted {
    memory: MemoryStorage,
    behaviour: Mutex<Behaviour>,
    calls: AtomicU64,
    pings: AtomicU64,
    set: Mutex<Vec<String>>,
}

// === impl Scripted ===

impl Scripted {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            memory: MemoryStorage::new(),
            behaviour: Mutex::new(Behaviour::Works),
            calls: AtomicU64::new(0),
            pings: AtomicU64::new(0),
            set: Mutex::default(),
        })
    }

    pub(crate) fn becomes(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Returns the number of calls and of pings.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.calls.load(SeqCst), self.pings.load(SeqCst))
    }

    pub(crate) fn keys_set(&self) -> Vec<String> {
        self.set.lock().unwrap().clone()
    }

    async fn behave(&self) -> Result<(), StorageError> {
        let behaviour = *self.behaviour.lock().unwrap();
        match behaviour {
            Behaviour::Works => Ok(()),
            Behaviour::Hangs => pending().await,
            Behaviour::Fails(kind) => Err(StorageError::new(kind, "as scripted")),
            Behaviour::Panics => panic!("as scripted"),
        }
    }
}

macro_rules! scripted {
    ($($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method<'a>(&'a self, $($argument: $type),*) -> StorageFuture<'a, $answer> {
            Box::pin(async move {
                self.calls.fetch_add(1, SeqCst);
                self.behave().await?;
                self.memory.$method($($argument),*).await
            })
        })*
    };
}

impl Storage for Scripted {
    scripted! {
        get(key: &'a str) -> Option<Vec<u8>>;
        delete(key: &'a str) -> bool;
        exists(key: &'a str) -> bool;
        scan(prefix: &'a str, limit: usize) -> Vec<String>;
        compare_and_set(key: &'a str, expected: Option<&'a [u8]>, value: &'a [u8], expire: Duration) -> bool;
        append(log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> ();
        read(log: &'a str, n: usize) -> Vec<Vec<u8>>;
        connect() -> ();
        close() -> ();
    }

    fn set<'a>(&'a self, key: &'a str, value: &'a [u8], expire: Duration) -> StorageFuture<'a, bool> {
        Box::pin(async move {
            self.calls.fetch_add(1, SeqCst);
            self.behave().await?;
            self.set.lock().unwrap().push(key.to_owned());
            self.memory.set(key, value, expire).await
        })
    }

    fn ping(&self) -> StorageFuture<'_, ()> {
        Box::pin(async move {
            self.pings.fetch_add(1, SeqCst);
            self.behave().await
        })
    }
}
