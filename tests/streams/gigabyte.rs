//! A gigabyte each way through the standard stack, with retries and permits, in constant memory.

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

/// The most bytes alive at once: above h2's windows as hyper sets them (2 MiB a stream, 5 MiB a connection), which limit
/// the unread bytes, and below a hundredth of the bytes sent.
const MOST: u64 = 8 << 20;

/// Runs `work` on this thread, and returns the most bytes that were alive at once.
fn peak(work: impl Future<Output = ()>) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    allocation_counter::measure(|| runtime.block_on(work)).bytes_max
}

/// Four tests, so that they can run in parallel: a gigabyte takes long without optimisation.
#[test]
fn gigabyte_down_over_http1_takes_constant_memory() {
    down(Version::HTTP_11);
}

#[test]
fn gigabyte_down_over_http2_takes_constant_memory() {
    down(Version::HTTP_2);
}

#[test]
fn gigabyte_up_over_http1_takes_constant_memory() {
    up(Version::HTTP_11);
}

#[test]
fn gigabyte_up_over_http2_takes_constant_memory() {
    up(Version::HTTP_2);
}

fn down(version: Version) {
    let origin = Origin::start();
    let peak = peak(async {
        let url = origin.url(&format!("/download/{}", GIGABYTE / CHUNK as u64));
        let (response, handles) = send(version, Request::get(url).body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let (mut body, mut bytes) = (response.into_body(), 0);
        while let Some(frame) = body.frame().await {
            bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
            assert!(bytes == GIGABYTE || in_flight(&handles) == 1, "the permit is held to the last byte");
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
        // The key permits a repeat until the body exceeds the replay buffer.
        let request = Request::post(origin.url("/upload")).header("idempotency-key", "7").body(body).unwrap();
        let (response, _) = send(version, request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), GIGABYTE.to_string());
    });
    assert!(peak < MOST, "{peak} bytes at once");
}
