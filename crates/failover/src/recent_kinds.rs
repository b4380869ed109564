//! The kinds of the newest failures, for the reasons that operators read: "20 of 100 calls failed" does not say what to
//! look for.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use mainstay_core::{FailureKind, Outcome};

/// The kinds of the last 16 failures: a code of four bits for each, the newest in the lowest bits, 0 for none.
#[derive(Debug, Default)]
pub(crate) struct RecentKinds(AtomicU64);

/// The words of each code. A kind without words tells an operator nothing.
const WORDS: [&str; 8] =
    ["", "no connection", "connection broken", "timeout", "error answer", "authentication", "overload", ""];

fn code(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Failure { kind, .. } => Some(match kind {
            FailureKind::Connect => 1,
            FailureKind::Network => 2,
            FailureKind::Timeout => 3,
            FailureKind::Unavailable => 4,
            FailureKind::Authentication => 5,
            _ => 7,
        }),
        Outcome::Overloaded { .. } => Some(6),
        _ => None,
    }
}

// === impl RecentKinds ===

impl RecentKinds {
    /// Records the kind of a failure. Other outcomes change nothing.
    pub(crate) fn record(&self, outcome: &Outcome) {
        if let Some(code) = code(outcome) {
            // `update` never returns an error: the closure has a value for each word.
            let _ = self.0.fetch_update(Relaxed, Relaxed, |word| Some((word << 4) | code));
        }
    }

    pub(crate) fn reset(&self) {
        self.0.store(0, Relaxed);
    }

    /// Returns the text in parentheses, after a space; empty without a text.
    pub(crate) fn in_parentheses(&self) -> String {
        match self.to_string() {
            text if text.is_empty() => text,
            text => format!(" ({text})"),
        }
    }
}

/// The most frequent kind with its count; empty without failures, and if the kind is not known.
impl fmt::Display for RecentKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut counts, mut total, mut word) = ([0_u32; WORDS.len()], 0, self.0.load(Relaxed));
        while word != 0 {
            counts[(word & 0b111) as usize] += 1;
            total += 1;
            word >>= 4;
        }
        let most = counts.into_iter().zip(WORDS).max_by_key(|(count, _)| *count);
        match most {
            Some((0, _)) | None | Some((_, "")) => Ok(()),
            Some((count, words)) if count == total => f.write_str(words),
            Some((count, words)) => write!(f, "{words}: {count} of the last {total} failures"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_frequent_kind_of_the_last_sixteen_failures_is_named_with_its_count() {
        let (kinds, timeout) = (RecentKinds::default(), Outcome::failure(FailureKind::Timeout));
        assert_eq!((kinds.to_string(), kinds.in_parentheses()), Default::default());
        kinds.record(&Outcome::Success);
        kinds.record(&timeout);
        assert_eq!(kinds.in_parentheses(), " (timeout)");
        kinds.record(&timeout);
        kinds.record(&Outcome::overloaded(None));
        assert_eq!(kinds.to_string(), "timeout: 2 of the last 3 failures");
        (0..15).for_each(|_| kinds.record(&Outcome::failure(FailureKind::Unavailable)));
        assert_eq!(kinds.to_string(), "error answer: 15 of the last 16 failures");
        (0..16).for_each(|_| kinds.record(&Outcome::failure(FailureKind::Unknown)));
        assert_eq!(kinds.to_string(), "", "the kind tells nothing");
        kinds.record(&timeout);
        kinds.reset();
        assert_eq!(kinds.to_string(), "");
    }
}
