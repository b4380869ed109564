//! The model server: a first-in first-out queue, a number of workers, drawn service times, and a fault script.
//!
//! Faults are windows of time that are known from the beginning, so the end of each piece of work follows from its
//! start, and a request costs one timer.

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use mainstay_core::{BoxError, Random};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until},
};
use tower::Service;

use crate::{arrivals::Ms, random::source};

mod script;
mod settings;

pub use script::{Fault, Script};
pub use settings::{Settings, Work};

/// The request of every simulation.
pub type Req = Request<()>;
/// The response of every simulation.
pub type Res = Response<()>;
/// The future of a call.
pub type Call = Pin<Box<dyn Future<Output = Result<Res, BoxError>> + Send>>;

/// A route that answers 500 at every server.
pub const BAD_ROUTE: &str = "/bad";
/// The time after which a server answers that does no work: an error, a refusal, a health check.
const AT_ONCE: Duration = Duration::from_millis(1);

/// A model server. Clones share it.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    settings: Settings,
    begun: Instant,
    random: Random,
    workers: Semaphore,
    waiting: AtomicUsize,
    calls: AtomicU64,
    seconds: std::sync::Mutex<Vec<u32>>,
}

// === impl Server ===

impl Server {
    /// Creates a server. `number` tells the servers of one simulation apart.
    #[must_use]
    pub fn new(seed: u64, number: u64, settings: Settings) -> Self {
        let workers = Semaphore::new(settings.workers);
        let (random, begun) = (source(seed, 1_000 + number), Instant::now());
        let (waiting, calls, seconds) = Default::default();
        Self(Arc::new(Inner { settings, begun, random, workers, waiting, calls, seconds }))
    }

    /// Returns the number of requests that arrived, probes excluded.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Relaxed)
    }

    /// Returns the number of requests that arrived in each second.
    #[must_use]
    pub fn calls_by_second(&self) -> Vec<u32> {
        self.0.seconds.lock().map(|seconds| seconds.clone()).unwrap_or_default()
    }

    /// Whether the server answers health checks well. It takes part in stalls and black holes.
    pub async fn probe(self) -> bool {
        let now = self.now();
        match self.0.settings.script.at(now) {
            Some(Fault::BlackHole) => pending().await,
            Some(Fault::Stall) => sleep_until(self.instant(self.0.settings.script.end_of_work(now, 1.0))).await,
            Some(Fault::Refuse | Fault::UnhealthyProbe) => {
                sleep(AT_ONCE).await;
                return false;
            }
            _ => sleep(AT_ONCE).await,
        }
        true
    }

    /// Returns whether a request that is sent now would be answered well, as far as the script tells.
    #[must_use]
    pub fn works_at(&self, at: Ms) -> bool {
        !matches!(
            self.0.settings.script.at(at),
            Some(Fault::BlackHole | Fault::Refuse | Fault::Error | Fault::Gray(_) | Fault::Stall)
        )
    }

    /// Returns the number of workers.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.0.settings.workers as u32
    }

    /// Returns how long a request that arrives now waits for a worker, on average.
    #[must_use]
    pub fn expected_wait(&self) -> Duration {
        let Settings { script, work, workers, .. } = &self.0.settings;
        let now = self.now();
        let stalled = if script.at(now) == Some(Fault::Stall) { script.end_of_work(now, 0.0) - now } else { 0 };
        let queued = self.0.waiting.load(Relaxed) as f64 * work.mean() / *workers as f64;
        Duration::from_millis(stalled + queued as u64)
    }

    /// Returns the milliseconds since the start.
    #[must_use]
    pub fn now(&self) -> Ms {
        self.0.begun.elapsed().as_millis() as Ms
    }

    fn instant(&self, at: Ms) -> Instant {
        self.0.begun + Duration::from_millis(at)
    }

    fn count(&self) {
        self.0.calls.fetch_add(1, Relaxed);
        let second = (self.now() / 1_000) as usize;
        if let Ok(mut seconds) = self.0.seconds.lock() {
            if seconds.len() <= second {
                seconds.resize(second + 1, 0);
            }
            seconds[second] += 1;
        }
    }

    async fn serve(self, request: Req) -> Result<Res, BoxError> {
        let Settings { script, work, error_rate, .. } = &self.0.settings;
        let arrived = self.now();
        self.count();
        match script.at(arrived) {
            Some(Fault::BlackHole) => pending().await,
            Some(Fault::Refuse) => return refuse().await,
            Some(Fault::Error) => return answer(StatusCode::INTERNAL_SERVER_ERROR).await,
            Some(Fault::Gray(share)) if self.0.random.unit() < share => {
                return answer(StatusCode::INTERNAL_SERVER_ERROR).await;
            }
            _ => {}
        }
        let need = work.draw(&self.0.random);
        let is_bad = request.uri().path() == BAD_ROUTE || (*error_rate > 0.0 && self.0.random.unit() < *error_rate);
        let Some(_worker) = self.worker().await else { return answer(StatusCode::SERVICE_UNAVAILABLE).await };
        let end = script.end_of_work(self.now(), need);
        if let Some((from, fault)) = script.interruption(arrived, end) {
            sleep_until(self.instant(from)).await;
            return if matches!(fault, Fault::BlackHole) { pending().await } else { refuse().await };
        }
        sleep_until(self.instant(end)).await;
        let status = if is_bad { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        Ok(response(status))
    }

    /// Waits for a worker; `None` when too many requests wait.
    async fn worker(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        if let Ok(worker) = self.0.workers.try_acquire() {
            return Some(worker);
        }
        if self.0.settings.queue.is_some_and(|queue| self.0.waiting.load(Relaxed) >= queue) {
            return None;
        }
        let _waiting = Waiting::new(&self.0.waiting);
        self.0.workers.acquire().await.ok()
    }
}

impl Service<Req> for Server {
    type Response = Res;
    type Error = BoxError;
    type Future = Call;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Call {
        let served = self.clone().serve(request);
        if self.0.settings.cancels {
            return Box::pin(served);
        }
        // A task goes on when the client drops its future.
        let task = tokio::spawn(served);
        Box::pin(async move { task.await? })
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Counts a request as waiting until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A response of this status without a body.
pub(crate) fn response(status: StatusCode) -> Res {
    let mut response = Response::new(());
    *response.status_mut() = status;
    response
}

async fn answer(status: StatusCode) -> Result<Res, BoxError> {
    sleep(AT_ONCE).await;
    Ok(response(status))
}

async fn refuse() -> Result<Res, BoxError> {
    sleep(AT_ONCE).await;
    Err(io::Error::from(io::ErrorKind::ConnectionRefused).into())
}
