//! Client and server behind their layers, over real sockets.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

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

/// Whatever the machine is busy with: far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Shop {
    stock: Arc<Stock>,
    server: Server,
    client: StockClient<StockChannel>,
    handles: Handles,
}

impl Shop {
    async fn open(limit: u32, watchers: u32) -> Self {
        let stock = Arc::new(Stock::new(watchers).unwrap());
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &stock, limit).await.unwrap();
        let (channel, handles) = client::connect(server.address()).unwrap();
        Self { stock, server, client: StockClient::new(channel), handles }
    }

    /// A client without layers: what the server itself says.
    fn plain(&self) -> StockClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.server.address())).unwrap();
        StockClient::new(endpoint.connect_lazy())
    }
}

fn apples() -> Item {
    Item { name: "apples".into() }
}

/// A stream of what is sent here.
fn one_by_one() -> (UnboundedSender<Item>, impl Stream<Item = Item> + Send + 'static) {
    let (send, receive) = unbounded_channel();
    (send, stream::unfold(receive, |mut receive| async { Some((receive.recv().await?, receive)) }))
}

fn pushback(status: &Status) -> Option<&str> {
    status.metadata().get("grpc-retry-pushback-ms").map(|wait| wait.to_str().unwrap())
}

async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so().await {
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain until {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn calls_and_streams_pass() {
    let mut shop = Shop::open(8, 8).await;
    assert_eq!(shop.client.count(apples()).await.unwrap().into_inner().pieces, 5);
    let mut levels = shop.client.watch(apples()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while let Some(level) = levels.message().await.unwrap() {
        seen.push(level.pieces);
    }
    assert_eq!(seen, [4, 3, 2, 1, 0]);
    shop.server.stop().await;
}

/// A stream to the server is kept for the next attempt, and sent again from its beginning.
#[tokio::test]
async fn a_stream_to_the_server_passes_and_is_repeated_unless_it_must_not_be() {
    let mut shop = Shop::open(8, 8).await;
    let three = || stream::iter([apples(), apples(), apples()]);
    assert_eq!(shop.client.deliver(three()).await.unwrap().into_inner().pieces, 8);

    shop.stock.act([Act::Fail(Status::unavailable("not now"))]);
    assert_eq!(shop.client.deliver(three()).await.unwrap().into_inner().pieces, 8);
    assert_eq!(shop.handles.retrier.snapshot().retries, 1);

    shop.stock.act([Act::Fail(Status::unavailable("not now"))]);
    let mut once = Request::new(three());
    once.extensions_mut().insert(Retryable::No);
    let status = shop.client.deliver(once).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "not now"));
    assert_eq!(shop.handles.retrier.snapshot().retries, 1);
    shop.server.stop().await;
}

/// Each message is sent when the answer to the one before has come: no layer waits for an end.
#[tokio::test]
async fn both_streams_flow_at_the_same_time() {
    let mut shop = Shop::open(8, 8).await;
    let (send, items) = one_by_one();
    send.send(apples()).unwrap();
    let mut levels = shop.client.trade(items).await.unwrap().into_inner();
    for left in [4, 3, 2, 1, 0] {
        let level = timeout(PATIENCE, levels.message()).await.unwrap().unwrap();
        assert_eq!(level.unwrap().pieces, left);
        // The server hangs up after the last one.
        let _ = send.send(apples());
    }
    assert_eq!(levels.message().await.unwrap(), None);
    shop.server.stop().await;
}

/// The permit of the server's entrance and the caller's stream: who stops listening ends the handler.
#[tokio::test]
async fn a_stream_that_the_caller_leaves_ends_at_the_server() {
    let mut shop = Shop::open(8, 8).await;
    let (send, items) = one_by_one();
    send.send(apples()).unwrap();
    let mut levels = shop.client.trade(items).await.unwrap().into_inner();
    assert_eq!(levels.message().await.unwrap().unwrap().pieces, 4);
    drop(levels);
    until("nobody takes messages any more", async || send.send(apples()).is_err()).await;
    shop.server.stop().await;
}

/// The client waits for as long as the server says, however short its own backoff is.
#[tokio::test]
async fn pushback_is_honoured() {
    let mut shop = Shop::open(8, 8).await;
    let wait = Duration::from_millis(400);
    let busy = grpc_rejection_status(&Rejected::new(Reason::RateLimited, "stock").with_retry_after(wait));
    assert_eq!(busy.code(), Code::ResourceExhausted);
    shop.stock.act([Act::Fail(busy)]);
    let began = Instant::now();
    shop.client.count(apples()).await.unwrap();
    assert!(began.elapsed() >= wait, "{:?}", began.elapsed());
    assert_eq!(shop.handles.retrier.snapshot().retries, 1);
}

#[tokio::test]
async fn a_server_that_says_never_is_not_asked_again() {
    let mut shop = Shop::open(8, 8).await;
    let mut metadata = MetadataMap::new();
    metadata.insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
    shop.stock.act([Act::Fail(Status::with_metadata(Code::Unavailable, "not today", metadata))]);
    let status = shop.client.count(apples()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "not today"));
    assert_eq!(shop.handles.retrier.snapshot().retries, 0);
}

