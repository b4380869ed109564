//! The signals that begin a drain: SIGTERM and SIGINT, on systems other than Unix Ctrl-C.

use std::io;

use crate::phase::Cause;

#[cfg(unix)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(not(unix))]
pub(crate) struct Signals;

// === impl Signals ===

#[cfg(unix)]
impl Signals {
    pub(crate) fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) -> Cause {
        let (cause, alive) = tokio::select! {
            signal = self.terminate.recv() => (Cause::Terminate, signal),
            signal = self.interrupt.recv() => (Cause::Interrupt, signal),
        };
        match alive {
            Some(()) => cause,
            // The runtime is shutting down; no further signal will arrive.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) -> Cause {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Cause::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
