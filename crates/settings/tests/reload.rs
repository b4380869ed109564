//! Live reload: a changed file is applied to a running stack, a wrong file is not.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Level, Reason, Refusal};
use mainstay_failover::{
    Endpoint,
    stack::{Standard, StandardSettings},
};
use mainstay_retry::{Retrier, RetrySettings};
use mainstay_settings::{Reloader, Reloading, Sources};
use tokio::time::{Instant, sleep};
use tower::{ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

/// A file that is removed when it is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("mainstay-reload-{}-{name}.toml", std::process::id())));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Collects what the thread of the test logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Returns the lines that were logged since the last call.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a retrier that follows a file, and the number of times that settings were applied.
fn following(file: &Temporary) -> (Retrier, Arc<AtomicU32>, Reloading) {
    let (retrier, applied) = (Retrier::new("orders"), Arc::new(AtomicU32::new(0)));
    let (handle, count) = (retrier.clone(), applied.clone());
    let apply = move |settings: RetrySettings| {
        count.fetch_add(1, Relaxed);
        handle.reconfigure(settings)
    };
    let reloading = Reloader::new(Sources::file(file.path())).start(apply).unwrap();
    (retrier, applied, reloading)
}

/// Waits for three readings: enough for a change to be read, confirmed and applied.
async fn readings() {
    sleep(3_100 * MS).await;
}

#[tokio::test(start_paused = true)]
async fn changed_file_is_applied_within_two_readings_and_logged() {
    let (log, _guard) = Log::start();
    let file = Temporary::new("changed", "max_attempts = 5");
    let (retrier, applied, _reloading) = following(&file);
    assert_eq!(retrier.settings().max_attempts, 5, "at the start");
    readings().await;
    assert_eq!(applied.load(Relaxed), 1, "an unchanged file is not applied again");
    assert_eq!(log.take(), "");

    file.write("max_attempts = 7\nattempt_quota = 9");
    sleep(2_100 * MS).await;
    assert_eq!((retrier.settings().max_attempts, retrier.settings().attempt_quota), (7, 9));
    let logged = log.take();
    assert!(logged.contains("INFO") && logged.contains("settings reloaded"), "{logged}");
    assert!(logged.contains("attempt_quota: (default) -> 9, max_attempts: 5 -> 7"), "{logged}");

    file.write("attempt_quota = 9");
    readings().await;
    assert_eq!(retrier.settings().max_attempts, 3, "back at the default");
    assert!(log.take().contains("max_attempts: 7 -> (default)"));
    assert_eq!(applied.load(Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn half_written_file_is_not_applied() {
    let file = Temporary::new("half", "max_attempts = 5\nattempt_quota = 8");
    let (retrier, applied, _reloading) = following(&file);
    sleep(500 * MS).await;
    // The author of the file has not finished.
    file.write("");
    sleep(1_000 * MS).await;
    file.write("max_attempts = 6\nattempt_quota = 8");
    readings().await;
    assert_eq!((retrier.settings().max_attempts, retrier.settings().attempt_quota), (6, 8));
    assert_eq!(applied.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_file_changes_nothing_and_logs_reason_once() {
    let (log, _guard) = Log::start();
    let file = Temporary::new("bad", "max_attempts = 5");
    let (retrier, applied, _reloading) = following(&file);
    let shown = file.path().display().to_string();
    let bad = [
        ("max_attempts = 4\nattempt_quota = 0", ":2: attempt_quota = 0: must be 1 to"),
        ("max_attempts = 4\ndeadline = 'soon'", ":2: deadline = \"soon\": must be a duration, such as"),
        ("max_attempts = 4\nmax_atempts = 4", ":2: max_atempts = 4: no such setting"),
        ("max_attempts = ", ":1: not TOML: "),
    ];
    for (text, why) in bad {
        file.write(text);
        readings().await;
        let logged = log.take();
        assert_eq!(logged.matches("WARN").count(), 1, "once, not each second: {logged}");
        assert!(logged.contains("settings not reloaded: the old ones stay"), "{logged}");
        assert!(logged.contains(&format!("{shown}{why}")), "{logged}");
        assert_eq!(retrier.settings().max_attempts, 5);
        readings().await;
        assert_eq!(log.take(), "");
    }
    fs::remove_file(file.path()).unwrap();
    readings().await;
    let logged = log.take();
    assert!(logged.contains("can't be read: "), "{logged}");
    assert_eq!(retrier.settings().max_attempts, 5);
    assert_eq!(applied.load(Relaxed), 2, "the start, and the file that only the retrier refused");

    file.write("max_attempts = 6");
    readings().await;
    assert_eq!(retrier.settings().max_attempts, 6, "a correct file is applied again");
}

#[tokio::test(start_paused = true)]
async fn file_that_became_empty_is_refused_and_logged_each_minute() {
    let (log, _guard) = Log::start();
    let file = Temporary::new("empty", "max_attempts = 5");
    let (retrier, applied, reloading) = following(&file);
    for empty in ["", " \n\n", "\u{feff}"] {
        file.write(empty);
        sleep(10 * 60_000 * MS).await;
        assert_eq!((retrier.settings().max_attempts, applied.load(Relaxed)), (5, 1), "{empty:?}");
        let logged = log.take();
        assert!((10..=11).contains(&logged.matches("WARN").count()), "once a minute: {logged}");
        assert!(logged.contains("is empty, while settings from it are in force"), "{logged}");
        let snapshot = reloading.snapshot();
        assert!(snapshot.error.unwrap().to_string().contains("is empty"));
    }
    file.write("# The defaults.");
    readings().await;
    assert_eq!((retrier.settings().max_attempts, applied.load(Relaxed)), (3, 2), "a comment means the defaults");
    assert_eq!(reloading.snapshot().refused, 3);
}

#[tokio::test(start_paused = true)]
async fn empty_file_at_the_start_means_the_defaults() {
    let file = Temporary::new("start-empty", "");
    let (retrier, _, _reloading) = following(&file);
    file.write("max_attempts = 5");
    readings().await;
    assert_eq!(retrier.settings().max_attempts, 5);
}

#[tokio::test(start_paused = true)]
async fn panic_of_the_closure_does_not_end_the_reloading() {
    let (log, _guard) = Log::start();
    let file = Temporary::new("panic", "max_attempts = 5");
    let retrier = Retrier::new("orders");
    let handle = retrier.clone();
    let apply = move |settings: RetrySettings| {
        assert!(settings.max_attempts < 6, "secret");
        handle.reconfigure(settings)
    };
    let reloading = Reloader::new(Sources::file(file.path())).start(apply).unwrap();
    file.write("max_attempts = 7");
    readings().await;
    let logged = log.take();
    assert!(logged.contains("WARN") && logged.contains("the closure that applies the settings panicked"), "{logged}");
    assert!(!logged.contains("secret"), "{logged}");
    file.write("max_attempts = 4");
    readings().await;
    assert_eq!(retrier.settings().max_attempts, 4);
    let snapshot = reloading.snapshot();
    assert_eq!((snapshot.applied, snapshot.refused), (2, 1));
    let written = serde_json::to_value(&snapshot).unwrap();
    assert!(written["age"].is_f64() && written["error"].is_null(), "{written}");
}

/// On one worker, which the closure of an earlier version blocked.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn closure_that_blocks_its_thread_delays_no_other_task() {
    let file = Temporary::new("blocks", "max_attempts = 5");
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let (blocks, is_blocking) = tokio::sync::oneshot::channel();
    let (blocked, mut blocks) = (Mutex::new(blocked), Some(blocks));
    let apply = move |settings: RetrySettings| {
        if settings.max_attempts == 6 {
            let _ = blocks.take().map(|blocks| blocks.send(()));
            let _ = blocked.lock().unwrap().recv();
        }
        Ok(())
    };
    let reloading = Reloader::new(Sources::file(file.path())).every(MS).start(apply).unwrap();
    file.write("max_attempts = 6");
    is_blocking.await.unwrap();
    tokio::spawn(sleep(MS)).await.unwrap();
    drop((unblock, reloading));
}

#[tokio::test(start_paused = true)]
async fn last_result_is_shown() {
    let file = Temporary::new("result", "max_attempts = 5");
    let (_, _, reloading) = following(&file);
    let status = reloading.subscribe();
    assert_eq!((status.get().level, reloading.snapshot().applied), (Level::Healthy, 1));
    file.write("max_attempts = 0");
    readings().await;
    let snapshot = reloading.snapshot();
    let error = snapshot.error.unwrap();
    assert_eq!((error.line(), snapshot.refused), (Some(1), 1));
    assert_eq!(status.get().level, Level::Degraded);
    assert_eq!(status.get().reason, format!("settings not reloaded: {error}"));
    assert!(format!("{reloading:?}").contains("max_attempts"));
    file.write("max_attempts = 6");
    readings().await;
    let snapshot = reloading.snapshot();
    assert_eq!((snapshot.applied, snapshot.error, status.get().level), (2, None, Level::Healthy));
    drop(reloading);
}

#[tokio::test(start_paused = true)]
async fn wrong_file_at_start_is_returned_as_error() {
    let file = Temporary::new("start", "max_attempts = 0");
    let start = |sources| Reloader::new(sources).start(|settings: RetrySettings| settings.validate());
    let error = start(Sources::file(file.path())).unwrap_err();
    assert_eq!((error.line(), error.setting().unwrap().field()), (Some(1), "max_attempts"));
    let outside = std::thread::spawn(move || start(Sources::none()).unwrap_err().to_string());
    assert!(outside.join().unwrap().starts_with("can't follow a file: "), "no runtime, no panic");
}

#[tokio::test(start_paused = true)]
async fn dropped_reloader_stops() {
    let file = Temporary::new("dropped", "max_attempts = 5");
    let (retrier, applied, reloading) = following(&file);
    drop(reloading);
    file.write("max_attempts = 6");
    readings().await;
    assert_eq!(retrier.settings().max_attempts, 5);
    assert_eq!(Arc::strong_count(&applied), 1, "the closure and its handle were dropped");
}

/// Requests in flight keep their settings; later requests get the new ones.
#[tokio::test(start_paused = true)]
async fn windows_permits_and_timers_survive_a_reload() {
    let (log, _guard) = Log::start();
    let good = "[stack]\nfailover.second_attempt = 'off'\nfailover.window.last_calls = 60\nbulkhead.limit = 4\nretry.max_attempts = 1\n";
    let file = Temporary::new("stack", good);
    let sources = Sources::file(file.path()).table("stack");
    // Answers after the requested number of milliseconds.
    let primary = service_fn(|millis: u64| async move {
        sleep(Duration::from_millis(millis)).await;
        Ok::<_, io::Error>(millis)
    });
    let settings: StandardSettings = sources.read(StandardSettings::validate).unwrap();
    let orders = Standard::new("orders", [Endpoint::new("primary", primary)], settings).unwrap();
    let (handles, followed) = (orders.handles().clone(), orders.handles().clone());
    let apply = move |settings: StandardSettings| followed.reconfigure(&settings);
    let _reloading = Reloader::new(sources).start(apply).unwrap();
    let orders = orders.build();
    for _ in 0..5 {
        orders.clone().oneshot(0).await.unwrap();
    }
    let (start, long) = (Instant::now(), tokio::spawn(orders.clone().oneshot(8_000)));
    let hung = tokio::spawn(orders.clone().oneshot(3_600_000));
    sleep(MS).await;

    file.write(&format!("{good}retry.attempt_quota = 9\nattempt_timeout = '2s'"));
    readings().await;
    assert!(log.take().contains("attempt_timeout: (default) -> 2s, retry.attempt_quota: (default) -> 9"));
    let limit = handles.endpoints[0].limit.snapshot();
    assert_eq!((limit.in_flight, limit.permitted), (2, 7), "permits in use stay in use");
    assert_eq!(handles.failover.snapshot().endpoints[0].breaker.successes, 5, "the window keeps its calls");
    // A new request has the new timeout, an earlier one the old timeout.
    let now = Instant::now();
    let error = orders.clone().oneshot(8_000).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::AttemptTimeout);
    assert_eq!(now.elapsed(), 2_000 * MS);
    assert_eq!(long.await.unwrap().unwrap(), 8_000, "8 s is within the 10 s that were in force when it started");
    assert_eq!(start.elapsed(), 8_000 * MS);
    hung.await.unwrap().unwrap_err();
    assert_eq!(start.elapsed(), 10_000 * MS, "its timer was kept");
    assert_eq!(handles.endpoints[0].limit.snapshot().in_flight, 0);

    // A setting that can't change live is named, and the rest of the file is not applied.
    log.take();
    file.write(&good.replace("60", "80").replace("limit = 4", "limit = 9"));
    readings().await;
    let logged = log.take();
    assert!(logged.contains(":3: stack.failover.window = "), "{logged}");
    assert!(logged.contains("can't change on a live breaker"), "{logged}");
    assert_eq!(handles.endpoints[0].limit.snapshot().limit, 4);
    assert_eq!(handles.endpoints[0].attempt.get(), 2_000 * MS);
}
