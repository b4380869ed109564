//! The history of one request: the endpoints that its earlier attempts have asked, and what was counted against them.
//!
//! A layer outside, such as retry, sends a request again as a new call. The calls of one request share their history
//! through its context. Without a context each call is a request of its own.

use mainstay_core::{Asked, AskedEndpoints, AttemptQuota, FailoverId, RequestContext};

use crate::weight::{Others, Weight};

/// The history of the request of one call; empty without a context.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Option<AttemptQuota>);

/// What is new about a failure, given the history of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// The failure: the request has not failed at this endpoint before.
    Failure,
    /// The proof of a failure that was counted before without a comparison.
    Proof,
    /// There is nothing new.
    Nothing,
}

// === impl History ===

impl History {
    #[inline]
    pub(crate) fn of(context: Option<&RequestContext>) -> Self {
        let quota = context.and_then(|context| context.attempt_quota.as_ref());
        Self(quota.inspect(|quota| quota.note_use()).cloned())
    }

    /// Begins a history for a request without a context, so that what is counted against it now is not counted again.
    pub(crate) fn begin(&mut self) {
        self.0.get_or_insert_with(|| AttemptQuota::new(0));
    }

    /// Takes one attempt off the request's quota. Returns false if none is left.
    pub(crate) fn take_attempt(&self) -> bool {
        self.0.as_ref().is_none_or(AttemptQuota::take)
    }

    #[inline]
    fn asked(&self) -> Option<&AskedEndpoints> {
        self.0.as_ref().map(AttemptQuota::asked_endpoints)
    }

    /// Whether an earlier attempt of the request has asked an endpoint of this failover.
    #[inline]
    pub(crate) fn is_repeat(&self, failover: FailoverId) -> bool {
        self.asked().is_some_and(|asked| asked.is_any(failover))
    }

    /// Whether an earlier attempt has asked this endpoint.
    pub(crate) fn has_asked(&self, failover: FailoverId, index: usize) -> bool {
        self.asked().is_some_and(|asked| asked.get(failover, index) != Asked::No)
    }

    /// Notes that the request was sent to this endpoint.
    pub(crate) fn note_sent(&self, failover: FailoverId, index: usize) {
        self.asked().map(|asked| asked.raise(failover, index, Asked::Yes));
    }

    /// Returns what the other endpoints have said to the request, given what they have said to this call.
    pub(crate) fn others(&self, failover: FailoverId, index: usize, in_this_call: Others) -> Others {
        let Some(asked) = self.asked().filter(|_| in_this_call == Others::Silent) else { return in_this_call };
        let mut others = asked.iter(failover).filter(|(other, _)| *other != index).peekable();
        match others.peek().is_some() && others.all(|(_, state)| state >= Asked::Unproven) {
            true => Others::Failed,
            false => Others::Silent,
        }
    }

    /// Returns the number of endpoints at which the request has failed.
    pub(crate) fn failed(&self, failover: FailoverId) -> usize {
        let failed =
            |asked: &AskedEndpoints| asked.iter(failover).filter(|(_, state)| *state >= Asked::Unproven).count();
        self.asked().map_or(0, failed)
    }

    /// Enters a failure at this endpoint, and returns what is new about it. `epoch` is that of the failover.
    pub(crate) fn count(&self, failover: FailoverId, epoch: u64, index: usize, weight: Weight) -> Count {
        let to = match weight {
            Weight::Nothing => return Count::Failure,
            Weight::Proven | Weight::Connect { proven: true } => Asked::Proven,
            Weight::Connect { proven: false } | Weight::FailedEverywhere | Weight::Unproven { .. } => Asked::Unproven,
        };
        let Some(asked) = self.asked() else { return Count::Failure };
        let is_in_epoch = asked.is_in_epoch(failover, epoch);
        match asked.raise(failover, index, to) {
            None | Some(Asked::No | Asked::Yes) => Count::Failure,
            Some(Asked::Unproven) if to == Asked::Proven && is_in_epoch => Count::Proof,
            Some(_) => Count::Nothing,
        }
    }

    /// Raises the failures of earlier attempts to proven, because the endpoint `answered` has answered the request well.
    /// Returns the endpoints that these attempts were sent to. What was found before the failover's epoch proves nothing.
    pub(crate) fn prove(&self, failover: FailoverId, epoch: u64, answered: usize) -> impl Iterator<Item = usize> {
        let asked = self.asked().filter(|asked| asked.is_in_epoch(failover, epoch));
        let proven = move |asked: &AskedEndpoints, index: usize| {
            index != answered && asked.raise(failover, index, Asked::Proven) == Some(Asked::Unproven)
        };
        let unproven = |asked: &AskedEndpoints| asked.iter(failover).filter(|(_, state)| *state == Asked::Unproven);
        let unproven = asked.map(|asked| unproven(asked).filter(move |(index, _)| proven(asked, *index)));
        unproven.into_iter().flatten().map(|(index, _)| index)
    }
}
