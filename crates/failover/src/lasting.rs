//! Conditions that the status shows once they have lasted: what one client or one route does in a moment is no outage.

use std::time::Duration;

use tokio::time::Instant;

/// How long a condition must be present before it is shown.
pub(crate) const BEGINS_AFTER: Duration = Duration::from_secs(10);

/// How long a condition that is shown must be absent before it is shown no more.
pub(crate) const ENDS_AFTER: Duration = Duration::from_secs(30);

/// Whether a condition is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lasting {
    #[default]
    Absent,
    /// Present since this time, and not shown yet.
    Begins(Instant),
    Shown,
    /// Shown, and absent since this time.
    Ends(Instant),
}

// === impl Lasting ===

impl Lasting {
    /// Notes whether the condition is present, and returns whether it is shown.
    pub(crate) fn review(&mut self, is_present: bool, now: Instant) -> bool {
        *self = match (*self, is_present) {
            (Self::Absent, true) => Self::Begins(now),
            (Self::Begins(since), true) if now < since + BEGINS_AFTER => Self::Begins(since),
            (Self::Begins(_) | Self::Shown | Self::Ends(_), true) => Self::Shown,
            (Self::Absent | Self::Begins(_), false) => Self::Absent,
            (Self::Shown, false) => Self::Ends(now),
            (Self::Ends(since), false) if now < since + ENDS_AFTER => Self::Ends(since),
            (Self::Ends(_), false) => Self::Absent,
        };
        matches!(self, Self::Shown | Self::Ends(_))
    }

    /// Returns when the condition may be shown, or shown no more, although it has not changed.
    pub(crate) fn next_change(self) -> Option<Instant> {
        match self {
            Self::Begins(since) => Some(since + BEGINS_AFTER),
            Self::Ends(since) => Some(since + ENDS_AFTER),
            Self::Absent | Self::Shown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Defect: the level changed 45 times in 72 s.
    #[tokio::test(start_paused = true)]
    async fn condition_that_flaps_is_not_shown_and_one_that_lasts_is_shown_until_it_is_over() {
        let (mut lasting, start) = (Lasting::default(), Instant::now());
        let shown =
            |lasting: &mut Lasting, second: u32, is_present| lasting.review(is_present, start + second * SECOND);
        for second in 0..72 {
            assert!(!shown(&mut lasting, second, second % 8 < 5), "{second} s");
        }
        assert!(!shown(&mut lasting, 100, true) && !shown(&mut lasting, 109, true));
        assert_eq!(lasting.next_change(), Some(start + 110 * SECOND));
        assert!(shown(&mut lasting, 110, true));
        // Absent for less than 30 s at a time.
        for second in 110..200 {
            assert!(shown(&mut lasting, second, second % 30 == 0), "{second} s");
        }
        assert!(shown(&mut lasting, 209, false));
        assert!(!shown(&mut lasting, 211, false) && lasting == Lasting::Absent);
    }
}
