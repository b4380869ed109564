//! Two servers and a client in one process: busy, silent, stopped, and started again.

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use lines::{
    client::{self, Client},
    server::{Fault, Server},
};
use mainstay::BoxError;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (primary, backup) = (Server::start("primary").await?, Server::start("backup").await?);
    let address = primary.address();
    let (client, handles) = client::client(address, backup.address())?;

    say("Both servers are well: the primary answers.");
    ask(&client, "GET answer").await;
    say("\nA caller's mistake goes back to the caller, and is nobody's failure.");
    ask(&client, "FROB answer").await;

    say("\nBoth say BUSY 500: the client waits for as long, and not for its own backoff.");
    primary.set(Fault::BusyOnce);
    backup.set(Fault::BusyOnce);
    ask(&client, "GET answer").await;

    say("\nThe primary hangs up. A GET goes to the backup; a SET may have been done, and is not sent twice.");
    primary.set(Fault::HangsUp);
    ask(&client, "GET answer").await;
    ask(&client, "SET answer 7").await;

    say("\nThe primary is silent: after 300 ms the backup is asked too, and its answer wins.");
    primary.set(Fault::Silent);
    ask(&client, "GET answer").await;

    say("\nThe primary is stopped: connections are refused. After some failures the backup is asked at once.");
    primary.stop().await;
    for _ in 0..3 {
        ask(&client, "GET answer").await;
    }
    say(format_args!("  {}", handles.failover.snapshot()));

    say("\nIt is started again. Traffic returns when the hold is over and two probes in a row were good.");
    let _primary = Server::start_at(address, "primary").await?;
    while handles.failover.snapshot().active.as_deref() != Some("primary") {
        sleep(Duration::from_millis(20)).await;
    }
    ask(&client, "GET answer").await;
    say(format_args!("  {}", handles.failover.snapshot()));
    Ok(())
}

/// Asks, and tells how it went.
async fn ask(client: &Client, line: &str) {
    let began = Instant::now();
    let answer = client.clone().oneshot(line.into()).await;
    let took = began.elapsed().as_millis();
    match answer {
        Ok(reply) => say(format_args!("  {line}: {:?}, after {took} ms", reply.0)),
        Err(error) => say(format_args!("  {line}: {error}, after {took} ms")),
    }
}

/// Not `println`, which panics once nobody reads.
fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
