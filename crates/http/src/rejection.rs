//! Rejections as responses.

mod layer;
mod respond;
pub(crate) mod response;

pub use layer::{Rejection, RejectionFuture, RejectionLayer};
pub use respond::Respond;
pub use response::{
    PROBLEM_JSON, bad_gateway_response, grpc_rejection_code, grpc_rejection_response, grpc_unavailable_response,
    rejection_response, rejection_status,
};
