//! Two servers and a client in one process. The servers are busy, silent, stopped, and started again.

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

    print_line("Both servers work: the primary answers.");
    ask(&client, "GET answer").await;
    print_line("\nAn error of the caller is returned, and does not count as a failure of the server.");
    ask(&client, "FROB answer").await;

    print_line("\nBoth answer BUSY 500: the client waits for 500 ms, not for its own backoff.");
    primary.set(Fault::BusyOnce);
    backup.set(Fault::BusyOnce);
    ask(&client, "GET answer").await;

    print_line(
        "\nThe primary hangs up. A GET goes to the backup. A SET may have been executed, so it is not sent twice.",
    );
    primary.set(Fault::HangsUp);
    ask(&client, "GET answer").await;
    ask(&client, "SET answer 7").await;

    print_line("\nThe primary does not answer: after 300 ms the command also goes to the backup, which answers.");
    primary.set(Fault::Silent);
    ask(&client, "GET answer").await;

    print_line(
        "\nThe primary is stopped: connections are refused. After some failures commands go straight to the backup.",
    );
    primary.stop().await;
    for _ in 0..3 {
        ask(&client, "GET answer").await;
    }
    print_line(format_args!("  {}", handles.failover.snapshot()));

    print_line(
        "\nThe primary is started again. Traffic returns when the hold is over and two probes in a row were good.",
    );
    let _primary = Server::start_at(address, "primary").await?;
    while handles.failover.snapshot().active.as_deref() != Some("primary") {
        sleep(Duration::from_millis(20)).await;
    }
    ask(&client, "GET answer").await;
    print_line(format_args!("  {}", handles.failover.snapshot()));
    Ok(())
}

/// Sends a command and prints the result.
async fn ask(client: &Client, line: &str) {
    let began = Instant::now();
    let answer = client.clone().oneshot(line.into()).await;
    let took = began.elapsed().as_millis();
    match answer {
        Ok(reply) => print_line(format_args!("  {line}: {:?}, after {took} ms", reply.0)),
        Err(error) => print_line(format_args!("  {line}: {error}, after {took} ms")),
    }
}

/// Unlike `println!`, this does not panic if stdout is closed.
fn print_line(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
