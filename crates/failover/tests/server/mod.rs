//! Two HTTP servers behind the standard stack, and streams of requests.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http::{Method, Request, Response, StatusCode};
use mainstay_failover::{
    Endpoint, FailoverHandle, FailoverSettings,
    stack::{Standard, StandardSettings},
};
use mainstay_http::Http;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tower::{BoxError, ServiceExt, service_fn, util::BoxCloneSyncService};

/// A server with a slow route and a broken one.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Inner>);

#[derive(Default)]
struct Inner {
    name: &'static str,
    refuses: AtomicBool,
    is_read_only: AtomicBool,
    is_broken: AtomicBool,
    hangs: AtomicBool,
    has_bad_probe: AtomicBool,
    calls: AtomicUsize,
}

type Stack = BoxCloneSyncService<Request<String>, Response<String>, BoxError>;

/// A primary and a backup.
pub(crate) struct Pair {
    pub(crate) servers: [Server; 2],
    stack: Stack,
    failover: FailoverHandle,
}

/// Requests at a steady rate.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) per_second: u32,
    /// After how many milliseconds the client gives up.
    pub(crate) gives_up: u64,
}

/// What the clients of a load have got.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) good: usize,
    pub(crate) bad: usize,
    /// Good answers of the backup.
    pub(crate) by_backup: usize,
    /// When the primary was left.
    pub(crate) left: Option<Duration>,
}

// === impl Server ===

impl Server {
    fn new(name: &'static str) -> Self {
        Self(Arc::new(Inner { name, ..Inner::default() }))
    }

    /// Refuses connections from now on, as the host of a process that was killed does.
    pub(crate) fn refuse(&self) {
        self.0.refuses.store(true, SeqCst);
    }

    /// Answers POSTs with 500 from now on.
    pub(crate) fn set_read_only(&self) {
        self.0.is_read_only.store(true, SeqCst);
    }

    /// Answers every request with 500 from now on.
    pub(crate) fn set_broken(&self) {
        self.0.is_broken.store(true, SeqCst);
    }

    /// Answers no request from now on.
    pub(crate) fn set_hanging(&self) {
        self.0.hangs.store(true, SeqCst);
    }

    pub(crate) fn set_probe(&self, healthy: bool) {
        self.0.has_bad_probe.store(!healthy, SeqCst);
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }

    async fn answer(self, request: Request<String>) -> Result<Response<String>, BoxError> {
        self.0.calls.fetch_add(1, SeqCst);
        let is = |flag: &AtomicBool| flag.load(SeqCst);
        if is(&self.0.refuses) {
            return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        }
        if is(&self.0.hangs) {
            pending::<()>().await;
        }
        sleep(Duration::from_millis(if request.uri().path() == "/slow" { 3_000 } else { 5 })).await;
        let fails = is(&self.0.is_broken)
            || request.uri().path() == "/broken"
            || (is(&self.0.is_read_only) && request.method() == Method::POST);
        let mut response = Response::new(self.0.name.to_owned());
        if fails {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        Ok(response)
    }
}

// === impl Pair ===

impl Pair {
    /// Both endpoints have probes.
    pub(crate) fn new(failover: FailoverSettings) -> Self {
        Self::build(failover, true)
    }

    pub(crate) fn without_probes(failover: FailoverSettings) -> Self {
        Self::build(failover, false)
    }

    fn build(failover: FailoverSettings, is_probed: bool) -> Self {
        // The comparison draws the same endpoints in each run.
        mainstay_core::Random::seed_thread(7);
        let servers = ["primary", "backup"].map(Server::new);
        let endpoints = servers.iter().map(|server| {
            let (served, probed) = (server.clone(), server.clone());
            let endpoint = Endpoint::new(server.0.name, service_fn(move |request| served.clone().answer(request)));
            let probe = move || {
                let inner = probed.0.clone();
                async move { !inner.has_bad_probe.load(SeqCst) && !inner.refuses.load(SeqCst) }
            };
            if is_probed { endpoint.with_probe(probe) } else { endpoint }
        });
        let settings = StandardSettings { failover, ..StandardSettings::default() };
        let standard = Standard::new("x", endpoints, settings).unwrap().with_policy(Http::new());
        let failover = standard.handles().failover.clone();
        Self { stack: BoxCloneSyncService::new(standard.build()), servers, failover }
    }

    pub(crate) fn failover(&self) -> &FailoverHandle {
        &self.failover
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, String), BoxError> {
        send(self.stack.clone(), Method::GET, path).await
    }

    /// Sends these streams for so many seconds, and waits for the answers.
    pub(crate) async fn load(&self, seconds: u32, streams: &[Stream]) -> Seen {
        let (start, mut arrivals) = (Instant::now(), Vec::new());
        for (index, stream) in streams.iter().enumerate() {
            let pace = Duration::from_secs(1) / stream.per_second.max(1);
            arrivals.extend((0..stream.per_second * seconds).map(|n| (pace * n, index)));
        }
        arrivals.sort_unstable();
        let (mut seen, mut requests, mut watch) = (Seen::default(), JoinSet::new(), self.failover.watch());
        let left = tokio::spawn(async move {
            let is_away = |state: &mainstay_failover::FailoverState| state.as_str() != "on_primary";
            watch.wait_for(is_away).await.map(|_| start.elapsed())
        });
        for (at, index) in arrivals {
            sleep_until(start + at).await;
            let Stream { method, path, gives_up, .. } = streams[index].clone();
            requests.spawn(timeout(Duration::from_millis(gives_up), send(self.stack.clone(), method, path)));
        }
        for answer in requests.join_all().await {
            match answer {
                Ok(Ok((StatusCode::OK, by))) => {
                    seen.good += 1;
                    seen.by_backup += usize::from(by == "backup");
                }
                _ => seen.bad += 1,
            }
        }
        match left.is_finished() {
            true => seen.left = left.await.unwrap(),
            false => left.abort(),
        }
        seen
    }
}

async fn send(stack: Stack, method: Method, path: &str) -> Result<(StatusCode, String), BoxError> {
    let request = Request::builder().method(method).uri(path).body(String::new()).unwrap();
    stack.oneshot(request).await.map(|response| (response.status(), response.into_body()))
}

// === impl Stream ===

impl Stream {
    pub(crate) fn get(path: &'static str, per_second: u32) -> Self {
        Self { method: Method::GET, path, per_second, gives_up: 30_000 }
    }

    pub(crate) fn post(path: &'static str, per_second: u32) -> Self {
        Self { method: Method::POST, ..Self::get(path, per_second) }
    }

    /// The client gives up after so many milliseconds.
    pub(crate) fn gives_up(self, after: u64) -> Self {
        Self { gives_up: after, ..self }
    }
}
