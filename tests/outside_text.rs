//! Text from outside (names, reasons, errors of backends) cannot forge a line of a log or control a terminal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    fmt::{Debug, Display},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, KeyedLimits, Limit, LimitRegistry};
use mainstay_circuit_breaker::{Breaker, BreakerRegistry, KeyedBreakers};
use mainstay_core::{BoxError, InvalidSetting, Level, Outcome, Reason, Rejected, Status, StatusSender, classify_fn};
use mainstay_drain::{Cause, Drain, RequestCounts};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, ProbeOutcome, ProbeSettings, stack::Standard};
use mainstay_fallback::FallbackLayer;
use mainstay_health::{Check, Health};
use mainstay_http::probe::HttpProbeError;
use mainstay_retry::{Retrier, RetryLayer};
use mainstay_store::{
    RequestPath, RequestPathSettings, StorageError, StorageErrorKind, Store, WriteBehind, WriteBehindSettings,
};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use tower::{Layer, ServiceExt, service_fn};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const HOSTILE: &str = "x\nINFO all is well\r\u{1b}[2J\u{9b}31m\u{2028}\u{202e}y";

fn is_hostile(text: &str) -> bool {
    text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}'))
}

/// Collects the fields of all events as a plain formatter writes them: text that is recorded as a text in quotes, and
/// everything else as it formats itself.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Visit for Lines {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.lock().unwrap().push(format!("{field}={value:?}"));
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mainstay")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Lines {
    /// Checks that there was an event that has the text, and that none has a control character.
    fn check(&self, what: &str) {
        let lines = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(lines.iter().any(|line| line.contains("all is well")), "{what}: not logged: {lines:#?}");
        let forged: Vec<_> = lines.iter().filter(|line| is_hostile(line)).collect();
        assert!(forged.is_empty(), "{what}: {forged:#?}");
    }
}

fn shown(what: &str, text: impl Display) {
    let text = text.to_string();
    assert!(text.contains("all is well") && !is_hostile(&text), "{what}: {text:?}");
}

fn failing() -> impl tower::Service<u32, Response = u32, Error = BoxError, Future: Send> + Clone + Send {
    service_fn(|_: u32| async { Err::<u32, _>(BoxError::from(HOSTILE)) })
}

#[tokio::test(start_paused = true)]
async fn names_reasons_and_errors_are_logged_and_shown_without_control_characters() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());

    let breaker = Breaker::new(HOSTILE);
    breaker.trip(HOSTILE);
    breaker.force_open(HOSTILE);
    breaker.reset(HOSTILE);
    lines.check("breaker");
    for change in breaker.transitions() {
        shown(
            "actor or reason",
            format_args!("{} {} all is well", change.actor, mainstay_core::escaped(change.reason)),
        );
    }
    breaker.trip(HOSTILE);
    shown("refusal by a breaker", breaker.try_acquire().unwrap_err());
    shown("status of a breaker", breaker.subscribe().get());
    let keyed = KeyedBreakers::new(HOSTILE);
    keyed.get(&HOSTILE).trip(HOSTILE);
    keyed.reset_all(HOSTILE);
    BreakerRegistry::new().get(HOSTILE).trip(HOSTILE);
    lines.check("keyed breakers");

    let limit = Limit::new(HOSTILE, 1).unwrap();
    let permit = limit.try_acquire().unwrap();
    shown("refusal by a bulkhead", limit.try_acquire().unwrap_err());
    let layer: BulkheadLayer = BulkheadLayer::with(limit);
    layer.layer(failing()).oneshot(1).await.unwrap_err();
    drop(permit);
    let limits = LimitRegistry::new();
    let _held: Vec<_> = std::iter::from_fn(|| limits.get(HOSTILE).try_acquire().ok()).collect();
    let keyed = KeyedLimits::new(HOSTILE, 1).unwrap();
    let _held = keyed.try_acquire(&HOSTILE).unwrap();
    shown("refusal of a key", keyed.try_acquire(&HOSTILE).unwrap_err());
    lines.check("bulkheads");

    let layer: RetryLayer = RetryLayer::with(Retrier::new(HOSTILE));
    layer.layer(failing()).oneshot(1).await.unwrap_err();
    lines.check("retry");

    let limit = TimeLimit::attempt(HOSTILE, Duration::from_millis(1)).unwrap();
    let layer: TimeoutLayer = TimeoutLayer::with(limit);
    let hangs = service_fn(|_: u32| std::future::pending::<Result<u32, BoxError>>());
    shown("refusal by a timeout", layer.layer(hangs).oneshot(1).await.unwrap_err());

    let layer = FallbackLayer::backup(HOSTILE, failing());
    layer.layer(failing()).oneshot(1).await.unwrap_err();
    lines.check("fallback");

    failover(&lines).await;
    health_and_drain(&lines).await;
    store(&lines).await;

    for reason in [Reason::Draining, Reason::NoHealthyEndpoint] {
        shown("refusal", Rejected::new(reason, HOSTILE));
    }
    shown("setting", InvalidSetting::new(HOSTILE, HOSTILE, HOSTILE).of(HOSTILE));
    shown("status", Status::new(Level::Unhealthy, HOSTILE));
    for outcome in [ProbeOutcome::unhealthy(HOSTILE), ProbeOutcome::Out { reason: HOSTILE.into() }] {
        shown("outcome of a probe", outcome);
    }
    for error in [HttpProbeError::Unhealthy { reason: HOSTILE.into() }, HttpProbeError::Out { reason: HOSTILE.into() }]
    {
        shown("error of a probe", error);
    }
}

