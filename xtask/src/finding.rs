//! The result of a step.

use crate::tally::Tally;

pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) tests: Tally,
}

pub(crate) enum Verdict {
    Passed,
    /// With the failed parts; empty if the whole step failed.
    Failed(String),
    /// With the reason.
    Skipped(&'static str),
}

// === impl Finding ===

/// For a step without tests.
impl From<Verdict> for Finding {
    fn from(verdict: Verdict) -> Self {
        let tests = Tally::default();
        Self { verdict, tests }
    }
}

/// For a step that is one command without tests: `true` if the command succeeded.
impl From<bool> for Finding {
    fn from(success: bool) -> Self {
        let verdict = if success { Verdict::Passed } else { Verdict::Failed(String::new()) };
        verdict.into()
    }
}
