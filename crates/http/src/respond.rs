//! What a protocol answers instead of an error.

use http::Response;
use mainstay_core::Rejected;

use crate::{Grpc, Http, bad_gateway, grpc_response, grpc_unavailable, response};

/// Says how a protocol shows a refusal, or an error that is none, to its client.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot make a `{Res}` of a refusal",
    label = "no `Respond<{Res}>` for this policy",
    note = "`Http` makes any `http::Response<B>` where `B: From<String>` (axum's body, `Full<Bytes>`), `Grpc` where `B: Default`"
)]
pub trait Respond<Res> {
    /// The response: to the refusal, or to an error that is not one of ours.
    fn respond(&self, rejected: Option<&Rejected>) -> Res;
}

// === impl Respond ===

// Or the compiler would only say that the body is not `From<String>`, and not what for.
#[diagnostic::do_not_recommend]
impl<B: From<String>> Respond<Response<B>> for Http {
    fn respond(&self, rejected: Option<&Rejected>) -> Response<B> {
        rejected.map_or_else(bad_gateway, response).map(B::from)
    }
}

#[diagnostic::do_not_recommend]
impl<B: Default> Respond<Response<B>> for Grpc {
    fn respond(&self, rejected: Option<&Rejected>) -> Response<B> {
        rejected.map_or_else(grpc_unavailable, grpc_response)
    }
}
