//! Follows a file while the program runs.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{LONGEST, SHORTEST},
};
use serde::de::DeserializeOwned;
use tokio::{
    runtime::Handle,
    task::{AbortHandle, spawn_blocking},
    time::{MissedTickBehavior, interval},
};

use crate::{Error, Sources, hangup::Hangup, node::Origin, watched::Watched};

/// Keeps what runs at what a file says: reads it every second, and on SIGHUP if told to.
///
/// A change is taken when two looks in a row found the same, so that a half-written file is not; SIGHUP takes it at
/// once. Settings go to the closure given to [`start`](Self::start), which hands them to a handle; all handles keep
/// windows, running timers and permits. The log says what changed (info). A file that is gone, can't be parsed or has a
/// wrong value changes nothing, and the log says why, once (warn).
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

/// A reloader at work. It ends when this is dropped.
#[must_use = "reloading ends when this is dropped"]
#[derive(Debug)]
pub struct Reloading(AbortHandle);

// === impl Reloader ===

impl Reloader {
    /// Follows the file of these sources. Variables stay as they were: a process's environment does not change.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self { sources, every: Duration::from_secs(1), on_hangup: false }
    }

    /// The time between two looks, 1 ms to a year. Default 1 s.
    #[must_use]
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.clamp(SHORTEST, LONGEST);
        self
    }

    /// Reads on SIGHUP, too. From then on the signal no longer ends the process, even after the reloader.
    #[cfg(all(unix, feature = "signal"))]
    #[must_use]
    pub fn on_hangup(mut self) -> Self {
        self.on_hangup = true;
        self
    }

    /// Applies what the sources say now, and from then on every change.
    ///
    /// The closure must take all or nothing, as the handles' `reconfigure` does: what it refuses is reported with its
    /// place in the file. It runs on the runtime, so it must not block.
    ///
    /// # Errors
    /// What [`Sources::read`] or the closure finds wrong at the start; no Tokio runtime; no way to listen for SIGHUP.
    pub fn start<T, F>(self, apply: F) -> Result<Reloading, Error>
    where
        T: DeserializeOwned + 'static,
        F: FnMut(T) -> Result<(), InvalidSetting> + Send + 'static,
    {
        let failed =
            |what: &str, error: &dyn std::error::Error| Error::text(Origin::Unknown, format!("{what}: {error}"));
        let runtime = Handle::try_current().map_err(|error| failed("can't follow a file", &error))?;
        let hangup = match self.on_hangup {
            #[cfg(all(unix, feature = "signal"))]
            true => Hangup::listen().map_err(|error| failed("can't listen for SIGHUP", &error))?,
            _ => Hangup::default(),
        };
        let watched = Watched::start(self.sources.clone(), apply)?;
        let task = runtime.spawn(follow(self.sources, self.every, hangup, watched));
        Ok(Reloading(task.abort_handle()))
    }
}

async fn follow<T, F>(sources: Sources, every: Duration, mut hangup: Hangup, mut watched: Watched<F>)
where
    T: DeserializeOwned + 'static,
    F: FnMut(T) -> Result<(), InvalidSetting> + Send + 'static,
{
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            () = hangup.next() => true,
        };
        let sources = sources.clone();
        // It may be on a slow disk. An error here is the end of the runtime.
        let Ok(look) = spawn_blocking(move || sources.text()).await else { return };
        watched.look::<T>(look, asked);
    }
}

// === impl Reloading ===

impl Drop for Reloading {
    fn drop(&mut self) {
        self.0.abort();
    }
}
