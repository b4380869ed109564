//! One simulation: a paused clock, arrivals, clients, and a record of each request.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Request, Uri};
use mainstay_core::{BoxError, Random};
use tokio::{
    runtime::Builder,
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::{
    arrivals::{Arrival, Kind, Ms},
    server::{Req, Res},
};

/// The stack of one client process.
pub type Client = BoxCloneSyncService<Req, Res, BoxError>;

/// One request, after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was sent.
    pub at: Ms,
    /// How long its caller waited.
    pub took: Ms,
    /// Whether the answer was a success.
    pub good: bool,
    /// Whether it asked for something that cannot succeed, and is not counted as offered.
    pub hopeless: bool,
}

/// A request that has no answer after this time, counted from the last arrival, is lost.
const DRAIN: Duration = Duration::from_secs(120);

/// Runs a simulation on a paused clock. All random sources that it creates derive from the seed.
pub fn simulate<F: Future>(seed: u64, simulation: F) -> F::Output {
    Random::seed_thread(seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O starts").block_on(simulation)
}

/// Sends every arrival through its client. Clients do not wait for each other.
pub async fn drive(arrivals: &[Arrival], clients: &[Client]) -> Vec<Record> {
    let begun = Instant::now();
    let unanswered =
        |arrival: &Arrival| Record { at: arrival.at, took: Ms::MAX, good: false, hopeless: is_hopeless(&arrival.kind) };
    let records: Arc<Mutex<Vec<Record>>> = Arc::new(Mutex::new(arrivals.iter().map(unanswered).collect()));
    let (left, done) = (Arc::new(AtomicUsize::new(arrivals.len())), Arc::new(Notify::new()));
    for (index, arrival) in arrivals.iter().enumerate() {
        let at = begun + Duration::from_millis(arrival.at);
        sleep_until(at).await;
        let (client, request) = (clients[arrival.client].clone(), request(&arrival.kind));
        let (records, left, done) = (records.clone(), left.clone(), done.clone());
        tokio::spawn(async move {
            let good = client.oneshot(request).await.is_ok_and(|response| response.status().is_success());
            let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
            (records[index].took, records[index].good) = (at.elapsed().as_millis() as Ms, good);
            if left.fetch_sub(1, Relaxed) == 1 {
                done.notify_one();
            }
        });
    }
    if !arrivals.is_empty() {
        let _unanswered = timeout(DRAIN, done.notified()).await;
    }
    records.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Returns whether no server answers this request well.
fn is_hopeless(kind: &Kind) -> bool {
    kind.path == crate::server::BAD_ROUTE
}

fn request(kind: &Kind) -> Req {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::from_static(kind.path);
    *request.method_mut() = kind.method.clone();
    request
}
