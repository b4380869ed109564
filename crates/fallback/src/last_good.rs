//! The step that answers with the last good answer to a request.

use std::{fmt, hash::Hash, sync::Arc};

use mainstay_core::{InvalidSetting, Name};

use crate::{
    AnswerCache, AnswerRules, Answers, ByKey, Chain, Clear, CloneCodec, FnCodec, KeyFn, OptionalKeyFn, Or, SecondLevel,
    StepInput, StepStart, StepState, chain::SingleStep,
};

pub(crate) mod settings;

use settings::LastGoodSettings;

/// A step that answers with the last good answer; see [`last_good`].
///
/// `K` and `V` are the keys and the values of its cache, `R` its [rules](AnswerRules).
pub struct LastGood<K, V, R> {
    rules: R,
    cache: AnswerCache<K, V>,
    state: StepState,
}

/// Creates a step named `last_good` that answers with the last good answer for the request's key, up to 300 s old.
///
/// Every good answer is cloned into a cache; to store something else, see [`LastGood::with_codec`]. The key must contain
/// *everything* that the answer depends on, the user included: otherwise one user may get another user's answer.
///
/// It is for protocols without rules of caching. HTTP has some: with the policies `Http` and `Reqwest` the step does not
/// compile, and with others it keeps no `http::Response` and no `reqwest::Response`, and logs a warning. For those use
/// `last_good_http` (feature `http`).
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_fallback::{FallbackLayer, last_good, value};
/// use tower::{Layer, Service, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let mut up = true;
/// let prices = service_fn(move |_: &'static str| {
///     let answer = if up { Ok("9.95") } else { Err(std::io::Error::other("down")) };
///     up = false;
///     async { answer }
/// });
///
/// let layer = FallbackLayer::new("prices", last_good(|article: &&'static str| *article).or(value("unknown")));
/// let mut prices = layer.layer(prices);
/// assert_eq!(prices.ready().await?.call("tea").await?, "9.95");
/// assert_eq!(prices.ready().await?.call("tea").await?, "9.95");
/// assert_eq!(prices.ready().await?.call("salt").await?, "unknown");
/// # Ok(())
/// # }
/// ```
pub fn last_good<Req, K, V, F>(key: F) -> LastGood<K, V, ByKey<KeyFn<F>, CloneCodec>>
where
    F: Fn(&Req) -> K,
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    last_good_by(ByKey::new(KeyFn(key), CloneCodec))
}

/// Like [`last_good`], for requests of which only some may be cached: a request without a key is not cached.
pub fn last_good_if<Req, K, V, F>(key: F) -> LastGood<K, V, ByKey<OptionalKeyFn<F>, CloneCodec>>
where
    F: Fn(&Req) -> Option<K>,
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    last_good_by(ByKey::new(OptionalKeyFn(key), CloneCodec))
}

/// Creates a step named `last_good` that keeps answers by the rules of a protocol; see [`AnswerRules`].
pub fn last_good_by<K, V, R>(rules: R) -> LastGood<K, V, R>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    let cache = AnswerCache::new(LastGoodSettings::default(), None);
    LastGood { rules, cache, state: StepState::new(Name::literal("last_good")) }
}

// === impl LastGood ===

impl<K, V, R> LastGood<K, V, R>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Sets the settings, and empties the cache.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn with_settings(mut self, settings: LastGoodSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        self.cache = AnswerCache::new(settings, self.cache.second_level());
        Ok(self)
    }

    /// Reports what is kept and removed to a second level, and empties the cache; see [`SecondLevel`].
    #[must_use]
    pub fn with_second_level(mut self, second_level: impl SecondLevel<K, V> + 'static) -> Self {
        self.cache = AnswerCache::new(self.cache.settings().clone(), Some(Arc::new(second_level)));
        self
    }
}

impl<K, V, F> LastGood<K, V, ByKey<F, CloneCodec>>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Sets the functions that convert a response to a cached value and back, and empties the cache. A response for which
    /// `encode` returns `None` is not cached. A second level, which is for the values that
    /// were stored until then, is set after it.
    pub fn with_codec<W, A, B>(self, encode: A, decode: B) -> LastGood<K, W, ByKey<F, FnCodec<A, B>>>
    where
        W: Send + Sync + 'static,
        A: Fn(&V) -> Option<W>,
        B: Fn(&W) -> V,
    {
        let rules = ByKey::new(self.rules.key, FnCodec { encode, decode });
        LastGood { rules, cache: AnswerCache::new(self.cache.settings().clone(), None), state: self.state }
    }
}

impl<K, V, R> LastGood<K, V, R> {
    /// Sets the name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }

    /// Returns the cache, to read it and to clear it by key.
    #[must_use]
    pub fn cache(&self) -> AnswerCache<K, V> {
        self.cache.clone()
    }

    /// Adds a step that runs if no answer is cached.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<K, V, R> SingleStep for LastGood<K, V, R>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    const NEEDS_REQUEST: bool = false;
    const CACHES_ANSWERS: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }

    fn clear(&self) -> Option<Clear> {
        let cache = self.cache();
        Some(Clear::new(move || cache.clear()))
    }
}

impl<Req, Res, E, P, K, V, R> Answers<Req, Res, E, P> for LastGood<K, V, R>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    R: AnswerRules<Req, Res, K, V, P>,
{
    type Kept = Option<R::Kept>;

    fn keep(&self, _: &P, request: &Req, _: bool) -> Option<R::Kept> {
        if self.state.is_on() { self.rules.keep(request) } else { None }
    }

    fn cache_answer(&self, kept: Option<R::Kept>, response: Res) -> Res {
        match kept {
            Some(kept) => self.rules.store(kept, response, &self.cache),
            None => response,
        }
    }

    fn start(&self, _: usize, kept: &Option<R::Kept>, _: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        let Some(kept) = kept else {
            return StepStart::Skipped("no answer to this request is kept");
        };
        match self.rules.answer(kept, &self.cache) {
            Ok((response, age)) => StepStart::Answer(response, Some(age)),
            Err(reason) => StepStart::Skipped(reason),
        }
    }
}

impl<K, V, R> fmt::Debug for LastGood<K, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LastGood").field(self.state.name()).field(&self.cache).finish()
    }
}
