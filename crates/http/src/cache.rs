//! Which responses may be kept as last good answers, and for which callers (RFC 9111).
//!
//! [`CacheRules`] answers these questions for the step `last_good_http` of the fallback. The step is no cache: each request
//! goes to the server first, and a kept response is the answer only if the server fails. What is stricter than the RFC is
//! so because a wrong answer here is one user's page shown to another.
//!
//! | question | answer | RFC |
//! |---|---|---|
//! | which requests? | `GET` without a body; `HEAD` is answered from it. Any other method but a safe one removes what is kept for its target | 9111, 3, 4 and 4.4 |
//! | which responses? | complete ones with a status that is understood: 200, 203, 204, 300, 301, 308 and some errors; 302, 303 and 307 only if the response says for how long or for which callers. Not 206 and 304 | 9111, 3 and 3.3 |
//! | what forbids it? | `no-store` of the request or the response, `no-cache` of the response in each form, `Vary: *`; `must-understand` with a status that is not understood | 9111, 4.1, 5.2.1.5, 5.2.2 |
//! | for which callers? | for all, or, if the caller is named, for the caller alone | 9111, 3 and 5.2.2.7 |
//! | what is never for all? | `private` in each form; a request with `Authorization`, unless the response has `public` or `s-maxage` | 9111, 3.5 |
//! | what else, stricter than the RFC? | a request with another credential (`Cookie`, `X-Api-Key`), as one with `Authorization`; a response with `Set-Cookie`; `must-revalidate` does not make it one for all; `no-store` is read into a malformed `Cache-Control` | 9111, 3.5 and 7.3 |
//! | which requests does it answer? | those with the same target, and with the same values of the fields that `Vary` names | 9111, 4.1 |
//! | which are left out? | `no-cache` or `Pragma: no-cache`; `If-Match`, `If-Unmodified-Since`, `If-Range`, `Range`, `Upgrade`; one whose `max-age`, `min-fresh`, `max-stale` or `stale-if-error` the answer does not satisfy | 9111, 4.3.2, 5.2.1, 5.4; 5861, 4 |
//! | for how long? | at most the TTL of the step; with `must-revalidate`, and for all with `proxy-revalidate` or `s-maxage`, only while it is fresh; with `stale-if-error=N`, N seconds longer than that | 9111, 4.2.4; 5861, 4 |
//! | what is kept of the head? | not the fields of a connection, `Set-Cookie`, `Age` and `Clear-Site-Data` | 9111, 3.1 |
//! | what is added to the answer? | `Age`, and `Cache-Status: mainstay; hit`, with the seconds until it becomes stale or since then | 9111, 5.1; 9211, 2 |
//!
//! The rules see what is in a message. They do not see the certificate of a connection, or a name in the extensions of a
//! request that a layer above has put there: name the caller by [`CacheRules::with_caller`] where one URL has different
//! content for different users and the responses do not say so.

mod answer;
mod body;
mod collected;
mod control;
mod credential;
mod key;
mod lifetime;
mod message;
mod request;
#[cfg(feature = "reqwest")]
mod reqwest;
mod rules;
mod scope;
mod storable;
mod store;
mod vary;

pub use answer::KeptAnswer;
pub use body::KeepBody;
pub use key::AnswerKey;
pub use message::{CacheRequest, CacheResponse, RequestView};
pub use request::KeptRequest;
pub use rules::CacheRules;
pub use store::AnswerStore;

#[cfg(test)]
mod tests;