async fn failover(lines: &Lines) {
    let probed = |name: String| {
        Endpoint::new(name, failing()).with_probe(|| async { ProbeOutcome::Out { reason: HOSTILE.into() } })
    };
    let endpoints = [probed(format!("{HOSTILE}1")), probed(format!("{HOSTILE}2"))];
    let probe = ProbeSettings { max_retries: 0, ..ProbeSettings::default() };
    let settings = FailoverSettings { probe, ..FailoverSettings::default() };
    let failover: Failover<_, _, _> = Failover::with_settings(HOSTILE, endpoints, settings)
        .unwrap()
        .with_policy(classify_fn(|_: Result<&u32, &BoxError>| Outcome::Success));
    let handle = failover.handle().clone();
    handle.take_out(&format!("{HOSTILE}1"), HOSTILE).unwrap();
    lines.check("an endpoint that is taken out");
    handle.force(&format!("{HOSTILE}1"), HOSTILE).unwrap();
    shown("snapshot of a failover", handle.snapshot());
    handle.automatic(HOSTILE);
    handle.check_now().await;
    lines.check("probes and operators");
    shown("snapshot of a failover", handle.snapshot());
    shown("status of a failover", handle.subscribe().get());
    for change in handle.transitions() {
        shown("change of route", change);
    }
    shown("unknown endpoint", handle.force(&format!("{HOSTILE}3"), HOSTILE).unwrap_err());
    let same = [Endpoint::new(HOSTILE, failing()), Endpoint::new(HOSTILE, failing())];
    shown("two endpoints of one name", Standard::new(HOSTILE, same, Default::default()).unwrap_err());
}

async fn health_and_drain(lines: &Lines) {
    let drain = Drain::new();
    drain.on_shutdown(HOSTILE, Duration::from_secs(1), std::future::pending);
    let component = StatusSender::new(Status::new(Level::Unhealthy, HOSTILE));
    let health = Health::builder()
        .check(Check::new(HOSTILE, || async { Err::<(), _>(HOSTILE) }).critical())
        .component(format!("{HOSTILE}component"), component.subscribe())
        .drain(&drain)
        .build()
        .unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    health.declare_dead(HOSTILE);
    lines.check("health");
    shown("why a process is not ready", health.snapshot().not_ready.unwrap());
    drain.begin(Cause::Interrupt);
    shown("report of a drain", drain.finish(RequestCounts::default()).await);
    lines.check("drain");
}

async fn store(lines: &Lines) {
    let path = RequestPath::new(HOSTILE, &Store::memory(), RequestPathSettings::default()).unwrap();
    let hostile = || StorageError::new(StorageErrorKind::Unreachable, HOSTILE);
    shown("error of a storage", path.run(async { Err::<(), _>(hostile()) }).await.unwrap_err());
    shown("status of a storage", path.subscribe().get());
    lines.check("a storage that is lost");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(path.subscribe().get().level, Level::Healthy);
    lines.check("a storage that is back");
    let full = WriteBehindSettings { max_waiting: 1, ..WriteBehindSettings::default() };
    let writes = WriteBehind::new(HOSTILE, &Store::memory(), full).unwrap();
    (0..9).for_each(|key| writes.set(&format!("{HOSTILE}{key}"), "", Duration::from_secs(1)).unwrap());
    lines.check("writes that were dropped");
    let invalid = Store::memory().set(&HOSTILE.repeat(100), "", Duration::from_secs(1)).await;
    assert!(!is_hostile(&invalid.unwrap_err().to_string()));
}

/// What a tracing field or a message may format by `Display` (`%field`): types whose `Display` escapes, and types with
/// fixed texts. Everything else is written as `%escaped(..)`.
const SAFE: &[&str] = &[
    // `Name`
    "author",
    "breaker.name()",
    "check",
    "endpoint",
    "hook",
    "inner.name",
    "name",
    "registry.name(index)",
    "self.0.name",
    "self.name",
    "shared.name",
    "stack",
    "step.name()",
    // `Actor`, `InvalidSetting`, `ProbeOutcome`, `Rejected`, `Transition`
    "actor",
    "change",
    "outcome",
    "rejected",
    // Enums and addresses
    "address",
    "cause",
    "from",
    "level",
    "mode",
    "phase",
    "retry/src/decision.rs: reason",
    "to",
];

/// Finds fields that are logged by `Display` without an escape.
#[test]
fn every_logged_text_is_escaped() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut unsafe_fields = Vec::new();
    for file in ["crates", "examples"].iter().flat_map(|folder| sources(&root.join(folder))) {
        let text = fs::read_to_string(&file).unwrap();
        for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
            for event in text.split(level).skip(1) {
                let event = &event[..event.find(");").unwrap_or(event.len())];
                let fields = event.split('%').skip(1).map(|field| field.split([',', '\n', '"']).next().unwrap().trim());
                let is_listed = |safe: &&str, field: &str| match safe.split_once(": ") {
                    Some((only, safe)) => safe == field && file.ends_with(only),
                    None => *safe == field,
                };
                let is_safe =
                    |field: &str| field.starts_with("escaped(") || SAFE.iter().any(|safe| is_listed(safe, field));
                let found = fields.filter(|field| !is_safe(field));
                unsafe_fields.extend(found.map(|field| format!("{}: %{field}", file.display())));
            }
        }
    }
    assert!(unsafe_fields.is_empty(), "write %escaped(..), or list the field with its type: {unsafe_fields:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true if entry.ends_with("tests") || entry.ends_with("target") => {}
            true => found.extend(sources(&entry)),
            false if entry.extension().is_some_and(|extension| extension == "rs") => found.push(entry),
            false => {}
        }
    }
    found
}
