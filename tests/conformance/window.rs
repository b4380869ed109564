//! Vectors of the window. A `Window` counts one kind of hit, so that three of them are needed.

use std::time::Duration;

use mainstay_core::{Tally, Window};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

struct Windows {
    failed: Window,
    slow: Window,
    slow_failed: Window,
}

pub(crate) async fn run(vector: &Vector) -> Check {
    let mut check = Check::default();
    let windows = Windows::new(vector.config());
    for (number, step) in vector.steps() {
        match step.text("op") {
            Some("record") => windows.record(step.text("outcome").unwrap()),
            Some("advance") => advance(step.millis("ms").unwrap()).await,
            Some("snapshot") => {}
            other => panic!("unknown op {other:?}"),
        }
        check.expect_all(number, &step["expect"], |key| windows.show(key));
    }
    check
}

impl Windows {
    fn new(config: &Value) -> Self {
        let window = || match config.text("type") {
            Some("count") => Window::last_calls(config.count("size")),
            // The source has one slice a second.
            Some("time") => {
                let seconds = config.count("seconds");
                Window::last_in_slices(Duration::from_secs(seconds.into()), seconds)
            }
            Some("polly_rolling") => {
                Window::last_in_slices(config.millis("sampling_ms").unwrap(), config.count("windows"))
            }
            other => panic!("unknown window {other:?}"),
        };
        Self { failed: window(), slow: window(), slow_failed: window() }
    }

    fn record(&self, outcome: &str) {
        let (failed, slow) = (outcome.ends_with("error"), outcome.starts_with("slow"));
        let hits = [(&self.failed, failed), (&self.slow, slow), (&self.slow_failed, slow && failed)];
        for (window, hit) in hits {
            let _tally = window.record(hit, 0, Instant::now);
        }
    }

    /// Returns the value of a key; `None` for those in `unsupported.rs`.
    fn show(&self, key: &str) -> Option<Value> {
        let tally = |window: &Window| window.tally(Instant::now);
        let percent = |tally: Tally| tally.rate(1).map_or(json!(-1), |rate| json!(rate * 100.0));
        Some(match key {
            "calls" => tally(&self.failed).calls.into(),
            "failed" => tally(&self.failed).hits.into(),
            "slow" => tally(&self.slow).hits.into(),
            "slow_failed" => tally(&self.slow_failed).hits.into(),
            "failure_rate" => percent(tally(&self.failed)),
            "slow_rate" => percent(tally(&self.slow)),
            "total_ms" | "average_ms" => return None,
            other => panic!("unknown key {other}"),
        })
    }
}
