//! Last good answers over HTTP: the rules of `mainstay-http` over the cache of this crate.

use std::{sync::Arc, time::Duration};

use mainstay_http::cache::{AnswerKey, AnswerStore, CacheRequest, CacheResponse, CacheRules, KeptAnswer, KeptRequest};
use tokio::time::Instant;

use crate::{AnswerCache, AnswerRules, LastGood, PendingAnswer, last_good_by};

/// Creates a step named `last_good` that answers HTTP requests with the last good response, up to 300 s old, as far as HTTP
/// allows to keep it and to answer with it ([`CacheRules`], RFC 9111).
///
/// It works with every policy over `http::Request` and `http::Response`, and with feature `reqwest` of `mainstay-http` over
/// `reqwest::Client`. A body is passed to the caller as it arrives and copied meanwhile; it is kept if it ends well and has
/// at most [`max_answer_bytes`](crate::LastGoodSettings::max_answer_bytes). It must be in memory or boxed
/// ([`KeepBody`](mainstay_http::cache::KeepBody)).
///
/// Responses for one caller are kept only if [`CacheRules::with_caller`] names the caller.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use mainstay_core::BoxError;
/// use mainstay_fallback::{FallbackLayer, last_good_http};
/// use mainstay_http::{Http, cache::CacheRules};
/// use tower::{Layer, Service, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let mut calls = 0;
/// let catalogue = service_fn(move |_: Request<String>| {
///     calls += 1;
///     let status = if calls == 1 { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
///     async move { Response::builder().status(status).body("tea, salt".to_owned()) }
/// });
///
/// let layer = FallbackLayer::new("catalogue", last_good_http(CacheRules::new())).with_policy(Http::new());
/// let mut catalogue = layer.layer(catalogue);
/// let request = || Request::get("/catalogue").body(String::new());
/// catalogue.ready().await?.call(request()?).await?;
///
/// let answer = catalogue.ready().await?.call(request()?).await?;
/// assert_eq!((answer.status(), answer.body().as_str()), (StatusCode::OK, "tea, salt"));
/// assert_eq!(answer.headers()["age"], "0");
/// assert_eq!(answer.headers()["cache-status"], "mainstay; hit");
/// # Ok(())
/// # }
/// ```
pub fn last_good_http(rules: CacheRules) -> LastGood<AnswerKey, KeptAnswer, CacheRules> {
    last_good_by(rules)
}

impl<Req, Res, P> AnswerRules<Req, Res, AnswerKey, KeptAnswer, P> for CacheRules
where
    Req: CacheRequest,
    Res: CacheResponse,
{
    type Kept = KeptRequest;

    fn keep(&self, request: &Req) -> Option<KeptRequest> {
        Self::keep(self, request)
    }

    fn store(&self, request: KeptRequest, response: Res, cache: &AnswerCache<AnswerKey, KeptAnswer>) -> Res {
        Self::store(self, &request, response, cache)
    }

    fn answer(
        &self,
        request: &KeptRequest,
        cache: &AnswerCache<AnswerKey, KeptAnswer>,
    ) -> Result<(Res, Duration), &'static str> {
        Self::answer(self, request, cache)
    }
}

impl AnswerStore for AnswerCache<AnswerKey, KeptAnswer> {
    type Pending = PendingAnswer<AnswerKey, KeptAnswer>;

    fn get(&self, key: &AnswerKey) -> Option<(Arc<KeptAnswer>, Duration)> {
        Self::get(self, key)
    }

    fn begin(&self, key: AnswerKey, since: Instant) -> Self::Pending {
        Self::begin(self, key, since)
    }

    fn complete(pending: Self::Pending, answer: KeptAnswer, bytes: u64, keep_for: Duration) {
        pending.store(answer, bytes, keep_for);
    }

    fn remove(&self, key: &AnswerKey) {
        Self::remove(self, key);
    }

    fn max_answer_bytes(&self) -> u64 {
        self.settings().max_answer_bytes
    }
}
