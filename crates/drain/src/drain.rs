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
    report::{DrainReport, RequestCounts},
    settings::DrainSettings,
    signals::Signals,
    state::State,
};

/// The shutdown of this process: its trigger, its current phase and its shutdown hooks.
///
/// ```text
/// t0  SIGTERM, SIGINT   announced  /ready is 503, /live is 200; the listener stays open for drain_delay (SIGINT: 0 s)
/// t1  delay over        closing    no new connections; requests in flight continue
/// t2  all requests done finishing  the remaining requests are aborted and counted; shutdown hooks run, the last added
///     or drain_timeout             first
/// t3  hooks done        done       the process may exit: code 0 if nothing was aborted
/// ```
///
/// Each further signal ends the current phase. Clones are cheap and share all state.
///
/// ```
/// use std::time::Duration;
/// use mainstay_drain::{Cause, Drain, Phase, RequestCounts};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let drain = Drain::new();
/// drain.on_shutdown("flush the log", Duration::from_secs(1), || async { /* .. */ });
/// // A server of `serve`, or of another framework:
/// let server = tokio::spawn({
///     let drain = drain.clone();
///     async move { drain.reached(Phase::Closing).await }
/// });
/// drain.begin(Cause::Interrupt);
/// server.await.unwrap();
/// let report = drain.finish(RequestCounts::default()).await;
/// assert!(report.is_clean());
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// A copy of the phase, for readers that must not take a lock.
    phase: AtomicU8,
    state: watch::Sender<State>,
    hooks: Mutex<Vec<Hook>>,
}

// === impl Drain ===

impl Drain {
    /// Creates a drain with the default settings. It listens to no signal: see [`on_signals`](Self::on_signals) and
    /// [`listen`](Self::listen).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a drain with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(settings: DrainSettings) -> Result<Self, InvalidSetting> {
        let drain = Self::new();
        drain.reconfigure(settings)?;
        Ok(drain)
    }

    /// Creates a drain with the default settings that begins on SIGTERM or SIGINT. The signal handlers are installed when
    /// this returns: call it before anything slow, and set the settings later with [`reconfigure`](Self::reconfigure).
    ///
    /// # Errors
    /// No tokio runtime, or the system refuses a signal handler.
    pub fn on_signals() -> io::Result<Self> {
        let drain = Self::new();
        drain.listen()?;
        Ok(drain)
    }

    /// Installs handlers for SIGTERM and SIGINT: the first signal begins the drain, each further one ends the current
    /// phase.
    ///
    /// # Errors
    /// No tokio runtime, or the system refuses a signal handler.
    pub fn listen(&self) -> io::Result<()> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let mut signals = Signals::install()?;
        let drain = self.clone();
        // The task lives as long as the runtime: tokio cannot remove signal handlers either.
        runtime.spawn(async move {
            loop {
                let cause = signals.next().await;
                if !drain.begin(cause) {
                    drain.skip_phase();
                }
            }
        });
        Ok(())
    }

    /// Replaces the settings. They apply to phases that have not begun.
    ///
    /// # Errors
    /// A setting out of its range; the previous settings stay in force.
    pub fn reconfigure(&self, settings: DrainSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        self.0.state.send_modify(|state| state.settings = settings);
        Ok(())
    }

    /// Begins the drain, as a signal does. Returns `false` if it had begun before.
    pub fn begin(&self, cause: Cause) -> bool {
        let begun = self.transition(|state| state.begin(cause));
        if begun {
            tracing::info!(%cause, "drain begins: the process is not ready");
        }
        begun
    }

    /// Ends the current phase, as a second signal does. Does nothing before the drain has begun.
    pub fn skip_phase(&self) {
        let phase = self.phase();
        if self.transition(|state| state.leave(phase)) {
            tracing::warn!(%phase, "drain phase skipped");
        }
    }

    /// Ends the delay before the listener closes, if it has begun: for a process that was never ready, to which no load
    /// balancer sends requests. `mainstay-health` calls it.
    pub fn skip_delay(&self) {
        if self.transition(|state| state.leave(Phase::Announced)) {
            tracing::info!("drain delay skipped: the process was never ready");
        }
    }

    /// Returns the current phase. Takes no lock.
    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::from_u8(self.0.phase.load(Ordering::Acquire))
    }

    /// Returns whether the drain has begun; once `true`, it stays so. Takes no lock.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.phase() > Phase::Serving
    }

    /// Waits until the drain has reached `target` or a later phase.
    ///
    /// Long-lived handlers (WebSockets, event streams, consumers) wait for [`Phase::Closing`] and then end their session.
    pub async fn reached(&self, target: Phase) {
        let mut states = self.0.state.subscribe();
        loop {
            let state = *states.borrow_and_update();
            if state.phase >= target {
                return;
            }
            // `changed` cannot fail: `self` holds the sender.
            let Some(until) = state.until else {
                let _ = states.changed().await;
                continue;
            };
            tokio::select! {
                _ = states.changed() => {}
                () = sleep_until(until) => {
                    self.transition(|current| current.leave(state.phase));
                }
            }
        }
    }

    /// Adds a shutdown hook: work to do once no request is left, such as to flush, to deregister, to close a pool. Hooks
    /// run in reverse order, because what was built last depends on what was built before it. A hook that takes longer
    /// than `limit`, blocks its thread for longer or panics is given up, and the exit code is then not zero.
    pub fn on_shutdown<F, Fut>(&self, name: impl Into<Name>, limit: Duration, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks().push(Hook::new(name.into(), limit, hook));
    }

    /// Runs the shutdown hooks and ends the drain. Call it once, when all servers have stopped, with the sum of their
    /// counts; `serve` calls it itself.
    pub async fn finish(&self, requests: RequestCounts) -> DrainReport {
        self.transition(|state| state.advance_to(Phase::Finishing));
        let mut report = DrainReport { requests, unfinished_hooks: Vec::new() };
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
        self.transition(|state| state.advance_to(Phase::Done));
        report.log();
        report
    }

    // A function of its own: in the `while let` above, the lock's guard would live while the hook runs.
    fn last_hook(&self) -> Option<Hook> {
        self.hooks().pop()
    }

    fn hooks(&self) -> MutexGuard<'_, Vec<Hook>> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transition(&self, change: impl FnOnce(&mut State) -> bool) -> bool {
        self.0.state.send_if_modified(|state| {
            let changed = change(state);
            // Stored under the lock, so that the copy follows the order of the transitions.
            self.0.phase.store(state.phase as u8, Ordering::Release);
            changed
        })
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = *self.0.state.borrow();
        f.debug_struct("Drain").field("phase", &state.phase).field("settings", &state.settings).finish_non_exhaustive()
    }
}
