//! The response of a protocol in place of an error.

use http::Response;
use mainstay_core::Rejected;

use crate::{
    policy::{grpc::Grpc, http::Http},
    rejection::response::{
        bad_gateway_response, grpc_rejection_response, grpc_unavailable_response, rejection_response,
    },
};

/// Makes the response that a client gets for a rejection, or for an error that is not a rejection.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot make a `{Res}` for a rejection",
    label = "no `Respond<{Res}>` for this policy",
    note = "`Http` makes any `http::Response<B>` where `B: From<String>` (axum's body, `Full<Bytes>`), `Grpc` where `B: Default`"
)]
pub trait Respond<Res> {
    /// Returns the response to the rejection; with `None`, to any other error.
    fn respond(&self, rejected: Option<&Rejected>) -> Res;
}

// === impl Respond ===

// Otherwise the compiler reports only that the body is not `From<String>`, and not what requires it.
#[diagnostic::do_not_recommend]
impl<B: From<String>> Respond<Response<B>> for Http {
    fn respond(&self, rejected: Option<&Rejected>) -> Response<B> {
        rejected.map_or_else(bad_gateway_response, rejection_response).map(B::from)
    }
}

#[diagnostic::do_not_recommend]
impl<B: Default> Respond<Response<B>> for Grpc {
    fn respond(&self, rejected: Option<&Rejected>) -> Response<B> {
        rejected.map_or_else(grpc_unavailable_response, grpc_rejection_response)
    }
}
