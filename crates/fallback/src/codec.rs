//! The key and the value under which the cache stores a response.

use std::fmt;

/// The cache key of a request; implemented for the closures of [`last_good`](crate::last_good).
pub trait CacheKey<Req, K> {
    #[doc(hidden)]
    fn cache_key(&self, request: &Req) -> Option<K>;
}

/// A closure that returns a key for every request.
pub struct KeyFn<F>(pub(crate) F);

/// A closure that returns a key for some requests.
pub struct OptionalKeyFn<F>(pub(crate) F);

/// Converts a response to a cached value and back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cache `{Res}`",
    label = "the last good `{Res}` cannot be cached",
    note = "responses are cached as clones; convert one that is not `Clone` with `last_good(..).with_codec(encode, decode)`"
)]
pub trait Codec<Res, V> {
    #[doc(hidden)]
    fn encode(&self, response: &Res) -> Option<V>;
    #[doc(hidden)]
    fn decode(&self, value: &V) -> Res;
}

/// Caches a clone of the response.
#[derive(Clone, Copy, Debug)]
pub struct CloneCodec;

/// Converts the response with two functions.
pub struct FnCodec<A, B> {
    pub(crate) encode: A,
    pub(crate) decode: B,
}

// === impl KeyFn ===

impl<Req, K, F: Fn(&Req) -> K> CacheKey<Req, K> for KeyFn<F> {
    fn cache_key(&self, request: &Req) -> Option<K> {
        Some((self.0)(request))
    }
}

impl<F> fmt::Debug for KeyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFn")
    }
}

// === impl OptionalKeyFn ===

impl<Req, K, F: Fn(&Req) -> Option<K>> CacheKey<Req, K> for OptionalKeyFn<F> {
    fn cache_key(&self, request: &Req) -> Option<K> {
        (self.0)(request)
    }
}

impl<F> fmt::Debug for OptionalKeyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OptionalKeyFn")
    }
}

// === impl CloneCodec ===

impl<Res: Clone> Codec<Res, Res> for CloneCodec {
    fn encode(&self, response: &Res) -> Option<Res> {
        Some(response.clone())
    }

    fn decode(&self, value: &Res) -> Res {
        value.clone()
    }
}

// === impl FnCodec ===

impl<Res, V, A, B> Codec<Res, V> for FnCodec<A, B>
where
    A: Fn(&Res) -> Option<V>,
    B: Fn(&V) -> Res,
{
    fn encode(&self, response: &Res) -> Option<V> {
        (self.encode)(response)
    }

    fn decode(&self, value: &V) -> Res {
        (self.decode)(value)
    }
}

impl<A, B> fmt::Debug for FnCodec<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnCodec")
    }
}
