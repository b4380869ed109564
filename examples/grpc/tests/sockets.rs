//! Client and server behind their layers, over real sockets.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::Arc,
    time::Duration,
};

use futures_util::{Stream, stream};
use grpc::{
    api::{Item, StockClient},
    client::{self, Handles, StockChannel},
    server::{LONGEST, Server},
    stock::{Act, Stock},
};
use mainstay::{
    Reason, Rejected,
    circuit_breaker::State,
    http::{grpc::grpc_rejection_status, policy::Retryable},
};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::{Instant, sleep, timeout},
};
use tonic::{
    Code, Request, Status,
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};

/// Longer than any step of these tests takes, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

struct Harness {
    stock: Arc<Stock>,
    server: Server,
    client: StockClient<StockChannel>,
    handles: Handles,
}

impl Harness {
    async fn open(limit: u32, watchers: u32) -> Self {
        let stock = Arc::new(Stock::new(watchers).unwrap());
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &stock, limit).await.unwrap();
        let (channel, handles) = client::connect(server.address()).unwrap();
        Self { stock, server, client: StockClient::new(channel), handles }
    }

    /// Returns a client without layers, which gets the server's statuses unchanged.
    fn plain(&self) -> StockClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.server.address())).unwrap();
        StockClient::new(endpoint.connect_lazy())
    }
}

fn apples() -> Item {
    Item { name: "apples".into() }
}

/// Returns a sender, and the stream of the items that it sends.
fn one_by_one() -> (UnboundedSender<Item>, impl Stream<Item = Item> + Send + 'static) {
    let (send, receive) = unbounded_channel();
    (send, stream::unfold(receive, |mut receive| async { Some((receive.recv().await?, receive)) }))
}

fn pushback(status: &Status) -> Option<&str> {
    status.metadata().get("grpc-retry-pushback-ms").map(|wait| wait.to_str().unwrap())
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !condition().await {
        assert!(Instant::now() < end, "waited {TEST_TIMEOUT:?} until {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn calls_and_streams_pass() {
    let mut harness = Harness::open(8, 8).await;
    assert_eq!(harness.client.count(apples()).await.unwrap().into_inner().pieces, 5);
    let mut levels = harness.client.watch(apples()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while let Some(level) = levels.message().await.unwrap() {
        seen.push(level.pieces);
    }
    assert_eq!(seen, [4, 3, 2, 1, 0]);
    harness.server.stop().await;
}

/// The next attempt sends the stream again from its beginning.
#[tokio::test]
async fn stream_to_server_is_retried_unless_marked_not_retryable() {
    let mut harness = Harness::open(8, 8).await;
    let three = || stream::iter([apples(), apples(), apples()]);
    assert_eq!(harness.client.deliver(three()).await.unwrap().into_inner().pieces, 8);

    harness.stock.act([Act::Fail(Status::unavailable("not now"))]);
    assert_eq!(harness.client.deliver(three()).await.unwrap().into_inner().pieces, 8);
    assert_eq!(harness.handles.retrier.snapshot().retries, 1);

    harness.stock.act([Act::Fail(Status::unavailable("not now"))]);
    let mut once = Request::new(three());
    once.extensions_mut().insert(Retryable::No);
    let status = harness.client.deliver(once).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "not now"));
    assert_eq!(harness.handles.retrier.snapshot().retries, 1);
    harness.server.stop().await;
}

/// Each message is sent after the answer to the one before, so no layer may wait for the end of a stream.
#[tokio::test]
async fn bidirectional_streams_are_not_buffered() {
    let mut harness = Harness::open(8, 8).await;
    let (send, items) = one_by_one();
    send.send(apples()).unwrap();
    let mut levels = harness.client.trade(items).await.unwrap().into_inner();
    for left in [4, 3, 2, 1, 0] {
        let level = timeout(TEST_TIMEOUT, levels.message()).await.unwrap().unwrap();
        assert_eq!(level.unwrap().pieces, left);
        // The server ends the stream after the last piece.
        let _ = send.send(apples());
    }
    assert_eq!(levels.message().await.unwrap(), None);
    harness.server.stop().await;
}

#[tokio::test]
async fn stream_dropped_by_caller_ends_at_the_server() {
    let mut harness = Harness::open(8, 8).await;
    let (send, items) = one_by_one();
    send.send(apples()).unwrap();
    let mut levels = harness.client.trade(items).await.unwrap().into_inner();
    assert_eq!(levels.message().await.unwrap().unwrap().pieces, 4);
    drop(levels);
    until("the server has dropped the stream", async || send.send(apples()).is_err()).await;
    harness.server.stop().await;
}

/// The client waits for the pushback, although its own backoff is shorter.
#[tokio::test]
async fn pushback_is_honoured() {
    let mut harness = Harness::open(8, 8).await;
    let wait = Duration::from_millis(400);
    let busy = grpc_rejection_status(&Rejected::new(Reason::RateLimited, "stock").with_retry_after(wait));
    assert_eq!(busy.code(), Code::ResourceExhausted);
    harness.stock.act([Act::Fail(busy)]);
    let began = Instant::now();
    harness.client.count(apples()).await.unwrap();
    assert!(began.elapsed() >= wait, "{:?}", began.elapsed());
    assert_eq!(harness.handles.retrier.snapshot().retries, 1);
}

#[tokio::test]
async fn negative_pushback_prevents_retries() {
    let mut harness = Harness::open(8, 8).await;
    let mut metadata = MetadataMap::new();
    metadata.insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
    harness.stock.act([Act::Fail(Status::with_metadata(Code::Unavailable, "not today", metadata))]);
    let status = harness.client.count(apples()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "not today"));
    assert_eq!(harness.handles.retrier.snapshot().retries, 0);
}

