//! Messages to systemd (`Type=notify`): ready, stopping, still alive.
//!
//! The protocol is one datagram of text to a socket named in the environment, so there is no dependency for it.

use std::{
    env, io,
    os::unix::net::{SocketAddr, UnixDatagram},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

use crate::{Drain, Health, Phase};

/// Tells systemd how the process is.
///
/// ```no_run
/// use mainstay_health::{Drain, Health, Notifier};
///
/// # async fn example(health: Health, drain: Drain) -> std::io::Result<()> {
/// if let Some(notifier) = Notifier::from_env()? {
///     tokio::spawn(notifier.run(health, drain));
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
    /// The notifier for the socket in `NOTIFY_SOCKET`; `None` when not started by systemd. Heeds `WATCHDOG_USEC`, if
    /// meant for this process.
    ///
    /// # Errors
    /// A socket that cannot be reached.
    pub fn from_env() -> io::Result<Option<Self>> {
        let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Ok(None) };
        let watchdog = env::var("WATCHDOG_USEC").ok().and_then(|micros| micros.parse().ok());
        let ours = env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let watchdog = watchdog.filter(|micros| ours && *micros > 0).map(Duration::from_micros);
        Self::new(&address(path.as_encoded_bytes())?, watchdog).map(Some)
    }

    /// A notifier for this socket, that says "still alive" twice in each `watchdog` interval.
    ///
    /// # Errors
    /// A socket that cannot be reached.
    pub fn new(socket: &SocketAddr, watchdog: Option<Duration>) -> io::Result<Self> {
        let datagram = UnixDatagram::unbound()?;
        datagram.connect_addr(socket)?;
        datagram.set_nonblocking(true)?;
        Ok(Self { socket: datagram, watchdog })
    }

    /// Says `READY=1` when the process is ready for the first time, `STOPPING=1` when the drain begins, and
    /// `WATCHDOG=1` as long as it runs and was not declared dead. Ends with the drain.
    pub async fn run(self, health: Health, drain: Drain) {
        tokio::select! {
            () = drain.reached(Phase::Done) => {}
            () = self.keep_alive(&health) => {}
            () = self.tell(&health, &drain) => {}
        }
    }

    async fn tell(&self, health: &Health, drain: &Drain) {
        tokio::select! {
            () = health.until_ready() => self.send("READY=1"),
            () = drain.reached(Phase::Announced) => {}
        }
        drain.reached(Phase::Announced).await;
        self.send("STOPPING=1");
        std::future::pending::<()>().await;
    }

    async fn keep_alive(&self, health: &Health) {
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        let mut ticks = interval((watchdog / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Silence makes systemd restart the process, which is what a declared death asks for.
            if health.is_alive() {
                self.send("WATCHDOG=1");
            }
        }
    }

    fn send(&self, message: &str) {
        if let Err(error) = self.socket.send(message.as_bytes()) {
            tracing::warn!(%error, message, "systemd not notified");
        }
    }
}

/// A path, or a name in the abstract namespace after an `@`.
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
