//! The client as a Tower service, and the stack around two of it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use mainstay::{
    BoxError,
    failover::{
        Endpoint, FailoverSettings, HoldSettings, ProbeSettings, SecondAttempt,
        stack::{Standard, StandardHandles, StandardSettings},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tower::{Service, util::BoxCloneSyncService};

use crate::protocol::{Command, Lines, Reply};

/// The client in its stack. Boxed to have a name.
pub type Client = BoxCloneSyncService<Command, Reply, BoxError>;

/// One server, without any layer.
#[derive(Clone, Copy, Debug)]
pub struct LineClient {
    server: SocketAddr,
}

/// A client of these servers, the primary first.
///
/// # Errors
/// A setting out of its range.
pub fn client(primary: SocketAddr, backup: SocketAddr) -> Result<(Client, StandardHandles), BoxError> {
    let endpoints = [endpoint("primary", primary), endpoint("backup", backup)];
    let standard = Standard::new("lines", endpoints, settings())?.with_policy(Lines);
    let handles = standard.handles().clone();
    Ok((BoxCloneSyncService::new(standard.build()), handles))
}

/// Quick enough to be watched. In production begin with the defaults: a hold of 30 s, probes every 5 s.
fn settings() -> StandardSettings {
    let delay = Duration::from_millis(300);
    StandardSettings {
        total_timeout: Duration::from_secs(2),
        attempt_timeout: Duration::from_millis(900),
        failover: FailoverSettings {
            consecutive_failures: Some(3),
            recovery_successes: 2,
            hold: HoldSettings { base: Duration::from_secs(1), ..HoldSettings::default() },
            second_attempt: Some(SecondAttempt { delay: Some(delay), max_delay: delay, ..SecondAttempt::default() }),
            probe: ProbeSettings {
                interval: Duration::from_millis(500),
                interval_counting: Duration::from_millis(200),
                interval_idle: Duration::from_millis(500),
                timeout: delay,
                max_retries: 0,
                ..ProbeSettings::default()
            },
            ..FailoverSettings::default()
        },
        ..StandardSettings::default()
    }
}

/// A server whose health is asked for in its own protocol.
fn endpoint(name: &'static str, server: SocketAddr) -> Endpoint<LineClient> {
    let client = LineClient { server };
    Endpoint::new(name, client).with_probe(move || async move {
        let reply = client.ask("PING".into()).await?;
        Ok::<_, io::Error>(reply.0 == "OK")
    })
}

// === impl LineClient ===

impl LineClient {
    /// One connection for each command keeps this short; a pool would go here.
    async fn ask(self, command: Command) -> io::Result<Reply> {
        let mut stream = BufReader::new(TcpStream::connect(self.server).await?);
        stream.write_all(format!("{}\n", command.line).as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(Reply(line.to_owned())),
            // A reply that was cut off is no reply.
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Service<Command> for LineClient {
    type Response = Reply;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Reply>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, command: Command) -> Self::Future {
        Box::pin(self.ask(command))
    }
}
