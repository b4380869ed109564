//! A second level behind the cache of last good answers.

use std::{sync::Arc, time::Duration};

/// A second level behind the cache of a [`LastGood`](crate::LastGood) step, such as a store that several processes share:
/// it is told what is kept and what is removed.
///
/// It is called in the caller's task, outside of the cache's lock, and must not wait: hand the work to a task. Changes that
/// two threads make at once may be reported in either order. Answers that
/// are read from the second level go into the [`cache`](crate::LastGood::cache) through
/// [`AnswerCache::begin`](crate::AnswerCache::begin), with the time from which their age counts.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use mainstay_fallback::{SecondLevel, last_good};
/// use tokio::sync::mpsc;
///
/// /// Sends what changes to a task that writes it. A full queue loses the change, and delays no call.
/// struct Writer(mpsc::Sender<(u32, Option<Arc<String>>)>);
///
/// impl SecondLevel<u32, String> for Writer {
///     fn kept(&self, id: &u32, answer: &Arc<String>, _keep_for: Duration) {
///         let _ = self.0.try_send((*id, Some(answer.clone())));
///     }
///
///     fn removed(&self, id: &u32) {
///         let _ = self.0.try_send((*id, None));
///     }
/// }
///
/// let (changes, _task) = mpsc::channel(100);
/// let step = last_good(|id: &u32| *id).with_second_level(Writer(changes));
/// # drop(step);
/// ```
pub trait SecondLevel<K, V>: Send + Sync {
    /// An answer was stored, which may be used for this time from now.
    fn kept(&self, key: &K, answer: &Arc<V>, keep_for: Duration);

    /// The answer for this key was removed, because it is no longer true or by an operator. Answers that expire or make
    /// room for others are not reported.
    fn removed(&self, key: &K);

    /// All answers were removed. The default does nothing.
    fn cleared(&self) {}
}
