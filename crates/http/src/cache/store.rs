//! The store that the rules keep responses in.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::cache::{answer::KeptAnswer, key::AnswerKey};

/// A bounded store of kept responses; the fallback's `AnswerCache` is one.
pub trait AnswerStore {
    /// An answer that is not complete yet.
    type Pending: Send + Sync + 'static;

    /// Returns what is kept under this key, and the time for which it has been, unless it has expired.
    fn get(&self, key: &AnswerKey) -> Option<(Arc<KeptAnswer>, Duration)>;

    /// Begins to keep an answer whose age counts from this time. It is not kept if its key is removed before it is
    /// complete, or if a newer one is kept.
    fn begin(&self, key: AnswerKey, since: Instant) -> Self::Pending;

    /// Keeps an answer of this many bytes for at most this time.
    fn complete(pending: Self::Pending, answer: KeptAnswer, bytes: u64, keep_for: Duration);

    /// Removes what is kept under this key.
    fn remove(&self, key: &AnswerKey);

    /// Returns the most bytes of one answer.
    fn max_answer_bytes(&self) -> u64;
}
