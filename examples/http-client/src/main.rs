//! Two servers and two clients: an outage, a return, a `Retry-After`, a deadline. Over HTTP/1.1, or `http2`.

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use http_client::{
    demo::{Fault, Server},
    stack::{Client, Wire},
    with_hyper, with_reqwest,
};
use mainstay::{BoxError, failover::stack::StandardHandles};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let wire = match std::env::args().nth(1).as_deref() {
        None | Some("http1") => Wire::Http1,
        Some("http2") => Wire::Http2,
        Some(other) => return Err(format!("{other} is neither http1 nor http2").into()),
    };
    let (primary, backup) = (Server::start("primary").await?, Server::start("backup").await?);
    let clients = [
        with_reqwest::client(primary.address(), backup.address(), wire)?,
        with_hyper::client(primary.address(), backup.address(), wire)?,
    ];

    print_line(format_args!("Over {wire:?}."));
    print_line("Both servers work: the primary answers.");
    ask(&clients, 1).await;

    print_line(
        "\nThe primary is broken. The backup answers within the same call. After some failures calls go straight to the backup.",
    );
    primary.set(Fault::Broken);
    ask(&clients, 4).await;
    // After a streak of failures a probe decides, which the calls do not wait for.
    until_active(&clients, "backup").await;
    print_snapshots(&clients);

    print_line("\nThe primary is repaired. Traffic returns when the hold is over and two probes in a row were good.");
    primary.set(Fault::None);
    until_active(&clients, "primary").await;
    ask(&clients, 1).await;
    print_snapshots(&clients);

    print_line(
        "\nBoth servers are busy and send `Retry-After: 1`: the clients wait for a second, not for their own backoff.",
    );
    let busy = Fault::BusyUntil(Instant::now() + Duration::from_millis(700));
    primary.set(busy);
    backup.set(busy);
    ask(&clients, 1).await;

    print_line("\nThe primary does not answer: after 400 ms the call also goes to the backup, which answers.");
    primary.set(Fault::Silent);
    ask(&clients, 1).await;

    print_line("\nBoth servers do not answer. The call ends at the total timeout of 2 s.");
    backup.set(Fault::Silent);
    ask(&clients, 1).await;
    print_snapshots(&clients);
    Ok(())
}

/// Sends calls with both clients at the same time, and prints the results.
async fn ask(clients: &[(Client, StandardHandles)], times: u32) {
    let asked = clients.iter().map(|(client, handles)| {
        let (client, name) = (client.clone(), handles.failover.name().clone());
        tokio::spawn(async move {
            for _ in 0..times {
                let began = Instant::now();
                let answer = client.clone().oneshot("/orders".to_owned()).await;
                let took = began.elapsed().as_millis();
                match answer {
                    Ok((status, text)) => print_line(format_args!("  {name}: {status} {text:?}, after {took} ms")),
                    Err(error) => print_line(format_args!("  {name}: {error}, after {took} ms")),
                }
            }
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        let _ = asked.await;
    }
}

/// Waits until the traffic of both clients goes to this endpoint.
async fn until_active(clients: &[(Client, StandardHandles)], endpoint: &str) {
    while clients.iter().any(|(_, handles)| handles.failover.snapshot().active.as_deref() != Some(endpoint)) {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Prints snapshots of the handles.
fn print_snapshots(clients: &[(Client, StandardHandles)]) {
    for (_, handles) in clients {
        let failover = handles.failover.snapshot();
        let second = failover.second_attempts;
        print_line(format_args!("  {failover}"));
        print_line(format_args!(
            "    second attempts: {} on an error, {} after a delay, {} won; retries: {}",
            second.on_error,
            second.on_delay,
            second.won,
            handles.retry.snapshot().retries
        ));
    }
}

/// Unlike `println!`, this does not panic if stdout is closed.
fn print_line(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
