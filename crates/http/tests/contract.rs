//! The Tower contract, over the layers of this crate.

use mainstay_core::{
    Rejected,
    test::{Answer, Expect, contract},
};
use mainstay_http::{RejectionLayer, Respond};

/// The probe's answers have no status, so they get a number.
#[derive(Clone)]
struct Numbered;

impl Respond<Answer> for Numbered {
    fn respond(&self, _: Option<&Rejected>) -> Answer {
        Answer::from(502)
    }
}

#[test]
fn rejection() {
    contract("rejection", Expect::default().answers_for_inner(), || RejectionLayer::new().with_policy(Numbered));
}

#[cfg(feature = "tonic")]
#[test]
fn grpc_status() {
    contract("grpc status", Expect::default().answers_for_inner(), mainstay_http::GrpcStatusLayer::new);
}
