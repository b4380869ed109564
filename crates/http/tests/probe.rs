//! The HTTP probe over real sockets.
#![cfg(feature = "probe")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use mainstay_http::probe::HttpProbe;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Defect: a probe failed on an idle connection that the service had closed, and on a head of more than 100 fields.
#[tokio::test]
async fn probe_opens_a_connection_for_each_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = HttpProbe::new(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let connections = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Relaxed);
            tokio::spawn(async move {
                let fields = "x: y\r\n".repeat(500);
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{fields}\r\n");
                while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    for sent in 1..=3 {
        probe.clone().send().await.unwrap();
        assert_eq!(connections.load(Relaxed), sent);
    }
}
