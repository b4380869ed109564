//! A client with control over its connection.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::process::TEST_TIMEOUT;

/// The time until a connect is started anew. Linux drops a SYN that meets a listener while it closes, and repeats the
/// SYN only after a second.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(100);

pub(crate) struct Connection(TcpStream);

// === impl Connection ===

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> Self {
        Self::try_open(to).await.unwrap()
    }

    /// Returns `None` if the connection is refused.
    pub(crate) async fn try_open(to: SocketAddr) -> Option<Self> {
        let open = async {
            loop {
                if let Ok(connected) = timeout(CONNECT_TIMEOUT, TcpStream::connect(to)).await {
                    return connected.ok().map(Self);
                }
            }
        };
        timeout(TEST_TIMEOUT, open).await.expect("connected or refused in time")
    }

    pub(crate) async fn write(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    pub(crate) async fn send(&mut self, path: &str) {
        self.write(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    }

    /// Sends a request and reads its whole short answer. `None` if the connection is reset before the answer.
    pub(crate) async fn try_get(&mut self, path: &str) -> Option<String> {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.ok()?;
        let is_open = timeout(TEST_TIMEOUT, self.0.peek(&mut [0])).await.expect("an answer in time");
        is_open.ok()?;
        Some(self.answer().await)
    }

    /// Sends a request and reads its whole short answer.
    pub(crate) async fn get(&mut self, path: &str) -> String {
        self.send(path).await;
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let (mut answer, mut chunk) = (String::new(), [0; 4096]);
        while !is_whole(&answer) {
            let read = timeout(TEST_TIMEOUT, self.0.read(&mut chunk)).await.expect("an answer in time").unwrap();
            assert!(read > 0, "closed within an answer: {answer:?}");
            answer.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        }
        answer
    }

    /// Returns the bytes until the gateway closes. None if it resets the connection.
    pub(crate) async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let _ = timeout(TEST_TIMEOUT, self.0.read_to_end(&mut rest)).await.expect("the gateway closes");
        String::from_utf8(rest).unwrap()
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() == length.expect(head).parse::<usize>().unwrap()
}
