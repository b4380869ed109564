//! The plan of a run: the gateways' settings, and the primary's faults.

use std::time::Duration;

/// The plan of a run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The gateways' settings that differ from their defaults.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// The primary's faults, with their times from the start.
    pub(crate) faults: &'static [(Duration, Fault)],
    /// The shortest time of a run. It then ends when all replicas are back on the primary.
    pub(crate) length: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The primary answers every request with 500.
    Fails,
    /// The primary accepts requests and does not answer.
    Silent,
    /// The primary works.
    Recovers,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Half a minute: an outage, a relapse during the hold, and a longer hold after a second outage.
pub(crate) const STANDARD: Plan = Plan {
    settings: &[
        ("BACKEND_HEALTH_TIMEOUT_SECONDS", "0.3"),
        ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "1"),
        ("BACKEND_HEALTH_PROBE_MAX_RETRIES", "0"),
        ("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "4"),
        ("ATTEMPT_TIMEOUT_SECONDS", "2"),
        ("REQUEST_TIMEOUT_SECONDS", "5"),
    ],
    faults: &[
        (ms(2_000), Fault::Fails),
        (ms(3_200), Fault::Recovers),
        (ms(4_400), Fault::Fails),
        (ms(5_500), Fault::Recovers),
        (ms(12_000), Fault::Silent),
        (ms(14_000), Fault::Recovers),
    ],
    length: ms(22_500),
};

/// The same in a few seconds, without the relapse.
pub(crate) const QUICK: Plan = Plan {
    settings: &[
        ("BACKEND_HEALTH_TIMEOUT_SECONDS", "0.4"),
        ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "0.5"),
        ("BACKEND_HEALTH_PROBE_MAX_RETRIES", "0"),
        ("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "0.8"),
        ("ATTEMPT_TIMEOUT_SECONDS", "2"),
        ("REQUEST_TIMEOUT_SECONDS", "5"),
    ],
    faults: &[
        (ms(800), Fault::Fails),
        (ms(1_400), Fault::Recovers),
        (ms(3_300), Fault::Silent),
        (ms(4_300), Fault::Recovers),
    ],
    length: ms(5_500),
};

// === impl Fault ===

impl Fault {
    /// The body of the demo backend's `POST /demo/fault`.
    pub(crate) const fn body(self) -> &'static str {
        match self {
            Self::Fails => r#"{"fault":"fail"}"#,
            Self::Silent => r#"{"fault":"hang"}"#,
            Self::Recovers => r#"{"fault":"recover"}"#,
        }
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Fails => "fails: every answer is a 500",
            Self::Silent => "falls silent: accepts requests, answers none",
            Self::Recovers => "recovers",
        }
    }
}
