//! What a limit counts.

#[derive(Clone, Copy)]
pub(crate) enum Count {
    Permitted,
    Full,
    QueueTimeout,
    DeadlineExceeded,
    TimedOut,
    Abandoned,
}

/// The number of [`Count`]s.
pub(crate) const COUNTS: usize = 6;
