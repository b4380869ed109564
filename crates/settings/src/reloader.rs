//! Reads a file again and again while the program runs, and applies its changes.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::{
    InvalidSetting, StatusReceiver,
    settings::{LONGEST, SHORTEST},
};
use serde::de::DeserializeOwned;
use tokio::{
    runtime::Handle,
    task::{AbortHandle, spawn_blocking},
    time::{MissedTickBehavior, interval},
};

use crate::{
    Error, Sources,
    hangup::Hangup,
    node::Origin,
    results::{ReloadSnapshot, Results},
    watched_file::WatchedFile,
};

/// Applies the changes of a settings file to a running program. Reads the file every second, and on SIGHUP if enabled.
///
/// A change is applied when two readings in a row return the same content, so that a half-written file is not; SIGHUP
/// applies it at once. The closure given to [`start`](Self::start) receives the settings and hands them to a handle;
/// all handles keep windows, running timers and permits. The log shows what changed (info). A file that is missing,
/// can't be parsed or has a wrong value changes nothing, and neither does one that became empty, as by a full disk, or one
/// whose closure panicked. The log shows the reason (warn), again each minute while the file stays so, and
/// [`Reloading::snapshot`] has it.
///
/// ```
/// use mainstay_retry::{Retrier, RetrySettings};
/// use mainstay_settings::{Reloader, Sources};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_settings::Error> {
/// # let sources = Sources::toml("[retry]\nmax_attempts = 5").table("retry");
/// let retrier = Retrier::new("orders");
/// let handle = retrier.clone();
/// // let sources = Sources::file("orders.toml").table("retry");
/// let reloading = Reloader::new(sources).start(move |settings: RetrySettings| handle.reconfigure(settings))?;
/// assert_eq!(retrier.settings().max_attempts, 5, "applied at the start, too");
/// # drop(reloading);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Reloader {
    sources: Sources,
    every: Duration,
    on_hangup: bool,
}

/// A running reloader. Dropping it stops the reloading.
///
/// Its [status](Self::subscribe) is degraded while the settings in force are not those of the file: give it to the health
/// checks as a component.
#[must_use = "reloading stops when this is dropped"]
pub struct Reloading {
    task: AbortHandle,
    results: Arc<Results>,
}

// === impl Reloader ===

impl Reloader {
    /// Creates a reloader for the file of these sources. Variables keep the values that the sources have read.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self { sources, every: Duration::from_secs(1), on_hangup: false }
    }

    /// Sets the time between two readings, 1 ms to a year. Default 1 s.
    #[must_use]
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.clamp(SHORTEST, LONGEST);
        self
    }

    /// Reads on SIGHUP, too. Once started, the signal no longer ends the process, even after the reloader is dropped.
    #[cfg(all(unix, feature = "signal"))]
    #[must_use]
    pub fn on_hangup(mut self) -> Self {
        self.on_hangup = true;
        self
    }

    /// Applies the present settings, and from then on every change.
    ///
    /// The closure must apply all settings or none, as the handles' `reconfigure` does. A setting that it refuses is
    /// reported with its place in the file. After the start the closure runs on a thread for blocking work. A panic in
    /// it is an error, at the start, too.
    ///
    /// # Errors
    /// [`Sources::read`] or the closure fails at the start; there is no Tokio runtime; SIGHUP can't be listened for.
    pub fn start<T, F>(self, apply: F) -> Result<Reloading, Error>
    where
        T: DeserializeOwned + 'static,
        F: FnMut(T) -> Result<(), InvalidSetting> + Send + 'static,
    {
        let failed =
            |what: &str, error: &dyn std::error::Error| Error::message(Origin::Unknown, format!("{what}: {error}"));
        let runtime = Handle::try_current().map_err(|error| failed("can't follow a file", &error))?;
        let hangup = match self.on_hangup {
            #[cfg(all(unix, feature = "signal"))]
            true => Hangup::listen().map_err(|error| failed("can't listen for SIGHUP", &error))?,
            _ => Hangup::default(),
        };
        let watched = WatchedFile::start(self.sources.clone(), apply)?;
        let results = watched.results();
        let task = runtime.spawn(follow(self.sources, self.every, hangup, watched)).abort_handle();
        Ok(Reloading { task, results })
    }
}

async fn follow<T, F>(sources: Sources, every: Duration, mut hangup: Hangup, mut watched: WatchedFile<F>)
where
    T: DeserializeOwned + 'static,
    F: FnMut(T) -> Result<(), InvalidSetting> + Send + 'static,
{
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let forced = tokio::select! {
            _ = ticks.tick() => false,
            () = hangup.next() => true,
        };
        let sources = sources.clone();
        // The disk may be slow. An error means that the runtime shuts down.
        let Ok(content) = spawn_blocking(move || sources.text()).await else { return };
        watched.update::<T>(content, forced).await;
    }
}

// === impl Reloading ===

impl Reloading {
    /// Returns the counts and the last result.
    #[must_use]
    pub fn snapshot(&self) -> ReloadSnapshot {
        self.results.snapshot()
    }

    /// Subscribes to the status: healthy, or degraded with the reason while the file is refused.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.results.subscribe()
    }
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reloading").field(&self.snapshot()).finish()
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        self.task.abort();
    }
}
