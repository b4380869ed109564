//! Messages to systemd (`Type=notify`): ready, stopping, watchdog.
//!
//! The protocol is one datagram of text to a socket named in the environment, which needs no dependency. Readiness and
//! liveness are arguments of [`Notifier::run`], so that this crate does not depend on health checks.

use std::{
    env, io,
    os::unix::net::{SocketAddr, UnixDatagram},
    time::Duration,
};

use mainstay_core::escaped;
use tokio::time::{MissedTickBehavior, interval};

use crate::{drain::Drain, phase::Phase};

/// Reports the state of the process to systemd.
///
/// ```no_run
/// use mainstay_drain::{Drain, Notifier};
///
/// # async fn example(drain: Drain) -> std::io::Result<()> {
/// if let Some(notifier) = Notifier::from_env()? {
///     // With `mainstay-health`: `async move { let _ = health.until_ready().await; }`, and `move || health.is_alive()`.
///     let ready = async { /* warm the caches, connect */ };
///     tokio::spawn(notifier.run(drain, ready, || true));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    watchdog: Option<Duration>,
}

// === impl Notifier ===

impl Notifier {
    /// Creates a notifier for the socket in `NOTIFY_SOCKET`; `None` if systemd did not start the process. Applies
    /// `WATCHDOG_USEC` if `WATCHDOG_PID` is unset or this process.
    ///
    /// # Errors
    /// The socket cannot be reached.
    pub fn from_env() -> io::Result<Option<Self>> {
        let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Ok(None) };
        let watchdog = env::var("WATCHDOG_USEC").ok().and_then(|micros| micros.parse().ok());
        let ours = env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let watchdog = watchdog.filter(|micros| ours && *micros > 0).map(Duration::from_micros);
        Self::new(&address(path.as_encoded_bytes())?, watchdog).map(Some)
    }

    /// Creates a notifier for this socket. `watchdog` is the interval within which systemd expects `WATCHDOG=1`.
    ///
    /// # Errors
    /// The socket cannot be reached.
    pub fn new(socket: &SocketAddr, watchdog: Option<Duration>) -> io::Result<Self> {
        let datagram = UnixDatagram::unbound()?;
        datagram.connect_addr(socket)?;
        datagram.set_nonblocking(true)?;
        Ok(Self { socket: datagram, watchdog })
    }

    /// Sends `READY=1` once `ready` completes, `STOPPING=1` when the drain begins, and `WATCHDOG=1` twice in each watchdog
    /// interval while `is_alive` returns `true`. Returns when the drain is done.
    pub async fn run(self, drain: Drain, ready: impl Future<Output = ()>, is_alive: impl Fn() -> bool) {
        tokio::select! {
            () = drain.reached(Phase::Done) => {}
            () = self.keep_alive(is_alive) => {}
            () = self.notify(&drain, ready) => {}
        }
    }

    async fn notify(&self, drain: &Drain, ready: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            // `ready` may complete because the drain begins.
            () = drain.reached(Phase::Announced) => {}
            () = ready => self.send("READY=1"),
        }
        drain.reached(Phase::Announced).await;
        self.send("STOPPING=1");
        std::future::pending::<()>().await;
    }

    async fn keep_alive(&self, is_alive: impl Fn() -> bool) {
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        let mut ticks = interval((watchdog / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Without the message systemd restarts the process, which is what a process declared dead needs.
            if is_alive() {
                self.send("WATCHDOG=1");
            }
        }
    }

    fn send(&self, message: &str) {
        if let Err(error) = self.socket.send(message.as_bytes()) {
            tracing::warn!(error = %escaped(&error), message, "cannot notify systemd");
        }
    }
}

/// Parses a socket address: a path, or `@` and a name in the abstract namespace.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        path => {
            use std::os::unix::ffi::OsStrExt;
            SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))
        }
    }
}

#[cfg(test)]
#[path = "systemd_tests.rs"]
mod tests;
