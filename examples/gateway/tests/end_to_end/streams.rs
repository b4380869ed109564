//! Bodies stream both ways: the gateway's memory does not grow with their length.

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::Request;
use http_body_util::BodyExt;

use crate::{
    client::stream as exchange,
    gateway::{Backend, Gateway},
};

const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 1600;
const LENGTH: usize = CHUNK * CHUNKS;
/// Room for buffers of sockets, of the client and of one replayable body. Far below the body's length.
const MEMORY: u64 = 12 << 20;

/// Reads the body and compares every byte with the pattern, without keeping any.
async fn read(mut body: Body, pattern: &[u8]) -> usize {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let mut data: &[u8] = &frame.unwrap().into_data().unwrap_or_default();
        while !data.is_empty() {
            let expected = &pattern[length % pattern.len()..];
            let same = data.len().min(expected.len());
            assert!(data[..same] == expected[..same], "the body differs near byte {length}");
            (data, length) = (&data[same..], length + same);
        }
    }
    length
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_download_does_not_grow_memory() {
    let backend = Backend::start("primary");
    let mut gateway = Gateway::before(&backend, &[]);
    gateway.get("/api/v1/bytes/1000000").await;
    let before = gateway.process().memory();
    let uri = format!("http://{}/api/v1/bytes/{LENGTH}", gateway.address());
    let response = exchange(Request::get(uri).body(Body::empty()).unwrap()).await;
    assert_eq!(read(response.into_body(), &[0; CHUNK]).await, LENGTH);
    let after = gateway.process().memory();
    assert!(after.peak < before.now + MEMORY, "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_upload_and_download_does_not_grow_memory() {
    let backend = Backend::start("primary");
    let mut gateway = Gateway::before(&backend, &[]);
    gateway.get("/api/v1/bytes/1000000").await;
    let before = gateway.process().memory();
    let pattern: Vec<u8> = (0..CHUNK).map(|i| (i % 251) as u8).collect();
    let chunk = Bytes::from(pattern.clone());
    let chunks = stream::iter((0..CHUNKS).map(move |_| Ok::<_, std::convert::Infallible>(chunk.clone())));
    let uri = format!("http://{}/api/v1/stream", gateway.address());
    let response = exchange(Request::post(uri).body(Body::from_stream(chunks)).unwrap()).await;
    assert_eq!(read(response.into_body(), &pattern).await, LENGTH);
    let after = gateway.process().memory();
    assert!(after.peak < before.now + MEMORY, "{before:?} {after:?}");
}

/// A truncated body must not look complete.
#[tokio::test]
async fn download_from_killed_primary_ends_with_error() {
    let mut backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[]);
    let uri = format!("http://{}/api/v1/bytes/{LENGTH}", gateway.address());
    let mut body = exchange(Request::get(uri).body(Body::empty()).unwrap()).await.into_body();
    body.frame().await.unwrap().unwrap();
    backend.process().signal("KILL");
    assert!(body.collect().await.is_err());
}
