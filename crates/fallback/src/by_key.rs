//! The rules of answers that are kept under a key of the caller's.

use std::{any::type_name, fmt, hash::Hash, sync::Once, time::Duration};

use mainstay_core::{CacheByKey, is_http_response};

use crate::{AnswerCache, AnswerRules, CacheKey, Codec};

/// Keeps every good answer under the key of its request; the rules of [`last_good`](crate::last_good).
pub struct ByKey<F, T> {
    pub(crate) key: F,
    pub(crate) codec: T,
    warned: Once,
}

// === impl ByKey ===

impl<F, T> ByKey<F, T> {
    pub(crate) fn new(key: F, codec: T) -> Self {
        Self { key, codec, warned: Once::new() }
    }

    #[cold]
    fn warn_of_http(&self, response: &'static str) {
        self.warned.call_once(|| {
            tracing::warn!(
                response,
                "no last good answer is kept: a key does not tell for which callers an HTTP response may be kept; \
                 use `last_good_http(CacheRules::new())` in place of `last_good`"
            );
        });
    }
}

impl<Req, Res, K, V, P, F, T> AnswerRules<Req, Res, K, V, P> for ByKey<F, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    F: CacheKey<Req, K>,
    T: Codec<Res, V>,
    P: CacheByKey,
{
    type Kept = K;

    fn keep(&self, request: &Req) -> Option<K> {
        // The policies of HTTP do not compile here. Others may be used over HTTP all the same.
        if is_http_response::<Res>() {
            self.warn_of_http(type_name::<Res>());
            return None;
        }
        self.key.cache_key(request)
    }

    fn store(&self, key: K, response: Res, cache: &AnswerCache<K, V>) -> Res {
        if let Some(value) = self.codec.encode(&response) {
            cache.insert(key, value, size_of::<V>() as u64);
        }
        response
    }

    fn answer(&self, key: &K, cache: &AnswerCache<K, V>) -> Result<(Res, Duration), &'static str> {
        let (value, age) = cache.get(key).ok_or("no answer is cached")?;
        Ok((self.codec.decode(&value), age))
    }
}

impl<F, T> fmt::Debug for ByKey<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByKey")
    }
}
