//! Hosts and tenants over real sockets: one hangs, and the others are not affected.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{fmt::Display, hash::Hash, time::Duration};

use axum::{Router, body::Body, error_handling::HandleErrorLayer, extract::State, http::Request, routing::get};
use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mainstay_bulkhead::{KeyedBulkheadLayer, KeyedBulkheadSettings, KeyedLimits, LimitSettings};
use mainstay_core::{BoxError, Reason, Refusal as _};
use mainstay_http::{Http, authority, axum::handle_error, box_body};
use tokio::{net::TcpListener, sync::watch, task::AbortHandle};
use tower::{Service, ServiceBuilder, ServiceExt as _};

/// A server. Dropping it stops the server.
struct Server {
    address: String,
    task: AbortHandle,
}

impl Server {
    async fn start(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Self { address, task }
    }

    fn get(&self) -> Request<Body> {
        Request::get(format!("http://{}/", self.address)).body(Body::empty()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Responds once the watch is open.
async fn hello(State(mut open): State<watch::Receiver<bool>>) -> &'static str {
    let _ = open.wait_for(|open| *open).await;
    "hello"
}

fn app() -> (Router, watch::Sender<bool>) {
    let (door, open) = watch::channel(false);
    (Router::new().route("/", get(hello)).with_state(open), door)
}

/// Waits until so many calls run and so many wait, over all keys.
async fn until<K: Hash + Eq + Clone + Display>(limits: &KeyedLimits<K>, calls: (u64, u64)) {
    let reached = async {
        let now = || (limits.snapshot().in_flight, limits.snapshot().queued);
        while now() != calls {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap();
}

fn settings(limit: u32, queue: u32) -> KeyedBulkheadSettings {
    let limit = LimitSettings { limit, queue, max_wait: None, ..LimitSettings::default() };
    KeyedBulkheadSettings { limit, ..KeyedBulkheadSettings::default() }
}

async fn text<S, B>(service: &S, request: Request<Body>) -> Result<(u16, String), BoxError>
where
    S: Service<Request<Body>, Response = http::Response<B>, Error = BoxError> + Clone,
    B: BodyExt<Error: Into<BoxError>>,
{
    let (head, body) = service.clone().oneshot(request).await?.into_parts();
    let body = body.collect().await.map_err(Into::into)?.to_bytes();
    Ok((head.status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
}

#[tokio::test]
async fn hanging_host_does_not_affect_other_host() {
    let ((slow, door), (quick, quick_door)) = (app(), app());
    let (slow, quick) = (Server::start(slow).await, Server::start(quick).await);
    quick_door.send_replace(true);
    let hosts = KeyedLimits::with_settings("hosts", settings(2, 1)).unwrap();
    let client = ServiceBuilder::new()
        .layer(KeyedBulkheadLayer::with(hosts.clone(), authority::<Body>).with_policy(Http::new()))
        .map_response(box_body)
        .service(Client::builder(TokioExecutor::new()).build_http::<Body>());

    let calls: Vec<_> = (0..3)
        .map(|_| {
            let (client, request) = (client.clone(), slow.get());
            tokio::spawn(async move { text(&client, request).await })
        })
        .collect();
    until(&hosts, (2, 1)).await;
    let refused = text(&client, slow.get()).await.unwrap_err();
    assert_eq!(refused.rejected().unwrap().reason(), Reason::BulkheadFull);
    for _ in 0..20 {
        assert_eq!(text(&client, quick.get()).await.unwrap(), (200, "hello".into()));
    }
    door.send_replace(true);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), (200, "hello".into()));
    }
    let snapshot = hosts.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.permitted, snapshot.rejected.full), (0, 23, 1));
    let slow = hosts.snapshot_of(slow.address.as_str()).unwrap();
    assert_eq!((slow.permitted, slow.peak), (3, 2));

    // A call is in flight until its body has been read to the end.
    let response = client.oneshot(quick.get()).await.unwrap();
    assert_eq!(hosts.snapshot().in_flight, 1);
    drop(response);
    assert_eq!(hosts.snapshot().in_flight, 0);
}

#[tokio::test]
async fn tenant_above_its_limit_gets_503_and_others_are_served() {
    let tenant = |request: &Request<Body>| request.headers().get("x-tenant").map_or(0, |id| id.as_bytes()[0]);
    let tenants = KeyedLimits::with_settings("tenants", settings(1, 0)).unwrap();
    let (app, door) = app();
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(handle_error))
        .layer(KeyedBulkheadLayer::with(tenants.clone(), tenant).with_policy(Http::new()));
    let server = Server::start(app.route("/quick", get(|| async { "quick" })).layer(layers)).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>().map_err(BoxError::from);
    let request = |tenant: &'static str, path: &str| {
        let request = Request::get(format!("http://{}{path}", server.address)).header("x-tenant", tenant);
        request.body(Body::empty()).unwrap()
    };

    let hangs = tokio::spawn(client.clone().oneshot(request("a", "/")));
    until(&tenants, (1, 0)).await;
    assert_eq!(text(&client, request("a", "/quick")).await.unwrap().0, 503);
    assert_eq!(text(&client, request("b", "/quick")).await.unwrap(), (200, "quick".into()));
    // An aborted call returns its permit.
    hangs.abort();
    until(&tenants, (0, 0)).await;
    assert_eq!(text(&client, request("a", "/quick")).await.unwrap().0, 200);
    drop(door);
}
