//! The bound on inner services that are cloned, with a message for those that cannot be.

/// An inner service that can be cloned. Implemented for every `Clone`.
///
/// A layer that refuses, queues or repeats calls makes them on clones of its service. Clients are cheap to clone. Tower's
/// `RateLimit` and other services with state of their own are not `Clone`: put `tower::buffer::BufferLayer` around them,
/// whose handle is.
#[diagnostic::on_unimplemented(
    message = "the inner service `{Self}` is not `Clone`",
    label = "this layer calls clones of its inner service",
    note = "put a `Buffer` between the two: `.buffer(n)` of `tower::ServiceBuilder` below this layer"
)]
pub trait CloneService: Clone {}

#[diagnostic::do_not_recommend]
impl<S: Clone> CloneService for S {}
