//! A gigabyte each way through the standard stack: retries on, permits counted, and memory flat.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use mainstay_http::Replayable;

use crate::{
    client::{in_flight, send},
    origin::{CHUNK, Origin},
};

const GIGABYTE: u64 = 1 << 30;

/// Above h2's windows as hyper sets them (2 MiB a stream, 5 MiB a connection), which are what a reader may be behind, and
/// below a hundredth of what goes through.
const MOST: u64 = 8 << 20;

/// Runs it on this thread, and gives the most bytes that were alive at once.
fn peak(work: impl Future<Output = ()>) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    allocation_counter::measure(|| runtime.block_on(work)).bytes_max
}

/// One test each, so that they can run side by side: a gigabyte takes its time without optimisation.
#[test]
fn a_gigabyte_down_over_http1_takes_no_memory() {
    down(Version::HTTP_11);
}

#[test]
fn a_gigabyte_down_over_http2_takes_no_memory() {
    down(Version::HTTP_2);
}

#[test]
fn a_gigabyte_up_over_http1_takes_no_memory() {
    up(Version::HTTP_11);
}

#[test]
fn a_gigabyte_up_over_http2_takes_no_memory() {
    up(Version::HTTP_2);
}

fn down(version: Version) {
    let origin = Origin::start();
    let peak = peak(async {
        let url = origin.url(&format!("/download/{}", GIGABYTE / CHUNK as u64));
        let (answer, handles) = send(version, Request::get(url).body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let (mut body, mut bytes) = (answer.into_body(), 0);
        while let Some(frame) = body.frame().await {
            bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
            assert!(bytes == GIGABYTE || in_flight(&handles) == 1, "kept to the last byte");
        }
        let successes = handles.failover.snapshot().endpoints[0].breaker.successes;
        assert_eq!((bytes, in_flight(&handles), successes), (GIGABYTE, 0, 1));
    });
    assert!(peak < MOST, "{peak} bytes at once");
}

fn up(version: Version) {
    let origin = Origin::start();
    let peak = peak(async {
        let chunk = Bytes::from(vec![b'x'; CHUNK]);
        let frames = (0..GIGABYTE / CHUNK as u64).map(move |_| Ok::<_, Infallible>(Frame::data(chunk.clone())));
        let body = Replayable::new(StreamBody::new(stream::iter(frames)));
        // May be repeated, by its key, until it has outgrown what is kept of it.
        let request = Request::post(origin.url("/upload")).header("idempotency-key", "7").body(body).unwrap();
        let (answer, _) = send(version, request).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), GIGABYTE.to_string());
    });
    assert!(peak < MOST, "{peak} bytes at once");
}
