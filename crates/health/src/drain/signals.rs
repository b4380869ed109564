//! SIGTERM and SIGINT (Ctrl-C elsewhere).

use std::io;

use tokio::runtime::Handle;

use super::{Cause, Drain};

// === impl Drain ===

impl Drain {
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
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(not(unix))]
struct Signals;

// === impl Signals ===

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> Cause {
        let (cause, alive) = tokio::select! {
            signal = self.terminate.recv() => (Cause::Terminate, signal),
            signal = self.interrupt.recv() => (Cause::Interrupt, signal),
        };
        match alive {
            Some(()) => cause,
            // The runtime is going down; there will be no further signal.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Cause {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Cause::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
