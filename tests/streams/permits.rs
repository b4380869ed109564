//! How long a permit is held, and the outcome at the end of a body, over real sockets.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use mainstay_failover::stack::StandardHandles;

use crate::{
    client::{StreamResponse, VERSIONS, in_flight, send},
    origin::Origin,
};

async fn get(origin: &Origin, version: http::Version, path: &str) -> (StreamResponse, StandardHandles) {
    send(version, Request::get(origin.url(path)).body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}

/// Callers that read only the status drop the body. If such a response were ignored, the few bad responses would be
/// consecutive failures, and traffic would leave an endpoint whose responses are nearly all good.
#[tokio::test]
async fn dropped_body_releases_the_permit_and_is_a_success() {
    let origin = Origin::start();
    for version in VERSIONS {
        for frames in 0..2 {
            let (mut response, handles) = get(&origin, version, "/download/100").await;
            for _ in 0..frames {
                response.body_mut().frame().await.unwrap().unwrap();
            }
            assert_eq!(in_flight(&handles), 1);
            drop(response);
            let breaker = &handles.failover.snapshot().endpoints[0].breaker;
            assert_eq!((in_flight(&handles), breaker.successes, breaker.failures), (0, 1, 0));
        }
    }
}

#[tokio::test]
async fn body_dropped_while_stalled_is_ignored() {
    let origin = Origin::start();
    for version in VERSIONS {
        let (mut response, handles) = get(&origin, version, "/stall").await;
        response.body_mut().frame().await.unwrap().unwrap();
        assert!(response.body_mut().frame().now_or_never().is_none());
        drop(response);
        let breaker = &handles.failover.snapshot().endpoints[0].breaker;
        assert_eq!((in_flight(&handles), breaker.successes, breaker.ignored), (0, 0, 1));
    }
}

#[tokio::test]
async fn body_that_breaks_off_is_a_failure() {
    let origin = Origin::start();
    for version in VERSIONS {
        let (response, handles) = get(&origin, version, "/cut").await;
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap_err();
        let breaker = &handles.failover.snapshot().endpoints[0].breaker;
        assert_eq!((in_flight(&handles), breaker.successes, breaker.failures), (0, 0, 1));
    }
}
