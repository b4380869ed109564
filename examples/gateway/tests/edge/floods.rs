//! Clients that send without measure over HTTP/2. The gateway's memory and log stay small, and another client is served.

use std::net::SocketAddr;

use http::StatusCode;

use crate::{
    gateway::Gateway,
    h2::connection::{
        CONTINUATION, Connection, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
        frame,
    },
    h2::hpack,
    message::bytes,
    row::{Request, http2},
    runner::Bench,
};

/// Far below what is sent, and above what the sockets and the allocator need.
const MEMORY: u64 = 24 << 20;
/// How much each flood sends on each of its connections.
const LENGTH: usize = 4 << 20;
const CONNECTIONS: usize = 4;
const LOG_LINES: usize = 5;

/// Opens connections, sends a flood on each, and returns what the gateway did to the others.
async fn flood(start: &[u8], repeated: &[u8]) {
    let mut bench = Bench::with_settings(&[]).await;
    let address = bench.gateway.address();
    bench.gateway.get("/api/v1/x").await;
    let before = bench.gateway.process().memory();
    let floods = (0..CONNECTIONS).map(|_| send(address, start, repeated));
    futures_util::future::join_all(floods).await;
    assert_eq!(bench.gateway.get("/api/v1/x").await.status, StatusCode::OK);
    let after = bench.gateway.process().memory();
    assert!(after.peak < before.now + MEMORY, "{before:?} {after:?}");
    let log = log(&mut bench.gateway);
    assert!(log.lines().count() <= LOG_LINES, "{log}");
}

fn log(gateway: &mut Gateway) -> String {
    gateway.process().log()
}

/// Sends on connections, one after the other, until all bytes were sent. The gateway may close each.
async fn send(address: SocketAddr, start: &[u8], repeated: &[u8]) {
    let unit = repeated.repeat((64 << 10) / repeated.len() + 1);
    let mut sent = 0;
    while sent < LENGTH {
        let mut connection = Connection::open(address).await.unwrap();
        let mut is_open = connection.write(start).await;
        while is_open && sent < LENGTH {
            // What the gateway sends is not read: its answers to pings and settings must not pile up.
            is_open = connection.write(&unit).await;
            sent += unit.len();
        }
        // A gateway that closes at once must not make the test endless.
        sent += unit.len();
    }
}

fn block(request: &Request) -> Vec<u8> {
    let fields: Vec<_> = request.fields.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
    hpack::encode(&fields)
}

fn head(flags: u8) -> Vec<u8> {
    frame(HEADERS, flags, 1, &block(&http2("POST", "/api/v1/x")))
}

/// CVE-2023-44487: streams that are opened and reset.
#[tokio::test]
async fn rapid_reset() {
    let block = block(&http2("GET", "/api/v1/x"));
    let stream = |nth: u32| {
        let id = 2 * nth + 1;
        let cancel = 8_u32.to_be_bytes();
        [frame(HEADERS, END_HEADERS | END_STREAM, id, &block), frame(RST_STREAM, 0, id, &cancel)].concat()
    };
    let streams: Vec<u8> = (0..2_000).flat_map(stream).collect();
    flood(&[], &streams).await;
}

/// CVE-2025-8671: streams that the server must reset, because the client sends a wrong frame on each.
#[tokio::test]
async fn streams_that_the_server_resets() {
    let block = block(&http2("GET", "/api/v1/x"));
    let stream = |nth: u32| {
        let id = 2 * nth + 1;
        [frame(HEADERS, END_HEADERS | END_STREAM, id, &block), frame(WINDOW_UPDATE, 0, id, &[0; 4])].concat()
    };
    let streams: Vec<u8> = (0..2_000).flat_map(stream).collect();
    flood(&[], &streams).await;
}

/// CVE-2024-27316: a head that does not end.
#[tokio::test]
async fn continuation() {
    let fields = vec![(b"x-a".to_vec(), vec![b'x'; 1_000]); 15];
    flood(&head(0), &frame(CONTINUATION, 0, 1, &hpack::encode(&fields))).await;
}

#[tokio::test]
async fn empty_continuation() {
    flood(&head(0), &frame(CONTINUATION, 0, 1, &[])).await;
}

/// CVE-2019-9512.
#[tokio::test]
async fn pings() {
    flood(&[], &frame(PING, 0, 0, b"12345678")).await;
}

/// CVE-2019-9515.
#[tokio::test]
async fn settings() {
    flood(&[], &frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])).await;
}

#[tokio::test]
async fn window_updates() {
    flood(&[], &frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())).await;
}

#[tokio::test]
async fn unknown_frames() {
    flood(&[], &frame(0x77, 0, 0, &[0; 100])).await;
}

/// CVE-2019-9518.
#[tokio::test]
async fn empty_data() {
    flood(&head(END_HEADERS), &frame(DATA, 0, 1, &[])).await;
}

#[tokio::test]
async fn data_of_one_byte() {
    flood(&head(END_HEADERS), &frame(DATA, 0, 1, b"x")).await;
}

/// A head of few bytes that names a large field of the dynamic table again and again.
#[tokio::test]
async fn compressed_head() {
    let large = [&[0x40, 3][..], b"x-a", &[127, 0xbd, 0x1d], &[b'v'; 3_900]].concat();
    let block = [block(&http2("GET", "/api/v1/x")), large, vec![0xbe; 12_000]].concat();
    let stream = |nth: u32| frame(HEADERS, END_HEADERS | END_STREAM, 2 * nth + 1, &block);
    let streams: Vec<u8> = (0..16).flat_map(stream).collect();
    flood(&[], &streams).await;
}
