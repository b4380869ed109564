//! The last phases of a process: announce, close, finish, leave.
//!
//! Deadlines live in the shared state and whoever waits for a phase also moves it on when its time has come. So no
//! task of ours must be running for a drain to proceed, any number of servers can share one drain, and nothing is
//! left behind when it is dropped. A driver task was rejected: it must outlive every server, and something must then
//! end it.

mod hooks;
mod phase;
mod report;
mod settings;
mod signals;

#[cfg(feature = "serve")]
mod connection;
#[cfg(feature = "serve")]
mod io;
#[cfg(feature = "serve")]
mod request;
#[cfg(feature = "serve")]
mod server;
#[cfg(feature = "serve")]
mod tally;

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use mainstay_core::InvalidSetting;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use hooks::Hook;
pub use phase::{Cause, Phase};
pub use report::{Report, Served};
#[cfg(feature = "serve")]
pub use server::{Server, ServerSettings, serve};
pub use settings::DrainSettings;

/// The shutdown of this process: when it begins, how far it is, what must be done before it ends.
///
/// ```text
/// t0  SIGTERM, SIGINT   announced  /ready says 503, /live 200; the listener stays open for drain_delay (SIGINT: not)
/// t1  delay over        closing    nothing new is accepted; what is in flight goes on
/// t2  all done, or      finishing  what is left is cut off and counted; shutdown hooks run, the last added first
///     drain_timeout over
/// t3  hooks done        done       the process may leave: exit code 0 if nothing was cut off
/// ```
///
/// A second signal ends the current phase, a third the next. Clones are cheap and share everything.
///
/// ```
/// use std::time::Duration;
/// use mainstay_health::{Drain, Served};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let drain = Drain::new();
/// drain.on_shutdown("flush the log", Duration::from_secs(1), || async { /* .. */ });
/// // A server of `serve`, or your own:
/// let server = tokio::spawn({
///     let drain = drain.clone();
///     async move { drain.reached(mainstay_health::Phase::Closing).await }
/// });
/// drain.begin(mainstay_health::Cause::Interrupt);
/// server.await.unwrap();
/// let report = drain.finish(Served::default()).await;
/// assert!(report.is_clean());
/// # }
/// ```
#[derive(Clone)]
pub struct Drain(Arc<Inner>);

struct Inner {
    /// The phase alone, for readers that must not take a lock.
    phase: AtomicU8,
    state: watch::Sender<State>,
    hooks: Mutex<Vec<Hook>>,
}

#[derive(Clone, Copy)]
struct State {
    phase: Phase,
    /// When the phase ends by itself.
    until: Option<Instant>,
    settings: DrainSettings,
}

// === impl Drain ===

impl Drain {
    /// A drain with the default settings that nothing has begun. It listens to no signal: see
    /// [`on_signals`](Self::on_signals) and [`listen`](Self::listen).
    #[must_use]
    pub fn new() -> Self {
        Self::from_valid(DrainSettings::default())
    }

    /// A drain with these settings.
    ///
    /// # Errors
    /// A wrong setting.
    pub fn with_settings(settings: DrainSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::from_valid(settings))
    }

    fn from_valid(settings: DrainSettings) -> Self {
        let state = State { phase: Phase::Serving, until: None, settings };
        Self(Arc::new(Inner {
            phase: AtomicU8::new(Phase::Serving as u8),
            state: watch::Sender::new(state),
            hooks: Mutex::default(),
        }))
    }

    /// Replaces the settings. Counts for phases that have not begun.
    ///
    /// # Errors
    /// A wrong setting; the old ones stay.
    pub fn reconfigure(&self, settings: DrainSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.state.send_modify(|state| state.settings = settings);
        Ok(())
    }

    /// Begins, unless it has begun: `false` then. What a signal does, for programs that stop by themselves.
    pub fn begin(&self, cause: Cause) -> bool {
        let begun = self.change(|state| {
            if state.phase != Phase::Serving {
                return false;
            }
            let delay = if cause.announces() { state.settings.drain_delay } else { Duration::ZERO };
            state.enter(Phase::Announced, Some(delay));
            true
        });
        if begun {
            tracing::info!(%cause, "draining: not ready from now on");
        }
        begun
    }

    /// Ends the current phase. What a second signal does. Before the drain has begun it does nothing.
    pub fn skip(&self) {
        let phase = self.phase();
        if self.leave(phase) {
            tracing::warn!(%phase, "phase skipped");
        }
    }

    /// How far it is. No lock.
    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::from_u8(self.0.phase.load(Ordering::Acquire))
    }

    /// Whether it has begun. Once true, true for ever. No lock.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.phase() > Phase::Serving
    }

    /// Waits until the drain has come to this phase or beyond it.
    ///
    /// Long-lived handlers (WebSockets, event streams, consumers) wait for [`Phase::Closing`] and say goodbye.
    pub async fn reached(&self, target: Phase) {
        let mut states = self.0.state.subscribe();
        loop {
            let state = *states.borrow_and_update();
            if state.phase >= target {
                return;
            }
            // The sender lives as long as `self`, so waiting for a change cannot fail.
            let Some(until) = state.until else {
                let _ = states.changed().await;
                continue;
            };
            tokio::select! {
                _ = states.changed() => {}
                () = sleep_until(until) => {
                    self.leave(state.phase);
                }
            }
        }
    }

    /// Moves on from this phase, if it is still the current one.
    fn leave(&self, phase: Phase) -> bool {
        self.change(|state| {
            if state.phase != phase {
                return false;
            }
            match phase {
                Phase::Serving | Phase::Done => return false,
                Phase::Announced => state.enter(Phase::Closing, Some(state.settings.drain_timeout)),
                Phase::Closing => state.enter(Phase::Finishing, None),
                Phase::Finishing => state.enter(Phase::Done, None),
            }
            true
        })
    }

    /// Moves on to this phase, if it is not there yet.
    fn advance_to(&self, phase: Phase) {
        self.change(|state| {
            let further = state.phase < phase;
            if further {
                state.enter(phase, None);
            }
            further
        });
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) -> bool {
        self.0.state.send_if_modified(|state| {
            let changed = change(state);
            // Under the lock, so the copy never runs ahead of or behind the order of changes.
            self.0.phase.store(state.phase as u8, Ordering::Release);
            changed
        })
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = *self.0.state.borrow();
        f.debug_struct("Drain").field("phase", &state.phase).field("settings", &state.settings).finish_non_exhaustive()
    }
}

// === impl State ===

impl State {
    fn enter(&mut self, phase: Phase, lasts: Option<Duration>) {
        self.phase = phase;
        self.until = lasts.map(|lasts| Instant::now() + lasts);
    }
}
