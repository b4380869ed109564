//! The trial calls of a half-open breaker: their leases and their results.
//!
//! A lease has a deadline, so a caller that never returns its permit cannot block recovery.

use std::{num::NonZeroU64, time::Duration};

use mainstay_core::UploadClock;
use tokio::time::Instant;

/// The trial calls of one half-open epoch.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    leases: Vec<Lease>,
    /// The number of leases made so far; the next one's id.
    made: u64,
    pub(crate) successes: u32,
    pub(crate) failures: u32,
}

#[derive(Debug)]
struct Lease {
    id: NonZeroU64,
    length: Duration,
    deadline: Instant,
    /// The progress of the request's body.
    upload: Option<UploadClock>,
    /// The response began well, and its stream has not ended.
    streaming: bool,
}

// === impl Trials ===

impl Trials {
    /// Makes a lease of this length, unless `permits` leases are in use.
    pub(crate) fn lease(&mut self, permits: u32, length: Duration, now: Instant) -> Option<NonZeroU64> {
        if self.in_flight() >= permits as usize {
            return None;
        }
        let id = NonZeroU64::MIN.saturating_add(self.made);
        self.made += 1;
        self.leases.push(Lease { id, length, deadline: now + length, upload: None, streaming: false });
        Some(id)
    }

    /// Releases a lease. Returns false if it had expired.
    pub(crate) fn release(&mut self, id: NonZeroU64) -> bool {
        let before = self.leases.len();
        self.leases.retain(|lease| lease.id != id);
        self.leases.len() < before
    }

    /// Marks a lease whose response began well and streams.
    pub(crate) fn mark_streaming(&mut self, id: NonZeroU64) {
        self.leases.iter_mut().filter(|lease| lease.id == id).for_each(|lease| lease.streaming = true);
    }

    /// Sets the clock of the request's body of a lease.
    pub(crate) fn set_upload_clock(&mut self, id: NonZeroU64, clock: UploadClock) {
        if let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) {
            lease.upload = Some(clock);
        }
    }

    /// Removes the expired leases. A streaming call counts as a success, one whose request is still on its way for nothing,
    /// any other as a failure. Returns whether there were any.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let before = self.leases.len();
        let (successes, failures) = (&mut self.successes, &mut self.failures);
        self.leases.retain(|lease| {
            let expired = lease.deadline <= now;
            if expired && lease.streaming {
                *successes += 1;
            } else if expired && UploadClock::later_end(lease.upload.as_ref(), lease.length).is_none() {
                *failures += 1;
            }
            !expired
        });
        self.leases.len() < before
    }

    /// Returns the deadline of the lease that expires first.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.leases.iter().map(|lease| lease.deadline).min()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.leases.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lease_that_is_never_released_expires_as_a_failure() {
        let mut trials = Trials::default();
        let second = Duration::from_secs(1);
        let id = trials.lease(1, second, Instant::now()).unwrap();
        assert!(trials.lease(1, second, Instant::now()).is_none());
        assert!(trials.expire(Instant::now() + second));
        assert_eq!((trials.successes, trials.failures), (0, 1));
        assert!(trials.lease(1, second, Instant::now()).is_some());
        assert!(!trials.release(id));
    }

    /// A slow caller says nothing of the dependency, and must not keep the permit.
    #[tokio::test(start_paused = true)]
    async fn lease_that_expires_during_an_upload_counts_for_nothing() {
        let (mut trials, clock) = (Trials::default(), UploadClock::new(Duration::from_secs(60)));
        let second = Duration::from_secs(1);
        for (piece_after, failures) in [(second / 2, 0), (Duration::ZERO, 1)] {
            let id = trials.lease(1, second, Instant::now()).unwrap();
            trials.set_upload_clock(id, clock.clone());
            tokio::time::advance(piece_after).await;
            clock.record_piece();
            tokio::time::advance(second - piece_after).await;
            assert!(trials.expire(Instant::now()));
            assert_eq!((trials.successes, trials.failures, trials.in_flight()), (0, failures, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_outlives_its_lease_counts_as_a_success() {
        let mut trials = Trials::default();
        let second = Duration::from_secs(1);
        let id = trials.lease(1, second, Instant::now()).unwrap();
        trials.mark_streaming(id);
        assert!(trials.expire(Instant::now() + second));
        assert_eq!((trials.successes, trials.failures, trials.in_flight()), (1, 0, 0));
    }
}
