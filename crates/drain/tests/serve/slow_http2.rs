//! HTTP/2 clients that answer no ping, acknowledge no settings, or read slowly, under a paused clock.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::frames::{Client, DATA, END_STREAM, PING, RST_STREAM, WINDOW_UPDATE, frame, request};

const SECOND: Duration = Duration::from_secs(1);
const ROOM: usize = 64 * 1024;
const LARGEST_WINDOW: u32 = 0x7fff_ffff;

#[tokio::test(start_paused = true)]
async fn client_that_answers_no_ping_is_closed() {
    let mut client = Client::connect(ROOM, LARGEST_WINDOW).await;
    client.write(&request(1, "/never")).await;
    let (asked, mut pings) = (Instant::now(), 0);
    while let Some(frames) = client.read(ROOM).await {
        pings += frames.iter().filter(|frame| frame.kind == PING).count();
    }
    // A ping is sent after 30 s of silence, and the client has 20 s for its answer.
    let closed = asked.elapsed();
    assert!((50 * SECOND..52 * SECOND).contains(&closed), "{closed:?}");
    assert_eq!(pings, 1);
}

#[tokio::test(start_paused = true)]
async fn client_that_answers_pings_and_waits_for_its_response_stays() {
    let mut client = Client::connect(ROOM, LARGEST_WINDOW).await;
    client.write(&request(1, "/never")).await;
    let mut pings = 0;
    let answering = async {
        while let Some(frames) = client.read(ROOM).await {
            for frame in frames {
                pings += u32::from(frame.kind == PING);
                client.answer(&frame).await;
            }
        }
    };
    assert!(timeout(600 * SECOND, answering).await.is_err(), "it is not closed");
    assert!(pings >= 10, "{pings}");
}

/// h2 has no time for their acknowledgement: the server's limits apply without it.
#[tokio::test(start_paused = true)]
async fn settings_that_are_not_acknowledged_apply() {
    let mut client = Client::connect(ROOM, LARGEST_WINDOW).await;
    for stream in 0..101 {
        client.write(&request(2 * stream + 1, "/never")).await;
    }
    let refused = loop {
        let frames = client.read(ROOM).await.expect("it is not closed");
        if let Some(reset) = frames.into_iter().find(|frame| frame.kind == RST_STREAM) {
            break reset;
        }
    };
    assert_eq!((refused.stream, &*refused.payload), (201, &[0, 0, 0, 7][..]), "REFUSED_STREAM for the last one");
}

/// The window opens by one piece within each write timeout, and the whole response takes longer.
#[tokio::test(start_paused = true)]
async fn client_that_opens_its_window_slowly_gets_the_whole_response() {
    let mut client = Client::connect(ROOM, 0).await;
    client.write(&request(1, "/pieces")).await;
    let mut received = 0;
    while received < 128 * 1024 {
        // Within the time for the answer to a ping, too.
        sleep(15 * SECOND).await;
        client.write(&frame(WINDOW_UPDATE, 0, 1, &(16 * 1024_u32).to_be_bytes())).await;
        let expected = received + 16 * 1024;
        while received < expected {
            for frame in client.read(ROOM).await.expect("it is not closed") {
                assert_ne!(frame.kind, RST_STREAM, "after {received} bytes");
                client.answer(&frame).await;
                received += if frame.kind == DATA { frame.payload.len() } else { 0 };
            }
        }
    }
}

/// Defect: streams that share a slow connection were reset, although their client took all that the connection had.
#[tokio::test(start_paused = true)]
async fn streams_that_share_a_slow_connection_are_not_reset() {
    const STREAMS: u8 = 16;
    const PIECE: usize = 4 * 1024;
    let mut client = Client::connect(PIECE, LARGEST_WINDOW).await;
    for stream in 0..STREAMS {
        client.write(&request(2 * stream + 1, "/pieces")).await;
    }
    let (mut received, mut ended) = (0, 0);
    while ended < STREAMS {
        // A piece of one stream takes 64 s in turn with those of the others.
        sleep(SECOND).await;
        for frame in client.read(PIECE).await.expect("it is not closed") {
            assert_ne!(frame.kind, RST_STREAM, "stream {} after {received} bytes", frame.stream);
            client.answer(&frame).await;
            if frame.kind == DATA {
                received += frame.payload.len();
                ended += frame.flags & END_STREAM;
            }
        }
    }
    assert_eq!(received, usize::from(STREAMS) * 128 * 1024);
}
