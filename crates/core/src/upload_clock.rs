//! When a request's body was last on its way, for timeouts and for whatever else is measured of a call.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The progress of one request's body, from which the request's timeouts start.
///
/// A timeout limits the wait for a response. While the caller still sends the body, no response can be expected: a large
/// upload would reach any timeout, and a slow caller would look like a slow dependency. With a clock, a timeout starts
/// anew with each piece that the dependency takes, does not run while the caller sends nothing, and runs from the last
/// byte to its end. The pause of a caller has a limit of its own. The same holds for what a breaker, a failover or a retrier
/// measures of a call: an upload that has not ended says nothing about the dependency.
///
/// The request's body writes the clock, and [`Contextual::upload_clock`](crate::Contextual::upload_clock) finds it in the
/// request. Copies of a request share it.
#[derive(Clone)]
pub struct UploadClock(Arc<Inner>);

struct Inner {
    created: Instant,
    max_pause: Duration,
    /// Nanoseconds from `created` to the last piece or the beginning of a wait, and [`WAITING`].
    last: AtomicU64,
}

/// Set while the next piece is awaited from the caller.
const WAITING: u64 = 1 << 63;

// === impl UploadClock ===

impl UploadClock {
    /// Creates the clock of a body of which nothing was sent, and which fails after a pause of the caller this long.
    #[must_use]
    pub fn new(max_pause: Duration) -> Self {
        Self(Arc::new(Inner { created: Instant::now(), max_pause, last: AtomicU64::new(0) }))
    }

    /// Records that a piece of the body was taken, or its end.
    pub fn record_piece(&self) {
        self.0.last.store(self.now(), Relaxed);
    }

    /// Records that the next piece is awaited from the caller.
    pub fn record_wait(&self) {
        if !self.is_waiting() {
            self.0.last.store(self.now() | WAITING, Relaxed);
        }
    }

    /// Returns whether the next piece is awaited from the caller.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.0.last.load(Relaxed) & WAITING != 0
    }

    /// Returns when a timeout of the request starts: at the last piece; while the caller is awaited, at `now`, but not after
    /// its longest pause. A body that has not failed by then is not read.
    #[must_use]
    pub fn timeout_start(&self, now: Instant) -> Instant {
        let last = self.0.last.load(Relaxed);
        let at = self.0.created + Duration::from_nanos(last & !WAITING);
        if last & WAITING == 0 { at } else { now.min(at + self.0.max_pause) }
    }

    /// Returns for how long the dependency could have answered, of the time since `since`: from the last piece on, and not
    /// while the caller is awaited. Without a clock the whole time.
    #[must_use]
    pub fn waited(upload: Option<&Self>, since: Instant) -> Duration {
        let now = Instant::now();
        let start = upload.map_or(since, |upload| since.max(upload.timeout_start(now)));
        now.saturating_duration_since(start)
    }

    /// Returns the end of a time limit by the body's progress, if that is still to come: for a limit that has passed since
    /// the call. While the caller is awaited, the end moves on, so look again then.
    #[must_use]
    pub fn later_end(upload: Option<&Self>, limit: Duration) -> Option<Instant> {
        let (upload, now) = (upload?, Instant::now());
        upload.timeout_start(now).checked_add(limit).filter(|end| *end > now)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.created.elapsed().as_nanos()).unwrap_or(u64::MAX) & !WAITING
    }
}

impl fmt::Debug for UploadClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadClock").field("is_waiting", &self.is_waiting()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn timeout_starts_at_the_last_piece_and_not_while_the_caller_is_awaited() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let clock = UploadClock::new(2 * second);
        advance(second).await;
        assert_eq!(clock.timeout_start(Instant::now()), start, "nothing was sent");
        clock.record_wait();
        advance(second).await;
        clock.record_wait();
        assert_eq!((clock.is_waiting(), clock.timeout_start(Instant::now())), (true, start + 2 * second));
        advance(2 * second).await;
        assert_eq!(clock.timeout_start(Instant::now()), start + 3 * second, "the longest pause is over");
        clock.record_piece();
        advance(second).await;
        assert_eq!((clock.is_waiting(), clock.timeout_start(Instant::now())), (false, start + 4 * second));
    }

    #[tokio::test(start_paused = true)]
    async fn wait_and_limit_run_from_the_last_piece() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let clock = UploadClock::new(10 * second);
        advance(3 * second).await;
        assert_eq!(UploadClock::waited(None, start), 3 * second);
        assert_eq!(UploadClock::waited(Some(&clock), start), 3 * second, "nothing was sent");
        assert_eq!(UploadClock::later_end(None, second), None);
        assert_eq!(UploadClock::later_end(Some(&clock), second), None);
        clock.record_piece();
        advance(second).await;
        assert_eq!(UploadClock::waited(Some(&clock), start), second);
        assert_eq!(UploadClock::waited(Some(&clock), Instant::now()), Duration::ZERO, "the attempt is younger");
        assert_eq!(UploadClock::later_end(Some(&clock), 2 * second), Some(start + 5 * second));
        assert_eq!(
            UploadClock::later_end(Some(&clock), Duration::MAX),
            None,
            "out of range, as a limit that has passed"
        );
        clock.record_wait();
        advance(second).await;
        assert_eq!(UploadClock::waited(Some(&clock), start), Duration::ZERO);
        assert_eq!(UploadClock::later_end(Some(&clock), second), Some(Instant::now() + second));
    }
}
