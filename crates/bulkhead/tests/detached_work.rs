//! Work that goes on when its caller stops waiting keeps its permit.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use mainstay_bulkhead::{KeyedBulkheadSettings, KeyedLimits, Limit, LimitSettings};
use mainstay_core::{BoxError, Reason, Refusal, Rejected};
use tokio::{sync::oneshot, task::spawn_blocking};

const MS: Duration = Duration::from_millis(1);

fn settings() -> LimitSettings {
    LimitSettings { limit: 2, execution_timeout: Some(MS), ..LimitSettings::default() }
}

fn reason<T>(result: Result<T, BoxError>) -> Option<Reason> {
    result.err()?.rejected().map(Rejected::reason)
}

/// Blocking work, and what ends it. Counts how much of it runs at once.
#[derive(Clone)]
struct Blocks {
    running: Arc<AtomicU32>,
    end: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Blocks {
    fn new() -> (Self, mpsc::Sender<()>) {
        let (end, ended) = mpsc::channel();
        (Self { running: Arc::default(), end: Arc::new(Mutex::new(ended)) }, end)
    }

    fn run(&self) -> Result<u32, BoxError> {
        let running = self.running.fetch_add(1, SeqCst) + 1;
        let _ = self.end.lock().unwrap().recv();
        self.running.fetch_sub(1, SeqCst);
        Ok(running)
    }
}

/// Six pieces of blocking work ran at a limit of two: the permit came back when the caller stopped waiting.
#[tokio::test]
async fn blocking_work_keeps_its_permit_after_the_execution_timeout() {
    let limit = Limit::with_settings("files", settings()).unwrap();
    let (blocks, end) = Blocks::new();
    let mut reasons = Vec::new();
    for call in 0..6 {
        let work = blocks.clone();
        let result = match call % 2 {
            0 => limit.run_blocking(move || work.run()).await,
            _ => {
                let on_thread = |permit| async {
                    let work = move || {
                        let _permit = permit;
                        work.run()
                    };
                    spawn_blocking(work).await?
                };
                limit.run_with_permit(on_thread).await
            }
        };
        reasons.push(reason(result).unwrap());
    }
    let mut expected = vec![Reason::AttemptTimeout; 2];
    expected.extend([Reason::BulkheadFull; 4]);
    assert_eq!(reasons, expected);
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.timed_out, snapshot.peak), (2, 2, 2));
    drop(end);
    // The permits come back when the work ends.
    let waits = LimitSettings { queue: 2, max_wait: None, execution_timeout: None, ..settings() };
    limit.reconfigure(waits).unwrap();
    let permits = (limit.acquire().await.unwrap(), limit.acquire().await.unwrap());
    assert_eq!(blocks.running.load(SeqCst), 0);
    drop(permits);
}

#[tokio::test]
async fn blocking_work_of_a_key_keeps_its_permit() {
    let settings = KeyedBulkheadSettings { limit: LimitSettings { limit: 1, ..settings() }, capacity: 8 };
    let limits = KeyedLimits::<u32>::with_settings("tenants", settings).unwrap();
    let (blocks, end) = Blocks::new();
    let work = blocks.clone();
    assert_eq!(reason(limits.run_blocking(&1, move || work.run()).await), Some(Reason::AttemptTimeout));
    let task = |permit| {
        tokio::spawn(async move {
            let _permit = permit;
            std::future::pending::<()>().await;
        })
    };
    assert_eq!(reason(limits.run_with_permit(&1, task).await), Some(Reason::BulkheadFull));
    assert_eq!(reason(limits.run_with_permit(&2, task).await), Some(Reason::AttemptTimeout));
    assert_eq!(limits.snapshot().in_flight, 2);
    drop(end);
}

#[tokio::test]
async fn permit_comes_back_when_the_work_drops_it() {
    let limit = Limit::new("reports", 1).unwrap();
    let (first_half, rest) = oneshot::channel::<()>();
    let work = |permit| async move {
        drop(permit);
        let _ = first_half.send(());
        std::future::pending::<Result<(), BoxError>>().await
    };
    let call = tokio::spawn({
        let limit = limit.clone();
        async move { limit.run_with_permit(work).await }
    });
    rest.await.unwrap();
    assert_eq!(limit.snapshot().in_flight, 0);
    call.abort();
}
