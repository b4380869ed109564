//! A server and its client in one process: calls, streams, pushback, a deadline, an outage and its end.

use std::{
    fmt,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::stream;
use grpc::{
    api::{Item, StockClient},
    client::{self, StockChannel},
    server::Server,
    stock::{Act, Stock},
};
use mainstay::{
    BoxError, Reason, Rejected,
    http::{grpc::grpc_rejection_status, policy::Retryable},
};
use tokio::time::{Instant, sleep};
use tonic::{Request, Status};

type Client = StockClient<StockChannel>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let stock = Arc::new(Stock::new(8)?);
    let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &stock, 64).await?;
    let address = server.address();
    let (channel, handles) = client::connect(address)?;
    let mut client = StockClient::new(channel);
    print_line(format_args!("The server listens on {address}."));
    count(&mut client, None).await;
    streams(&mut client).await?;

    print_line("\nThe server is busy and sends a pushback: the client waits for 300 ms, not for its own backoff.");
    let busy = Rejected::new(Reason::RateLimited, "stock").with_retry_after(Duration::from_millis(300));
    stock.act([Act::Fail(grpc_rejection_status(&busy))]);
    count(&mut client, None).await;

    print_line("\nThe server is slow, and the caller's deadline is 200 ms, which the client sends as `grpc-timeout`.");
    stock.act([Act::Take(Duration::from_secs(5))]);
    count(&mut client, Some(Duration::from_millis(200))).await;

    print_line(
        "\nThe server is stopped. The third failure in a row opens the breaker: calls wait for its next trial if their",
    );
    print_line("deadline allows it, and fail at once otherwise.");
    server.stop().await;
    for _ in 0..4 {
        count(&mut client, None).await;
    }
    let snapshot = handles.breaker.snapshot();
    print_line(format_args!("  the breaker is {:?}: {}", snapshot.state, snapshot.reason));

    print_line("\nThe server is started again. The next call after the open time is a trial:");
    let server = Server::start(address, &stock, 64).await?;
    while !count(&mut client, None).await {
        sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..2 {
        count(&mut client, None).await;
    }
    let snapshot = handles.breaker.snapshot();
    print_line(format_args!("  the breaker is {:?}: {}", snapshot.state, snapshot.reason));
    server.stop().await;
    Ok(())
}

/// Demonstrates a stream from the server, a stream to it, and both at once.
async fn streams(client: &mut Client) -> Result<(), BoxError> {
    print_line("\nA stream:");
    let mut levels = client.watch(apples()).await?.into_inner();
    while let Some(level) = levels.message().await? {
        print_line(format_args!("  {} left", level.pieces));
    }

    print_line("\nA stream to the server. A delivery must not be repeated, so it has `Retryable::No`:");
    let mut three = Request::new(stream::iter([apples(), apples(), apples()]));
    three.extensions_mut().insert(Retryable::No);
    print_line(format_args!("  {} apples then", client.deliver(three).await?.get_ref().pieces));

    print_line("\nBoth ways at once:");
    let mut levels = client.trade(stream::iter([apples(), apples()])).await?.into_inner();
    while let Some(level) = levels.message().await? {
        print_line(format_args!("  took one, {} left", level.pieces));
    }
    Ok(())
}

/// Makes a call, and prints the result. Returns whether it succeeded.
async fn count(client: &mut Client, within: Option<Duration>) -> bool {
    let mut request = Request::new(apples());
    if let Some(time) = within {
        request.set_timeout(time);
    }
    let began = Instant::now();
    let answer = client.count(request).await;
    let took = began.elapsed().as_millis();
    match &answer {
        Ok(level) => print_line(format_args!("  {} apples, after {took} ms", level.get_ref().pieces)),
        Err(status) => print_line(format_args!("  {}, after {took} ms", text(status))),
    }
    answer.is_ok()
}

fn apples() -> Item {
    Item { name: "apples".into() }
}

fn text(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

/// Unlike `println!`, this does not panic if stdout is closed.
fn print_line(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
