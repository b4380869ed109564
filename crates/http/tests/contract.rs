//! The Tower contract, for the layers of this crate.

use mainstay_core::{
    Rejected,
    test::{Answer, Expect, contract},
};
use mainstay_http::{RejectionLayer, rejection::Respond};

/// Makes the probe service's responses, which are numbers.
#[derive(Clone)]
struct Numbered;

impl Respond<Answer> for Numbered {
    fn respond(&self, _: Option<&Rejected>) -> Answer {
        Answer::from(502)
    }
}

#[test]
fn rejection_layer_keeps_the_contract() {
    contract("rejection", Expect::default().answers_for_inner(), || RejectionLayer::new().with_policy(Numbered));
}

#[cfg(feature = "tonic")]
#[test]
fn grpc_status_layer_keeps_the_contract() {
    contract("grpc status", Expect::default().answers_for_inner(), mainstay_http::grpc::GrpcStatusLayer::new);
}
