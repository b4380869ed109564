//! The summary of a run: the result and duration of each step.

use std::fmt;
use std::time::Duration;

use crate::finding::Verdict;

/// A finished step.
pub(crate) struct Done {
    pub(crate) number: usize,
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) took: Duration,
}

// === impl Done ===

impl Done {
    pub(crate) fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, name, verdict, took } = self;
        let took = elapsed(*took);
        match verdict {
            Verdict::Passed => write!(f, "{number} {name:<9} ok      {took:>8}"),
            Verdict::Skipped(why) => write!(f, "{number} {name:<9} skipped {took:>8}  {why}"),
            Verdict::Failed(what) => {
                write!(f, "{number} {name:<9} FAILED  {took:>8}  rerun: cargo xtask test --only {name}")?;
                if what.is_empty() { Ok(()) } else { write!(f, "\n    {what}") }
            }
        }
    }
}

/// Formats a duration as `8.4s` or `2m 05s`.
pub(crate) fn elapsed(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        return format!("{:.1}s", took.as_secs_f64());
    }
    format!("{}m {:02}s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::{Done, Duration, Verdict, elapsed};

    fn done(verdict: Verdict) -> String {
        Done { number: 2, name: "clippy", verdict, took: Duration::from_millis(1200) }.to_string()
    }

    #[test]
    fn failed_step_shows_how_to_rerun_it() {
        let shown = done(Verdict::Failed("1 of 3 builds".into()));
        assert!(shown.contains("FAILED") && shown.contains("cargo xtask test --only clippy"), "{shown}");
        assert!(shown.ends_with("\n    1 of 3 builds"), "{shown}");
    }

    #[test]
    fn skipped_step_shows_the_reason() {
        assert!(done(Verdict::Skipped("no such tool")).ends_with("no such tool"));
    }

    #[test]
    fn durations_have_two_forms() {
        assert_eq!(elapsed(Duration::from_millis(8_420)), "8.4s");
        assert_eq!(elapsed(Duration::from_secs(125)), "2m 05s");
    }
}
