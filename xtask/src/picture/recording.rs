//! The recording of a run, and what can be derived from it. All times are seconds since its start.

/// A run of the gateway.
pub(super) struct Recording {
    pub(super) length: f64,
    /// Requests per second.
    pub(super) rate: u32,
    /// When the fault of the primary was set and cleared.
    pub(super) fault: (f64, f64),
    /// In the order of sending.
    pub(super) requests: Vec<Request>,
    /// In the order of reading.
    pub(super) samples: Vec<Sample>,
}

/// One request of a client.
pub(super) struct Request {
    pub(super) at: f64,
    pub(super) took: f64,
    /// `None` if there was no response.
    pub(super) status: Option<u16>,
    pub(super) served_by: String,
}

/// One reading of `/status.json`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) at: f64,
    pub(super) active: String,
    /// The number of changes of the active endpoint.
    pub(super) epoch: u64,
    pub(super) reason: String,
    /// Whether the primary is held.
    pub(super) hold: bool,
    /// Consecutive successful probes of the primary: seen and required.
    pub(super) gate: Option<(u64, u64)>,
    pub(super) missing: String,
}

/// A period with a constant value.
#[derive(Debug, PartialEq)]
pub(super) struct Span<T> {
    pub(super) from: f64,
    pub(super) until: f64,
    pub(super) what: T,
}

// === impl Recording ===

impl Recording {
    /// Returns the samples after each change of the active endpoint.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Sample> {
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        pairs.filter(|(before, after)| before.epoch != after.epoch).map(|(_, after)| after)
    }

    /// Returns the requests sent while the broken primary was the active endpoint and answered by another endpoint.
    pub(super) fn rescued(&self) -> impl Iterator<Item = &Request> {
        let left = self.changes().map(|change| change.at).find(|at| *at > self.fault.0).unwrap_or(self.fault.1);
        let exposed = self.requests.iter().filter(move |request| self.fault.0 <= request.at && request.at < left);
        exposed.filter(|request| !request.failed() && request.served_by != "primary")
    }

    pub(super) fn holds(&self) -> Vec<Span<()>> {
        self.spans(|sample| sample.hold.then_some(()))
    }

    pub(super) fn gates(&self) -> Vec<Span<(u64, u64)>> {
        self.spans(|sample| sample.gate)
    }

    /// Merges neighbouring samples with the same value.
    fn spans<T: PartialEq>(&self, what: impl Fn(&Sample) -> Option<T>) -> Vec<Span<T>> {
        let mut spans: Vec<Span<T>> = Vec::new();
        let mut open = false;
        for sample in &self.samples {
            // The previous value holds until this sample.
            if let Some(last) = spans.last_mut().filter(|_| open) {
                last.until = sample.at;
            }
            let now = what(sample);
            open = now.is_some();
            if let Some(what) = now
                && spans.last().is_none_or(|last| last.what != what || last.until < sample.at)
            {
                spans.push(Span { from: sample.at, until: sample.at, what });
            }
        }
        spans
    }
}

// === impl Request ===

impl Request {
    pub(super) fn failed(&self) -> bool {
        self.status.is_none_or(|status| status >= 400)
    }
}

/// Returns whether the change from `before` to `after` is worth a line of output.
pub(super) fn changed(before: &Sample, after: &Sample) -> bool {
    (before.epoch, before.hold, before.gate) != (after.epoch, after.hold, after.gate)
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Recording, Request, Sample, Span};

    /// One sample and one request a second: a fault from 2 to 5, a failover at 3, one second of hold, a gate of two probes.
    pub(in crate::picture) fn recording() -> Recording {
        let sample = |at: f64, active: &str, epoch, reason: &str, hold, gate| Sample {
            at,
            active: active.into(),
            epoch,
            reason: reason.into(),
            hold,
            gate,
            missing: String::new(),
        };
        let (left, back) = ("primary: 2 failures in a row", "primary: 2 probes <in> a row");
        let samples = vec![
            sample(1.0, "primary", 0, "start", false, None),
            sample(2.0, "primary", 0, "start", false, None),
            sample(3.0, "backup", 1, left, true, Some((0, 2))),
            sample(4.0, "backup", 1, left, false, Some((0, 2))),
            sample(5.0, "backup", 1, left, false, Some((1, 2))),
            sample(6.0, "primary", 2, back, false, None),
        ];
        let request = |at: f64, took, status, by: &str| Request { at, took, status, served_by: by.into() };
        let requests = vec![
            request(1.0, 0.001, Some(200), "primary"),
            request(2.5, 0.25, Some(200), "backup"),
            request(3.0, 0.002, Some(503), "gateway"),
            request(4.0, 0.002, Some(200), "backup"),
            request(6.5, 0.001, Some(200), "primary"),
        ];
        Recording { length: 7.0, rate: 1, fault: (2.0, 5.0), requests, samples }
    }

    #[test]
    fn changes_have_reasons() {
        let recording = recording();
        let found: Vec<_> = recording.changes().map(|it| (it.at, it.active.as_str(), it.reason.as_str())).collect();
        let expected =
            [(3.0, "backup", "primary: 2 failures in a row"), (6.0, "primary", "primary: 2 probes <in> a row")];
        assert_eq!(found, expected);
    }

    #[test]
    fn request_sent_to_broken_primary_is_rescued() {
        let rescued: Vec<_> = recording().rescued().map(|request| request.at).collect();
        assert_eq!(rescued, [2.5]);
    }

    #[test]
    fn span_ends_at_the_next_different_sample() {
        let span = |from, until, what| Span { from, until, what };
        assert_eq!(recording().holds(), [Span { from: 3.0, until: 4.0, what: () }]);
        assert_eq!(recording().gates(), [span(3.0, 5.0, (0, 2)), span(5.0, 6.0, (1, 2))]);
    }

    #[test]
    fn error_status_and_no_response_are_failures() {
        let failed: Vec<_> = recording().requests.iter().map(Request::failed).collect();
        assert_eq!(failed, [false, false, true, false, false]);
        assert!(Request { at: 0.0, took: 0.0, status: None, served_by: String::new() }.failed());
    }
}
