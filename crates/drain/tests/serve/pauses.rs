//! Clients that pause: each pause is limited, and the length of an exchange is not.

use std::time::Duration;

use mainstay_drain::{Cause, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    pipes::connect,
    running::{LONG, MS, Running, closes, read_until, send_get},
};

/// Settings of which one is short, so that a test shows that it applies.
const LIMITS: ServerSettings = ServerSettings {
    head_timeout: LONG,
    idle_timeout: LONG,
    write_timeout: LONG,
    max_connections: 10,
    max_head_bytes: 65_536,
};

/// The preface of HTTP/2, and settings with this window for each stream.
async fn http2(running: &Running, window: u32) -> TcpStream {
    let mut stream = running.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(4, 0, 0, &[&[0, 4], &window.to_be_bytes()[..]].concat())).await.unwrap();
    stream
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// GET of a path on this stream.
fn get(stream: u8, path: &str) -> Vec<u8> {
    let block = [&[0x82, 0x86, 0x44, path.len() as u8], path.as_bytes(), &[0x41, 4], b"test"].concat();
    frame(1, 5, stream, &block)
}

/// Reads frames until one of this kind, and returns its payload.
async fn until_frame(stream: &mut TcpStream, kind: u8) -> Vec<u8> {
    timeout(LONG, async {
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            stream.read_exact(&mut payload).await.unwrap();
            if head[3] == kind {
                return payload;
            }
        }
    })
    .await
    .expect("a frame")
}

#[tokio::test]
async fn client_that_reads_nothing_is_closed_at_the_write_timeout() {
    let running = Running::limited(ServerSettings { write_timeout: 100 * MS, ..LIMITS }).await;
    let mut stream = running.connect().await;
    send_get(&mut stream, "/big").await;
    stream.readable().await.unwrap();
    running.drain.begin(Cause::Interrupt);
    // The drain waits for the request, and has no limit.
    assert_eq!(running.end().await.to_string(), "accepted 1, completed 0, aborted 0, refused 0, cancelled 1");
}

#[tokio::test]
async fn http2_client_with_zero_window_gets_its_stream_reset() {
    let running = Running::limited(ServerSettings { write_timeout: 100 * MS, ..LIMITS }).await;
    let mut stream = http2(&running, 0).await;
    stream.write_all(&get(1, "/big")).await.unwrap();
    assert_eq!(until_frame(&mut stream, 3).await, [0, 0, 0, 8], "RST_STREAM with CANCEL");
    // The connection serves further requests: this one has no body to wait for.
    stream.write_all(&get(3, "/empty")).await.unwrap();
    until_frame(&mut stream, 1).await;
    drop(stream);
    running.drain.begin(Cause::Interrupt);
    assert_eq!(running.end().await.to_string(), "accepted 2, completed 1, aborted 0, refused 0, cancelled 1");
}

/// h2 answers one ping at a time and reads no further until the answer is written: a flood of them ends at the write
/// timeout, and so does one of settings.
#[tokio::test]
async fn http2_client_that_floods_pings_or_settings_and_reads_nothing_is_closed() {
    for flood in [frame(6, 0, 0, &[0; 8]), frame(4, 0, 0, &[])] {
        let running = Running::limited(ServerSettings { write_timeout: 100 * MS, ..LIMITS }).await;
        let mut stream = http2(&running, 65_535).await;
        let flood = flood.repeat(1000);
        timeout(LONG, async { while stream.write_all(&flood).await.is_ok() {} }).await.expect("it is closed");
    }
}

#[tokio::test]
async fn idle_connection_closes_at_the_idle_timeout() {
    let running = Running::limited(ServerSettings { idle_timeout: 50 * MS, ..LIMITS }).await;
    let mut stream = running.connect().await;
    send_get(&mut stream, "/").await;
    read_until(&mut stream, "hello").await;
    assert!(closes(&mut stream).await);
}

#[tokio::test]
async fn idle_http2_connection_gets_goaway_at_the_idle_timeout() {
    let running = Running::limited(ServerSettings { idle_timeout: 100 * MS, ..LIMITS }).await;
    let mut stream = http2(&running, 65_535).await;
    until_frame(&mut stream, 7).await;
    // It does not close by itself, and is closed.
    assert!(closes(&mut stream).await);
}

#[tokio::test(start_paused = true)]
async fn connection_with_half_a_further_head_closes_at_the_head_timeout() {
    let mut stream = connect(ServerSettings::default(), 1024);
    send_get(&mut stream, "/").await;
    read_until(&mut stream, "hello").await;
    // Longer than the head timeout, which does not apply between two requests.
    sleep(Duration::from_secs(20)).await;
    send_get(&mut stream, "/").await;
    read_until(&mut stream, "hello").await;
    let begun = Instant::now();
    stream.write_all(b"GET / HT").await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
}

/// The time of a slow handler, or of a slow body, is no pause between requests.
#[tokio::test(start_paused = true)]
async fn slow_request_is_no_pause() {
    let short = Duration::from_millis(50);
    let limits = ServerSettings { head_timeout: short, idle_timeout: short, write_timeout: short, ..LIMITS };
    let mut stream = connect(limits, 1024);
    send_get(&mut stream, "/slow").await;
    read_until(&mut stream, "\r\n\r\n").await;
    let mut stream = connect(limits, 1024);
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\nab").await.unwrap();
    sleep(4 * short).await;
    stream.write_all(b"cd").await.unwrap();
    read_until(&mut stream, "abcd").await;
}
