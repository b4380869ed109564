//! The client as a Tower service, and the standard stack over two of them.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use mainstay::{
    BoxError, classify_fn,
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

use crate::protocol::{self, Command, Reply};

/// The client in its stack. Boxed, so that its type can be named.
pub type Client = BoxCloneSyncService<Command, Reply, BoxError>;

/// A client of one server, without layers.
#[derive(Clone, Copy, Debug)]
pub struct LineClient {
    server: SocketAddr,
}

/// Creates a client of these servers, the primary first.
///
/// # Errors
/// A setting is out of its range.
pub fn client(primary: SocketAddr, backup: SocketAddr) -> Result<(Client, StandardHandles), BoxError> {
    let endpoints = [endpoint("primary", primary), endpoint("backup", backup)];
    // What the layers need to know of the protocol. One value serves the whole stack.
    let policy = classify_fn(protocol::outcome)
        .replay(protocol::copy)
        .context(|command: &Command| command.context.as_ref(), |command, context| command.context = Some(context));
    let standard = Standard::new("lines", endpoints, settings())?.with_policy(policy);
    let handles = standard.handles().clone();
    Ok((BoxCloneSyncService::new(standard.build()), handles))
}

/// Times are short for a demonstration. In production begin with the defaults: a hold of 30 s, probes every 5 s.
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

/// Returns the endpoint of a server, which is probed by `PING`.
fn endpoint(name: &'static str, server: SocketAddr) -> Endpoint<LineClient> {
    let client = LineClient { server };
    Endpoint::new(name, client).with_probe(move || async move {
        let reply = client.send("PING".into()).await?;
        Ok::<_, io::Error>(reply.0 == "OK")
    })
}

// === impl LineClient ===

impl LineClient {
    /// Sends a command on a new connection. A real client would have a pool here.
    async fn send(self, command: Command) -> io::Result<Reply> {
        let mut stream = BufReader::new(TcpStream::connect(self.server).await?);
        stream.write_all(format!("{}\n", command.line).as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(Reply(line.to_owned())),
            // The connection ended within the reply.
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
        Box::pin(self.send(command))
    }
}