/// Each attempt sends the time that is left at its start.
#[tokio::test]
async fn deadline_is_sent_with_each_attempt() {
    let mut harness = Harness::open(8, 8).await;
    let mut request = Request::new(apples());
    request.set_timeout(Duration::from_millis(900));
    let pause = Duration::from_millis(300);
    harness
        .stock
        .act([Act::Fail(grpc_rejection_status(&Rejected::new(Reason::CircuitOpen, "stock").with_retry_after(pause)))]);
    let left = harness.client.count(request).await.unwrap().into_inner().time_left_ms.unwrap();
    assert!((1..=600).contains(&left), "{left} ms of 900 after a wait of 300");

    // Without a deadline the client sends its total timeout, which the server shortens to its own limit.
    let left = harness.client.count(apples()).await.unwrap().into_inner().time_left_ms.unwrap();
    assert!(u128::from(left) <= LONGEST.as_millis(), "{left} ms");
}

/// Our timeout and tonic's own end at the same time, and ours must come first. A deadline of the caller that passes does
/// not count as a failure of the server, so the breaker stays closed.
#[tokio::test]
async fn passed_deadline_is_deadline_exceeded_and_does_not_open_breaker() {
    let mut harness = Harness::open(8, 8).await;
    for _ in 0..5 {
        harness.stock.act([Act::Take(TEST_TIMEOUT)]);
        let mut request = Request::new(apples());
        request.set_timeout(Duration::from_millis(100));
        let began = Instant::now();
        let status = harness.client.count(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert!(began.elapsed() >= Duration::from_millis(100));
        assert!(began.elapsed() < TEST_TIMEOUT / 2);
    }
    assert_eq!(harness.handles.breaker.snapshot().state, State::Closed);
}

/// Refusals of the server's layers, as a client without layers receives them.
#[tokio::test]
async fn refusals_of_server_layers_are_statuses() {
    let harness = Harness::open(1, 1).await;
    let mut plain = harness.plain();
    harness.stock.act([Act::Take(TEST_TIMEOUT)]);
    let mut other = plain.clone();
    let slow = tokio::spawn(async move { other.count(apples()).await });
    until("it is in flight", async || harness.server.entrance().snapshot().in_flight == 1).await;
    let full = plain.count(apples()).await.unwrap_err();
    assert_eq!(full.code(), Code::ResourceExhausted, "{full:?}");
    let late = slow.await.unwrap().unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late:?}");
    assert_eq!(plain.count(apples()).await.unwrap().into_inner().pieces, 5, "the permit was released");

    let open = Rejected::new(Reason::CircuitOpen, "warehouse").with_retry_after(Duration::from_millis(70));
    harness.stock.act([Act::Fail(grpc_rejection_status(&open))]);
    let open = plain.count(apples()).await.unwrap_err();
    assert_eq!((open.code(), pushback(&open)), (Code::Unavailable, Some("70")));
}

#[tokio::test]
async fn stream_holds_its_permits_until_it_ends() {
    let harness = Harness::open(8, 1).await;
    let mut plain = harness.plain();
    let in_use = || harness.stock.watchers().snapshot().in_flight;
    until("a second watcher is refused", async || {
        let (first, second) = (plain.watch(apples()).await, plain.watch(apples()).await);
        // On a slow machine the first stream may have ended before the second began. Then this is tried again.
        first.is_ok() && second.is_err_and(|refused| refused.code() == Code::ResourceExhausted)
    })
    .await;
    until("the permit is released", async || in_use() == 0).await;

    let levels = plain.watch(apples()).await.unwrap();
    assert_eq!((in_use(), harness.server.entrance().snapshot().in_flight), (1, 1));
    drop(levels);
    until("the permit is released after the drop", async || in_use() == 0).await;
    until("the permit of the server is released", async || harness.server.entrance().snapshot().in_flight == 0).await;
}

#[tokio::test]
async fn outage_opens_breaker_and_its_end_closes_it() {
    let Harness { stock, server, mut client, handles } = Harness::open(8, 8).await;
    client.count(apples()).await.unwrap();
    let address = server.address();
    server.stop().await;
    until("the breaker is open", async || {
        let status = client.count(apples()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        // The message names the error, for the client's log.
        assert!(status.message().contains("connect") || status.message().starts_with("stock: "), "{status:?}");
        assert!(status.source().is_some());
        handles.breaker.snapshot().state == State::Open
    })
    .await;
    let refused = client.count(apples()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);

    let server = Server::start(address, &stock, 8).await.unwrap();
    until("calls pass and the breaker is closed", async || {
        client.count(apples()).await.is_ok() && handles.breaker.snapshot().state == State::Closed
    })
    .await;
    server.stop().await;
}

#[test]
fn demonstration_runs_to_its_end() {
    let output = Command::new(env!("CARGO_BIN_EXE_grpc")).output().unwrap();
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{story}");
    for part in [
        "5 apples, after",
        "8 apples then",
        "took one, 3 left",
        "0 left",
        "DeadlineExceeded",
        "Unavailable",
        "breaker is Open",
        "breaker is Closed",
    ] {
        assert!(story.contains(part), "no {part:?} in {story}");
    }
}
