//! A client that writes everything before it reads gets its answer, and not a reset.

use mainstay_drain::{Cause, ServerSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::running::{LONG, Running, read_until};

/// Far more than the buffers of the sockets take.
const UPLOAD: usize = 24 * 1024 * 1024;

async fn answer_to(head: String, body: &[u8]) -> String {
    let running = Running::limited(ServerSettings::default()).await;
    let mut stream = running.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(LONG, async {
        stream.write_all(body).await.expect("the server reads on");
        stream.read_to_end(&mut answer).await.expect("no reset");
    })
    .await
    .unwrap();
    drop(stream);
    running.drain.begin(Cause::Interrupt);
    assert!(running.end().await.is_clean());
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn refused_upload_of_known_length_gets_its_answer() {
    let head = format!("POST /refuse HTTP/1.1\r\nhost: test\r\ncontent-length: {UPLOAD}\r\n\r\n");
    let answer = answer_to(head, &vec![b'x'; UPLOAD]).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("refused"), "{answer}");
}

#[tokio::test]
async fn refused_chunked_upload_gets_its_answer() {
    let head = "POST /refuse HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let body = [format!("{UPLOAD:x}\r\n").as_bytes(), &vec![b'x'; UPLOAD], b"\r\n0\r\n\r\n"].concat();
    let answer = answer_to(head, &body).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("refused"), "{answer}");
}

/// The client must not send its next request behind a body that the server does not read.
#[tokio::test]
async fn response_before_the_body_is_read_closes_the_connection() {
    let request = |fields: &str| format!("POST /refuse HTTP/1.1\r\nhost: test\r\n{fields}\r\n");
    for fields in
        ["content-length: 3\r\nexpect: 100-continue\r\n", "content-length: 70000\r\n", "transfer-encoding: chunked\r\n"]
    {
        let answer = answer_to(request(fields), b"").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("connection: close"), "{fields}: {answer}");
    }
}

/// A refusal under load costs the client no new connection.
#[tokio::test]
async fn response_to_a_short_unread_body_keeps_the_connection() {
    let running = Running::limited(ServerSettings::default()).await;
    let mut stream = running.connect().await;
    for _ in 0..2 {
        stream.write_all(b"POST /refuse HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
        let answer = read_until(&mut stream, "refused").await;
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    running.drain.begin(Cause::Interrupt);
    assert!(running.end().await.is_clean());
}

/// hyper answers 431 by itself, and the head has not ended.
#[tokio::test]
async fn endless_head_gets_its_answer() {
    let head = "GET / HTTP/1.1\r\nhost: test\r\nx-long: ".to_owned();
    let answer = answer_to(head, &vec![b'x'; UPLOAD]).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// The server reads on for a bounded amount and time.
#[tokio::test]
async fn client_that_sends_without_end_is_closed() {
    let running = Running::limited(ServerSettings::default()).await;
    let mut stream = running.connect().await;
    let head = format!("POST /refuse HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", u64::MAX >> 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 1024 * 1024];
    timeout(LONG, async { while stream.write_all(&piece).await.is_ok() {} }).await.expect("it is closed");
    drop(stream);
    running.drain.begin(Cause::Interrupt);
    assert!(running.end().await.is_clean());
}
