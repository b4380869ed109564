//! The limit at the entrance: so many requests at once, and no queue. Beyond it a client is sent away at once, while
//! that is still cheap.
//!
//! A request holds its place until its answer's last byte, or a hundred thousand slow downloads would count as nothing.
//! That is why this is a function over the limit's handle, and not a `BulkheadLayer`, which lets go with the head.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use mainstay_bulkhead::Limit;
use mainstay_core::BoxError;
use mainstay_http::{BodyEnd, guard, into_response};

/// Stands before everything that is forwarded.
pub(crate) async fn entrance(State(limit): State<Limit>, request: Request, next: Next) -> Response {
    match limit.try_acquire() {
        Ok(permit) => guard(next.run(request).await, move |_: BodyEnd<'_>| drop(permit)),
        Err(full) => into_response(&BoxError::from(full)),
    }
}
