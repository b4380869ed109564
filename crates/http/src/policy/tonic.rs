//! The gRPC policy for the result types of a generated client.

use mainstay_core::{BoxError, Classify, Follow, Outcome};
use tonic::{Response, Status};

use crate::{
    grpc::error::GrpcError,
    policy::{
        error::{classify_error, classify_grpc_status},
        grpc::Grpc,
    },
};

impl<T> Classify<Response<T>, Status> for Grpc {
    fn classify(&self, result: Result<&Response<T>, &Status>) -> Outcome {
        result.map_or_else(classify_grpc_status, |_| Outcome::Success)
    }
}

impl<T> Classify<Response<T>, GrpcError> for Grpc {
    fn classify(&self, result: Result<&Response<T>, &GrpcError>) -> Outcome {
        result.map_or_else(classify_error, |_| Outcome::Success)
    }
}

impl<T> Classify<Response<T>, BoxError> for Grpc {
    fn classify(&self, result: Result<&Response<T>, &BoxError>) -> Outcome {
        result.map_or_else(classify_error, |_| Outcome::Success)
    }
}

/// The messages of a generated client are decoded, so its streams are not followed. Put the layers around the `Channel`
/// to have streams followed.
impl<T> Follow<Response<T>> for Grpc {}
