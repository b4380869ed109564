//! What is logged at info and above: the level of each line, and what it names.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{Fate, Script, endpoints, settings};
use mainstay_failover::{Failover, FailoverState};
use tokio::time::sleep;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const SECOND: Duration = Duration::from_secs(1);

/// Collects each event at info and above as a line: its level, and its fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("mainstay_failover")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Lines {
    /// Returns the levels of the lines with this text.
    fn levels(&self, text: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        let with = lines.iter().filter(|line| line.contains(text));
        with.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }
}

/// Defect: the switch from the second backup to the first one was a warning.
#[tokio::test(start_paused = true)]
async fn return_towards_the_primary_is_no_warning() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let scripts = ["primary", "backup", "backup-2"].map(Script::new);
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    let handle = failover.handle();
    handle.take_out("primary", "maintenance").unwrap();
    scripts[0].set(Fate::Fail);
    scripts[1].set(Fate::Fail);
    handle.check_now().await;
    assert_eq!(handle.snapshot().active.unwrap(), "backup-2");
    assert_eq!(lines.levels("switched to a backup"), ["WARN", "WARN"]);
    scripts[1].set(Fate::Answer);
    sleep(60 * SECOND).await;
    assert_eq!(handle.snapshot().active.unwrap(), "backup");
    assert_eq!(lines.levels("back on an earlier backup"), ["INFO"]);
    scripts[0].set(Fate::Answer);
    handle.watch().wait_for(|state| *state == FailoverState::OnPrimary).await.unwrap();
    assert_eq!(lines.levels("back on the primary"), ["INFO"]);
    assert_eq!(lines.levels("switched to a backup").len(), 2);
}

/// Defect: the log did not say that a backup was down.
#[tokio::test(start_paused = true)]
async fn backup_that_is_down_is_a_warning_until_it_gives_cover_again() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let scripts = ["primary", "backup"].map(Script::new);
    let failover = Failover::with_settings("x", endpoints(&scripts), settings()).unwrap();
    scripts[1].set(Fate::Fail);
    sleep(100 * SECOND).await;
    assert_eq!(lines.levels("it gives no cover"), ["WARN"]);
    assert_eq!(lines.levels("\"the first probe: unhealthy: scripted\""), ["WARN"]);
    scripts[1].set(Fate::Answer);
    sleep(60 * SECOND).await;
    assert_eq!(lines.levels("gives cover again"), ["INFO"]);
    assert_eq!(lines.levels("it gives no cover").len(), 1);
    drop(failover);
}
