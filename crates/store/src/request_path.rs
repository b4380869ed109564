//! A storage on the path of requests: a short time limit, and no call while the storage counts as lost.
//!
//! A storage that is down must cost a request nothing but the first wait. A breaker was rejected: a trial call of a
//! half-open breaker is a request that waits. Here a task pings the storage, and requests call it again once it answers.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use mainstay_core::{Counters, InvalidSetting, Name, Random, StatusReceiver};
use tokio::time::timeout;

use crate::{Storage, StorageError, Store, storage::StorageFuture};

mod availability;
mod settings;
mod shared;
mod snapshot;
mod unanswered;
mod watchdog;

use availability::Availability;
pub use settings::RequestPathSettings;
use shared::{CALLS, ERRORS, OUTAGES, SKIPPED, Shared, TIMEOUTS};
pub use snapshot::RequestPathSnapshot;
use unanswered::Unanswered;

/// A form of a storage for the path of requests. A clone is cheap and shares it.
///
/// * A call has 50 ms ([`RequestPathSettings::timeout`]) and is made once.
/// * After one call that fails because the storage does not work ([`StorageError::is_outage`]), the storage counts as
///   lost: calls fail at once with [`Lost`](crate::StorageErrorKind::Lost), and do not use it.
/// * A task pings it every second. After a ping that succeeds, calls use it again.
///
/// The caller has a decision of its own for a call that fails: a local limit, a cached answer, no answer. It is a
/// [`Storage`] itself, and [`store`](Self::store) returns a [`Store`] over it. One log line says that the storage is lost
/// and one that it is back; [`subscribe`](Self::subscribe) publishes both.
///
/// ```
/// use std::time::Duration;
/// use mainstay_store::{RequestPath, RequestPathSettings, Store};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::memory();
/// let path = RequestPath::new("sessions", &store, RequestPathSettings::default())?;
/// let sessions = path.store();
///
/// // At most 50 ms, whatever happens to the storage.
/// let user = sessions.get::<String>("session:7").await.unwrap_or(None);
/// assert_eq!((user, path.snapshot().is_lost), (None, false));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RequestPath {
    shared: Arc<Shared>,
    prefix: Arc<str>,
}

// === impl RequestPath ===

impl RequestPath {
    /// Creates the form of a store for the path of requests. It shares the storage and the prefix.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn new(name: impl Into<Name>, store: &Store, settings: RequestPathSettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|invalid| invalid.of(&name))?;
        let storage = store.storage().single_attempt().unwrap_or_else(|| Arc::clone(store.storage()));
        let shared = Shared {
            storage,
            settings,
            availability: Availability::new(name),
            counters: Counters::per_thread(),
            is_watched: AtomicBool::new(false),
            random: Random::new(),
        };
        Ok(Self { shared: Arc::new(shared), prefix: store.prefix().into() })
    }

    /// Returns a store whose calls take this path, with the prefix of the store that this path was created from.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(Arc::new(self.clone())).with_prefix(&self.prefix)
    }

    /// Runs a call of the storage within the time limit, unless the storage counts as lost: then the future is not
    /// polled. For calls that a [`Store`] does not have, such as a script.
    ///
    /// # Errors
    /// The error of the call, a timeout, or [`Lost`](crate::StorageErrorKind::Lost).
    pub async fn run<T>(&self, call: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
        let shared = &self.shared;
        let Some(epoch) = shared.availability.admit() else {
            shared.counters.add(SKIPPED);
            watchdog::ensure_running(shared);
            return Err(availability::lost());
        };
        shared.counters.add(CALLS);
        let unanswered = Unanswered(shared);
        let ended = timeout(shared.settings.timeout, call).await;
        unanswered.answered();
        let error = match ended {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => {
                shared.counters.add(ERRORS);
                error
            }
            Err(_) => {
                shared.counters.add(TIMEOUTS);
                StorageError::timeout(shared.settings.timeout)
            }
        };
        if error.is_outage() {
            watchdog::lose(shared, epoch, &error);
        }
        Err(error)
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        self.shared.availability.name()
    }

    /// Returns a receiver of the status: healthy, or unhealthy while the storage is lost.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.shared.availability.subscribe()
    }

    /// Returns whether the storage is lost, and the counts.
    #[must_use]
    pub fn snapshot(&self) -> RequestPathSnapshot {
        let shared = &self.shared;
        let counts = shared.counters.read();
        let status = shared.availability.status();
        RequestPathSnapshot {
            name: self.name().clone(),
            is_lost: shared.availability.is_lost(),
            level: status.level,
            reason: status.reason,
            calls: counts[CALLS],
            errors: counts[ERRORS],
            timeouts: counts[TIMEOUTS],
            outages: counts[OUTAGES],
            skipped: counts[SKIPPED],
        }
    }
}

/// The calls of a storage, each within the time limit.
macro_rules! within_the_limit {
    ($($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method<'a>(&'a self, $($argument: $type),*) -> StorageFuture<'a, $answer> {
            Box::pin(self.run(self.shared.storage.$method($($argument),*)))
        })*
    };
}

impl Storage for RequestPath {
    within_the_limit! {
        get(key: &'a str) -> Option<Vec<u8>>;
        set(key: &'a str, value: &'a [u8], expire: Duration) -> bool;
        delete(key: &'a str) -> bool;
        exists(key: &'a str) -> bool;
        scan(prefix: &'a str, limit: usize) -> Vec<String>;
        compare_and_set(key: &'a str, expected: Option<&'a [u8]>, value: &'a [u8], expire: Duration) -> bool;
        append(log: &'a str, entry: &'a [u8], cap: usize, expire: Duration) -> ();
        read(log: &'a str, n: usize) -> Vec<Vec<u8>>;
    }

    /// Connects without the time limit: a start can wait.
    fn connect(&self) -> StorageFuture<'_, ()> {
        self.shared.storage.connect()
    }

    fn close(&self) -> StorageFuture<'_, ()> {
        self.shared.storage.close()
    }

    /// Pings without the time limit. The result does not change whether the storage counts as lost.
    fn ping(&self) -> StorageFuture<'_, ()> {
        self.shared.storage.ping()
    }
}

impl fmt::Debug for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_lost = self.shared.availability.is_lost();
        f.debug_struct("RequestPath").field("name", self.name()).field("is_lost", &is_lost).finish_non_exhaustive()
    }
}
