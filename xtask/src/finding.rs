//! What a step found out.

use crate::tally::Tally;

pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) tests: Tally,
}

pub(crate) enum Verdict {
    Passed,
    /// With what failed, if that is not the whole step.
    Failed(String),
    /// With the reason.
    Skipped(&'static str),
}

// === impl Finding ===

/// The finding of a step that runs no tests.
impl From<Verdict> for Finding {
    fn from(verdict: Verdict) -> Self {
        let tests = Tally::default();
        Self { verdict, tests }
    }
}

/// The finding of a step that is one command without tests: whether it succeeded.
impl From<bool> for Finding {
    fn from(success: bool) -> Self {
        let verdict = if success { Verdict::Passed } else { Verdict::Failed(String::new()) };
        verdict.into()
    }
}
