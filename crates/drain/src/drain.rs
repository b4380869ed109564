//! The handle: begins a drain, moves it through its phases, and runs the shutdown hooks.
//!
//! Deadlines are part of the shared state, and each task that waits for a phase also moves the drain on at the
//! deadline. A drain therefore needs no task of its own, any number of servers can share it, and dropping it leaves
//! nothing behind. A driver task was rejected: it must outlive every server, and something must then stop it.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use mainstay_core::{InvalidSetting, Name};
use tokio::{runtime::Handle, sync::watch, time::sleep_until};

use crate::{
    hooks::Hook,
    phase::{Cause, Phase},
    report::{Report, Served},
    settings::DrainSettings,
    signals::Signals,
    state::State,
};

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
/// use mainstay_drain::{Drain, Served};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let drain = Drain::new();
/// drain.on_shutdown("flush the log", Duration::from_secs(1), || async { /* .. */ });
/// // A server of `serve`, or your own:
/// let server = tokio::spawn({
///     let drain = drain.clone();
///     async move { drain.reached(mainstay_drain::Phase::Closing).await }
/// });
/// drain.begin(mainstay_drain::Cause::Interrupt);
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
        Self(Arc::new(Inner {
            phase: AtomicU8::new(Phase::Serving as u8),
            state: watch::Sender::new(State::new(settings)),
            hooks: Mutex::default(),
        }))
    }

    /// A drain with the default settings that begins on SIGTERM or SIGINT. The handlers stand when this returns:
    /// call it before anything slow, and give it the settings later with [`reconfigure`](Self::reconfigure).
    ///
    /// # Errors
    /// No tokio runtime, or the system refuses a handler.
    pub fn on_signals() -> io::Result<Self> {
        let drain = Self::new();
        drain.listen()?;
        Ok(drain)
    }

    /// Begins on SIGTERM or SIGINT from now on. Each further signal ends the current phase.
    ///
    /// # Errors
    /// No tokio runtime, or the system refuses a handler.
    pub fn listen(&self) -> io::Result<()> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let mut signals = Signals::install()?;
        let drain = self.clone();
        // It lives as long as the runtime: the handlers cannot be taken down again either.
        runtime.spawn(async move {
            loop {
                let cause = signals.next().await;
                if !drain.begin(cause) {
                    drain.skip();
                }
            }
        });
        Ok(())
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
        let begun = self.change(|state| state.begin(cause));
        if begun {
            tracing::info!(%cause, "draining: not ready from now on");
        }
        begun
    }

    /// Ends the current phase. What a second signal does. Before the drain has begun it does nothing.
    pub fn skip(&self) {
        let phase = self.phase();
        if self.change(|state| state.leave(phase)) {
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
                    self.change(|current| current.leave(state.phase));
                }
            }
        }
    }

    /// Adds a shutdown hook: work to do once no request is left, such as to flush, to deregister, to close a pool. Hooks
    /// run in reverse order, because what was built last depends on what was built before it. A hook that takes longer
    /// than `limit` or panics is given up, and the exit code is then not zero.
    pub fn on_shutdown<F, Fut>(&self, name: impl Into<Name>, limit: Duration, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks().push(Hook::new(name.into(), limit, hook));
    }

    /// Runs the shutdown hooks and ends the drain. Call it once, when all servers have stopped, with the sum of their
    /// counts; `serve` calls it itself.
    pub async fn finish(&self, served: Served) -> Report {
        self.change(|state| state.advance_to(Phase::Finishing));
        let mut report = Report { served, unfinished_hooks: Vec::new() };
        while let Some(hook) = self.last_hook() {
            let name = hook.name().clone();
            let finished = tokio::select! {
                biased;
                () = self.reached(Phase::Done) => false,
                finished = hook.run() => finished,
            };
            if !finished {
                report.unfinished_hooks.push(name);
            }
        }
        self.change(|state| state.advance_to(Phase::Done));
        report.log();
        report
    }

    // Not inlined into the loop: the guard must be dropped before the hook runs.
    fn last_hook(&self) -> Option<Hook> {
        self.hooks().pop()
    }

    fn hooks(&self) -> MutexGuard<'_, Vec<Hook>> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
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