/// Each attempt is told what is left when it is sent, and no more than that.
#[tokio::test]
async fn the_deadline_goes_with_the_request() {
    let mut shop = Shop::open(8, 8).await;
    let mut request = Request::new(apples());
    request.set_timeout(Duration::from_millis(900));
    let pause = Duration::from_millis(300);
    shop.stock
        .act([Act::Fail(grpc_rejection_status(&Rejected::new(Reason::CircuitOpen, "stock").with_retry_after(pause)))]);
    let left = shop.client.count(request).await.unwrap().into_inner().time_left_ms.unwrap();
    assert!((1..=600).contains(&left), "{left} ms of 900 after a wait of 300");

    // Without one it is the client's total timeout, which the server cuts down to what it allows.
    let left = shop.client.count(apples()).await.unwrap().into_inner().time_left_ms.unwrap();
    assert!(u128::from(left) <= LONGEST.as_millis(), "{left} ms");
}

/// Our timeout and tonic's own end at the same time, and ours comes first: what a caller had no time for is no failure
/// of the server, and however many there are, the breaker stays closed.
#[tokio::test]
async fn a_deadline_that_passes_is_a_status_on_time_and_nobodys_failure() {
    let mut shop = Shop::open(8, 8).await;
    for _ in 0..5 {
        shop.stock.act([Act::Take(PATIENCE)]);
        let mut request = Request::new(apples());
        request.set_timeout(Duration::from_millis(100));
        let began = Instant::now();
        let status = shop.client.count(request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert!(began.elapsed() >= Duration::from_millis(100));
        assert!(began.elapsed() < PATIENCE / 2);
    }
    assert_eq!(shop.handles.breaker.snapshot().state, State::Closed);
}

/// The refusals of a server's own layers, as a client without any sees them.
#[tokio::test]
async fn a_server_refuses_by_status() {
    let shop = Shop::open(1, 1).await;
    let mut plain = shop.plain();
    shop.stock.act([Act::Take(PATIENCE)]);
    let mut other = plain.clone();
    let slow = tokio::spawn(async move { other.count(apples()).await });
    until("it is in flight", async || shop.server.entrance().snapshot().in_flight == 1).await;
    let full = plain.count(apples()).await.unwrap_err();
    assert_eq!(full.code(), Code::ResourceExhausted, "{full:?}");
    let late = slow.await.unwrap().unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late:?}");
    assert_eq!(plain.count(apples()).await.unwrap().into_inner().pieces, 5, "the permit has come back");

    let open = Rejected::new(Reason::CircuitOpen, "warehouse").with_retry_after(Duration::from_millis(70));
    shop.stock.act([Act::Fail(grpc_rejection_status(&open))]);
    let open = plain.count(apples()).await.unwrap_err();
    assert_eq!((open.code(), pushback(&open)), (Code::Unavailable, Some("70")));
}

#[tokio::test]
async fn a_stream_holds_its_permit_until_it_ends() {
    let shop = Shop::open(8, 1).await;
    let mut plain = shop.plain();
    let in_use = || shop.stock.watchers().snapshot().in_flight;
    until("a second watcher is refused", async || {
        let (first, second) = (plain.watch(apples()).await, plain.watch(apples()).await);
        // Where the machine is so slow that the first had ended, the second was let in: once more.
        first.is_ok() && second.is_err_and(|refused| refused.code() == Code::ResourceExhausted)
    })
    .await;
    until("it is back", async || in_use() == 0).await;

    let levels = plain.watch(apples()).await.unwrap();
    assert_eq!((in_use(), shop.server.entrance().snapshot().in_flight), (1, 1));
    drop(levels);
    until("it is back when nobody listens any more", async || in_use() == 0).await;
    until("that of the entrance too", async || shop.server.entrance().snapshot().in_flight == 0).await;
}

#[tokio::test]
async fn an_outage_opens_the_breaker_and_its_end_closes_it() {
    let Shop { stock, server, mut client, handles } = Shop::open(8, 8).await;
    client.count(apples()).await.unwrap();
    let address = server.address();
    server.stop().await;
    until("the breaker is open", async || {
        let status = client.count(apples()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        // Not a stranger: the words are for whoever reads the client's log.
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
fn the_story_is_told_to_its_end() {
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
