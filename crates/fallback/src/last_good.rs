//! The step that answers with the last good answer for the same key.

use std::{fmt, hash::Hash, time::Duration};

use mainstay_core::{
    InvalidSetting, Name,
    settings::{self, LONGEST, SHORTEST},
};

use crate::{
    AnswerCache, Answers, CacheKey, Chain, Clear, CloneCodec, Codec, FnCodec, KeyFn, OptionalKeyFn, Or, StepInput,
    StepStart, StepState, chain::SingleStep,
};

/// A step that answers with the last good answer; see [`last_good`].
pub struct LastGood<K, V, F, T = CloneCodec> {
    key: F,
    codec: T,
    cache: AnswerCache<K, V>,
    settings: LastGoodSettings,
    state: StepState,
}

/// Settings of a [`LastGood`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct LastGoodSettings {
    /// The age at which an answer expires. Default 300 s; [`long_lived`](LastGoodSettings::long_lived) 3,600 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ttl: Duration,
    /// The most answers that are cached. Default 1,000; the memory needed is this times the size of an answer.
    pub capacity: u64,
}

/// Creates a step named `last_good` that answers with the last good answer for the request's key, up to 300 s old.
///
/// Every good answer is cloned into a cache; to store something else, see [`LastGood::with_codec`]. The key must contain
/// *everything* that the answer depends on, the user included: otherwise one user may get another user's answer.
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
pub fn last_good<Req, K, V, F>(key: F) -> LastGood<K, V, KeyFn<F>>
where
    F: Fn(&Req) -> K,
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    LastGood::new(KeyFn(key), CloneCodec, LastGoodSettings::default())
}

/// Like [`last_good`], for requests of which only some may be cached: a request without a key is not cached.
///
/// For HTTP: `last_good_if(|request: &Request| (request.method() == GET).then(|| request.uri().clone()))`.
pub fn last_good_if<Req, K, V, F>(key: F) -> LastGood<K, V, OptionalKeyFn<F>>
where
    F: Fn(&Req) -> Option<K>,
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    LastGood::new(OptionalKeyFn(key), CloneCodec, LastGoodSettings::default())
}

// === impl LastGood ===

impl<K, V, F, T> LastGood<K, V, F, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn new(key: F, codec: T, settings: LastGoodSettings) -> Self {
        let state = StepState::new(Name::literal("last_good"));
        Self { key, codec, cache: AnswerCache::new(settings.capacity), settings, state }
    }

    /// Sets the settings, and empties the cache.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn with_settings(mut self, settings: LastGoodSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        self.cache = AnswerCache::new(settings.capacity);
        self.settings = settings;
        Ok(self)
    }
}

impl<K, V, F> LastGood<K, V, F>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Sets the functions that convert a response to a cached value and back. A response for which `encode` returns
    /// `None` is not cached.
    pub fn with_codec<W, A, B>(self, encode: A, decode: B) -> LastGood<K, W, F, FnCodec<A, B>>
    where
        W: Send + Sync + 'static,
        A: Fn(&V) -> Option<W>,
        B: Fn(&W) -> V,
    {
        let cache = AnswerCache::new(self.settings.capacity);
        let codec = FnCodec { encode, decode };
        LastGood { key: self.key, codec, cache, settings: self.settings, state: self.state }
    }
}

impl<K, V, F, T> LastGood<K, V, F, T> {
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

impl<K, V, F, T> SingleStep for LastGood<K, V, F, T>
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

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P, K, V, F, T> Answers<Req, Res, E, P> for LastGood<K, V, F, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    F: CacheKey<Req, K>,
    T: Codec<Res, V>,
{
    type Kept = Option<K>;

    fn keep(&self, _: &P, request: &Req, _: bool) -> Option<K> {
        if self.state.is_on() { self.key.cache_key(request) } else { None }
    }

    fn cache_answer(&self, key: Option<K>, response: &Res) {
        if let Some(key) = key
            && let Some(value) = self.codec.encode(response)
        {
            self.cache.insert(key, value);
        }
    }

    fn start(&self, _: usize, key: &Option<K>, _: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        let Some(key) = key else {
            return StepStart::Skipped("the request has no key");
        };
        match self.cache.get_fresh(self.settings.ttl, key) {
            Some((value, age)) => StepStart::Answer(self.codec.decode(&value), Some(age)),
            None => StepStart::Skipped("no answer is cached"),
        }
    }
}

impl<K, V, F, T> fmt::Debug for LastGood<K, V, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LastGood").field(self.state.name()).field(&self.settings).finish()
    }
}

// === impl LastGoodSettings ===

impl LastGoodSettings {
    /// Settings for answers that rarely change (a catalogue, a configuration): 3,600 s.
    #[must_use]
    pub fn long_lived() -> Self {
        Self { ttl: Duration::from_secs(3_600), ..Self::default() }
    }

    /// Returns the settings of this name: `default` or `long_lived`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::default()),
            "long_lived" => Some(Self::long_lived()),
            _ => None,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A TTL below a millisecond or above a year; a capacity of zero or above 1,000,000,000.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("ttl", self.ttl, SHORTEST..=LONGEST)?;
        settings::count("capacity", self.capacity, 1..=1_000_000_000)
    }
}

impl Default for LastGoodSettings {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(300), capacity: 1_000 }
    }
}
