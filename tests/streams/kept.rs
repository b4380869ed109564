//! How long a permit is kept, and what the end of a body means, over real sockets.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use mainstay_failover::stack::StandardHandles;

use crate::{
    client::{Answer, VERSIONS, in_flight, send},
    origin::Origin,
};

async fn get(origin: &Origin, version: http::Version, path: &str) -> (Answer, StandardHandles) {
    send(version, Request::get(origin.url(path)).body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}

/// It was good as far as it was wanted. Left out, the few bad answers to callers that look at the status only would be
/// "failures in a row", and the endpoint would be left with nearly all of its answers good.
#[tokio::test]
async fn an_answer_that_nobody_reads_on_gives_its_permit_back_and_is_a_success() {
    let origin = Origin::start();
    for version in VERSIONS {
        for frames in 0..2 {
            let (mut answer, handles) = get(&origin, version, "/download/100").await;
            for _ in 0..frames {
                answer.body_mut().frame().await.unwrap().unwrap();
            }
            assert_eq!(in_flight(&handles), 1);
            drop(answer);
            let breaker = &handles.failover.snapshot().endpoints[0].breaker;
            assert_eq!((in_flight(&handles), breaker.successes, breaker.failures), (0, 1, 0));
        }
    }
}

#[tokio::test]
async fn an_answer_that_stalls_until_its_caller_gives_up_says_nothing() {
    let origin = Origin::start();
    for version in VERSIONS {
        let (mut answer, handles) = get(&origin, version, "/stall").await;
        answer.body_mut().frame().await.unwrap().unwrap();
        assert!(answer.body_mut().frame().now_or_never().is_none());
        drop(answer);
        let breaker = &handles.failover.snapshot().endpoints[0].breaker;
        assert_eq!((in_flight(&handles), breaker.successes, breaker.ignored), (0, 0, 1));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure_though_its_head_was_fine() {
    let origin = Origin::start();
    for version in VERSIONS {
        let (answer, handles) = get(&origin, version, "/cut").await;
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap_err();
        let breaker = &handles.failover.snapshot().endpoints[0].breaker;
        assert_eq!((in_flight(&handles), breaker.successes, breaker.failures), (0, 0, 1));
    }
}
