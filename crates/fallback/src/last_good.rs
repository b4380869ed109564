//! The step that answers with the last good answer to the same question.

use std::{fmt, hash::Hash, time::Duration};

use mainstay_core::{
    InvalidSetting, Name,
    settings::{self, LONGEST, SHORTEST},
};

use crate::{
    Always, Answers, Asked, Begun, Chain, Clear, KeyOf, Memory, Or, Sometimes, StepState, Through, Transfer, Whole,
    chain::Leaf,
};

/// The step that answers with the last good answer; see [`last_good`].
pub struct LastGood<K, V, F, T = Whole> {
    key: F,
    transfer: T,
    memory: Memory<K, V>,
    settings: LastGoodSettings,
    state: StepState,
}

/// Settings of a [`LastGood`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct LastGoodSettings {
    /// How old an answer may be. Default 300 s; [`lasting`](LastGoodSettings::leak) 3,600 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ttl: Duration,
    /// How many answers are kept at most. Default 1,000: reckon with this times the size of an answer.
    pub capacity: u64,
}

/// A step named `last_good` that answers with the last good answer to a request with the same key, for up to 300 s.
///
/// Every good answer is cloned and kept; where that is not possible or too much, see [`LastGood::through`]. The key
/// must say *everything* that the answer depends on. Who asked is part of it, or one user gets what another was told.
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
/// let layer = FallbackLayer::new(last_good(|article: &&'static str| *article).or(value("unknown")));
/// let mut prices = layer.layer(prices);
/// assert_eq!(prices.ready().await?.call("tea").await?, "9.95");
/// assert_eq!(prices.ready().await?.call("tea").await?, "9.95");
/// assert_eq!(prices.ready().await?.call("salt").await?, "unknown");
/// # Ok(())
/// # }
/// ```
pub fn last_good<Req, K, V, F>(key: F) -> LastGood<K, V, Always<F>>
where
    F: Fn(&Req) -> K,
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    LastGood::new(Always(key), Whole, LastGoodSettings::default())
}

/// The same for requests of which only some may be answered from memory: no key, no memory.
///
/// For HTTP: `last_good_if(|request: &Request| (request.method() == GET).then(|| request.uri().clone()))`.
pub fn last_good_if<Req, K, V, F>(key: F) -> LastGood<K, V, Sometimes<F>>
where
    F: Fn(&Req) -> Option<K>,
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    LastGood::new(Sometimes(key), Whole, LastGoodSettings::default())
}

// === impl LastGood ===

impl<K, V, F, T> LastGood<K, V, F, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn new(key: F, transfer: T, settings: LastGoodSettings) -> Self {
        let state = StepState::new(Name::literal("last_good"));
        Self { key, transfer, memory: Memory::new(settings.capacity), settings, state }
    }

    /// With other settings, and an empty memory.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(mut self, settings: LastGoodSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        self.memory = Memory::new(settings.capacity);
        self.settings = settings;
        Ok(self)
    }
}

impl<K, V, F> LastGood<K, V, F>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Keeps something else than a clone of the response: what the first function makes of it (nothing, if that is
    /// `None`), out of which the second makes a response again.
    pub fn through<W, A, B>(self, keep: A, restore: B) -> LastGood<K, W, F, Through<A, B>>
    where
        W: Send + Sync + 'static,
        A: Fn(&V) -> Option<W>,
        B: Fn(&W) -> V,
    {
        let memory = Memory::new(self.settings.capacity);
        let transfer = Through { keep, restore };
        LastGood { key: self.key, transfer, memory, settings: self.settings, state: self.state }
    }
}

impl<K, V, F, T> LastGood<K, V, F, T> {
    /// With another name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }

    /// What it keeps, to look at and to clear by key.
    #[must_use]
    pub fn memory(&self) -> Memory<K, V> {
        self.memory.clone()
    }

    /// And if nothing is kept, this.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<K, V, F, T> Leaf for LastGood<K, V, F, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    const NEEDS_REQUEST: bool = false;
    const REMEMBERS: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }

    fn clear(&self) -> Option<Clear> {
        let memory = self.memory();
        Some(Clear::new(move || memory.clear()))
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P, K, V, F, T> Answers<Req, Res, E, P> for LastGood<K, V, F, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    F: KeyOf<Req, K>,
    T: Transfer<Res, V>,
{
    type Kept = Option<K>;

    fn keep(&self, _: &P, request: &Req, _: bool) -> Option<K> {
        if self.state.is_on() { self.key.key_of(request) } else { None }
    }

    fn remember(&self, key: Option<K>, response: &Res) {
        if let Some(key) = key
            && let Some(value) = self.transfer.keep(response)
        {
            self.memory.keep(key, value);
        }
    }

    fn begin(&self, _: usize, key: &Option<K>, _: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        let Some(key) = key else {
            return Begun::Nothing("the request has no key");
        };
        match self.memory.younger_than(self.settings.ttl, key) {
            Some((value, age)) => Begun::Answer(self.transfer.restore(&value), Some(age)),
            None => Begun::Nothing("no answer is kept"),
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
    /// For answers that change seldom (a catalogue, a configuration): 3,600 s.
    #[must_use]
    pub fn leak() -> Self {
        Self { ttl: Duration::from_secs(3_600), ..Self::default() }
    }

    /// The settings of this name: `default` or `lasting`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::default()),
            "lasting" => Some(Self::leak()),
            _ => None,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A TTL below a millisecond or above a year; a capacity of zero or above a thousand million.
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
