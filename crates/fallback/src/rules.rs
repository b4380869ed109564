//! The rules of a step that answers with the last good answer.

use std::time::Duration;

use crate::AnswerCache;

/// Which answers a [`LastGood`](crate::LastGood) step keeps, for which requests, and how; for
/// [`last_good_by`](crate::last_good_by).
///
/// [`last_good`](crate::last_good) and [`last_good_if`](crate::last_good_if) need none, and `last_good_http` has those of
/// HTTP. Implement it for a protocol that has rules of its own, or whose answers are complete only later: `store` may
/// [begin](AnswerCache::begin) to store an answer, and return it with a body that completes this when it ends.
///
/// `P` is the policy of the layer, which rules need not use.
///
/// ```
/// use std::time::Duration;
///
/// use mainstay_core::Plain;
/// use mainstay_fallback::{AnswerCache, AnswerRules, FallbackLayer, last_good_by, value};
///
/// struct Reply {
///     text: String,
///     is_private: bool,
/// }
///
/// /// Keeps the texts of replies that are for everyone.
/// struct PublicReplies;
///
/// impl<P> AnswerRules<u32, Reply, u32, String, P> for PublicReplies {
///     type Kept = u32;
///
///     fn keep(&self, request: &u32) -> Option<u32> {
///         Some(*request)
///     }
///
///     fn store(&self, id: u32, reply: Reply, cache: &AnswerCache<u32, String>) -> Reply {
///         if !reply.is_private {
///             cache.insert(id, reply.text.clone(), reply.text.len() as u64);
///         }
///         reply
///     }
///
///     fn answer(&self, id: &u32, cache: &AnswerCache<u32, String>) -> Result<(Reply, Duration), &'static str> {
///         let (text, age) = cache.get(id).ok_or("no answer is cached")?;
///         Ok((Reply { text: text.to_string(), is_private: false }, age))
///     }
/// }
///
/// let layer = FallbackLayer::new("replies", last_good_by::<u32, String, _>(PublicReplies));
/// ```
#[diagnostic::on_unimplemented(
    message = "the last good `{Res}` cannot be kept by `{Self}`",
    label = "these rules do not fit the service under the layer",
    note = "`last_good` keeps a clone under a key: for a response that is not `Clone` add `.with_codec(encode, decode)`",
    note = "for `http::Response` and `reqwest::Response` use `last_good_http(CacheRules::new())`, which keeps what HTTP allows to keep and for which callers"
)]
pub trait AnswerRules<Req, Res, K, V, P> {
    /// What is kept of a request during the inner call.
    type Kept;

    /// Returns what to keep of the request, or `None` if its answer is neither kept nor taken from the cache.
    fn keep(&self, request: &Req) -> Option<Self::Kept>;

    /// Stores a good answer of the inner service, or begins to, and returns it.
    fn store(&self, kept: Self::Kept, response: Res, cache: &AnswerCache<K, V>) -> Res;

    /// Returns the last good answer for the request, and its age.
    ///
    /// # Errors
    /// Why there is none, for the log.
    fn answer(&self, kept: &Self::Kept, cache: &AnswerCache<K, V>) -> Result<(Res, Duration), &'static str>;
}
