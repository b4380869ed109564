//! The phases of a drain on a paused clock, without a server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_drain::{Cause, Drain, DrainReport, DrainSettings, Phase, RequestCounts};
use tokio::time::{Instant, sleep};

const S: Duration = Duration::from_secs(1);

fn settings(delay: u32, timeout: u32) -> DrainSettings {
    DrainSettings { drain_delay: delay * S, drain_timeout: timeout * S }
}

/// Returns when `Closing` and `Finishing` were reached, in seconds after `start`.
async fn timeline(drain: &Drain, start: Instant) -> [f64; 2] {
    drain.reached(Phase::Closing).await;
    let closing = start.elapsed().as_secs_f64();
    drain.reached(Phase::Finishing).await;
    [closing, start.elapsed().as_secs_f64()].map(|time| (time * 10.0).round() / 10.0)
}

#[tokio::test(start_paused = true)]
async fn sigterm_waits_for_the_delay_and_sigint_does_not() {
    for (cause, expected) in
        [(Cause::Terminate, [5.0, 25.0]), (Cause::Requested, [5.0, 25.0]), (Cause::Interrupt, [0.0, 20.0])]
    {
        let drain = Drain::new();
        assert_eq!(drain.phase(), Phase::Serving);
        let start = Instant::now();
        assert!(drain.begin(cause));
        assert!(drain.is_draining());
        assert_eq!(timeline(&drain, start).await, expected, "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn second_begin_changes_nothing() {
    let drain = Drain::new();
    let start = Instant::now();
    assert!(drain.begin(Cause::Terminate));
    sleep(S).await;
    assert!(!drain.begin(Cause::Terminate) && !drain.begin(Cause::Interrupt));
    assert_eq!(timeline(&drain, start).await, [5.0, 25.0]);
}

#[tokio::test(start_paused = true)]
async fn skip_phase_ends_only_the_current_phase() {
    let drain = Drain::new();
    drain.skip_phase();
    assert_eq!(drain.phase(), Phase::Serving, "no effect before the drain begins");
    let start = Instant::now();
    drain.begin(Cause::Terminate);
    sleep(S).await;
    drain.skip_phase();
    assert_eq!(drain.phase(), Phase::Closing);
    assert_eq!(timeline(&drain, start).await, [1.0, 21.0]);

    let drain = Drain::new();
    let start = Instant::now();
    drain.begin(Cause::Terminate);
    drain.reached(Phase::Closing).await;
    sleep(S).await;
    drain.skip_phase();
    assert_eq!(timeline(&drain, start).await, [6.0, 6.0]);
}

#[tokio::test(start_paused = true)]
async fn settings_apply_after_signal_handlers_are_installed() {
    let drain = Drain::on_signals().unwrap();
    drain.reconfigure(settings(1, 2)).unwrap();
    let error = drain.reconfigure(DrainSettings { drain_timeout: Duration::MAX, ..settings(1, 2) }).unwrap_err();
    assert_eq!(error.field(), "drain_timeout");
    let start = Instant::now();
    drain.begin(Cause::Terminate);
    assert_eq!(timeline(&drain, start).await, [1.0, 3.0]);
}

#[test]
fn signal_handlers_without_runtime_are_an_error() {
    assert!(Drain::on_signals().is_err());
}

type Log = Arc<Mutex<Vec<&'static str>>>;

fn hook(drain: &Drain, log: &Log, name: &'static str, takes: Duration) {
    let log = Arc::clone(log);
    drain.on_shutdown(name, 2 * S, move || async move {
        sleep(takes).await;
        log.lock().unwrap().push(name);
    });
}

#[tokio::test(start_paused = true)]
async fn hooks_run_in_reverse_order_each_with_its_own_limit() {
    let (drain, log) = (Drain::new(), Log::default());
    hook(&drain, &log, "pool", S);
    hook(&drain, &log, "stuck", 60 * S);
    drain.on_shutdown("panics", S, || async { panic!("no") });
    hook(&drain, &log, "queue", S);
    let start = Instant::now();
    let report = drain.finish(RequestCounts { accepted: 3, completed: 3, ..RequestCounts::default() }).await;
    assert_eq!(*log.lock().unwrap(), ["queue", "pool"]);
    assert_eq!(report.unfinished_hooks, ["panics", "stuck"]);
    assert_eq!(start.elapsed().as_secs(), 4);
    assert!(!report.is_clean());
    assert_eq!(report.to_string(), "accepted 3, completed 3, aborted 0, refused 0; hooks not finished: panics, stuck");
    assert_eq!(drain.phase(), Phase::Done);
}

/// The thread cannot be stopped, but the drain ends, on a runtime with one worker, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hook_that_blocks_its_thread_is_given_up() {
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let drain = Drain::new();
    drain.on_shutdown("stuck", Duration::from_millis(10), || async move {
        let _ = blocked.recv();
    });
    let finish = tokio::spawn(async move { drain.finish(RequestCounts::default()).await });
    let report = tokio::time::timeout(20 * S, finish).await.unwrap().unwrap();
    assert_eq!(report.unfinished_hooks, ["stuck"]);
    drop(unblock);
}

#[tokio::test(start_paused = true)]
async fn skip_phase_during_hooks_abandons_the_remaining_ones() {
    let (drain, log) = (Drain::new(), Log::default());
    hook(&drain, &log, "first", S);
    hook(&drain, &log, "second", S);
    let (report, ()) = tokio::join!(drain.finish(RequestCounts::default()), async {
        sleep(S / 2).await;
        drain.skip_phase();
    });
    assert!(log.lock().unwrap().is_empty());
    assert_eq!(report.unfinished_hooks, ["second", "first"]);
}

#[test]
fn exit_code_is_zero_only_if_nothing_was_aborted() {
    let code = |report: &DrainReport| format!("{:?}", report.exit_code());
    let mut report = DrainReport::default();
    assert_eq!(code(&report), format!("{:?}", std::process::ExitCode::SUCCESS));
    report.requests.aborted = 1;
    assert_eq!(code(&report), format!("{:?}", std::process::ExitCode::FAILURE));
    report.requests.aborted = 0;
    report.unfinished_hooks.push("flush".into());
    assert_eq!(code(&report), format!("{:?}", std::process::ExitCode::FAILURE));
}
