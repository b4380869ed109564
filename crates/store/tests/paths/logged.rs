//! What an outage writes to the log.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use mainstay_store::{RequestPath, RequestPathSettings, Storage, StorageErrorKind, Store};
use tokio::time::sleep;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::scripted::{Behaviour, Scripted};

const MS: Duration = Duration::from_millis(1);

/// Collects the messages of the events at info and above.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Visit for Lines {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
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

#[tokio::test(start_paused = true)]
async fn outage_is_logged_by_one_line_and_its_end_by_another() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let scripted = Scripted::new();
    let storage: Arc<dyn Storage> = scripted.clone();
    let path = RequestPath::new("path", &Store::new(storage), RequestPathSettings::default()).unwrap();
    let store = path.store();
    scripted.becomes(Behaviour::Hangs);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        calls.spawn(async move { store.exists("key").await.unwrap_err().kind() });
    }
    assert_eq!(calls.join_all().await, [StorageErrorKind::Timeout; 100]);
    scripted.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    for _ in 0..60 {
        store.exists("key").await.unwrap_err();
        sleep(1_000 * MS).await;
    }
    scripted.becomes(Behaviour::Works);
    sleep(2_000 * MS).await;
    let lines = lines.0.lock().unwrap().clone();
    let lost = "the storage is lost: calls go on without it until it answers a ping";
    assert_eq!(lines, [lost, "the storage is back"]);
}
