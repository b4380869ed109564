//! Servers that are none of Redis.

use std::time::Duration;

use mainstay_store::{StorageErrorKind, Store, StoreSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{outages::path_within, server::settings};

const MINUTE: Duration = Duration::from_secs(60);

/// What a server does that is none.
#[derive(Clone, Copy)]
enum Hostile {
    /// It accepts and answers nothing.
    Silent,
    /// It answers with another protocol.
    Foreign,
    /// It announces a long answer and sends it without an end.
    Endless,
    /// It ends each connection.
    Closes,
}

async fn hostile(behaviour: Hostile) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(misbehave(stream, behaviour));
        }
    });
    url
}

async fn misbehave(mut stream: TcpStream, behaviour: Hostile) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    match behaviour {
        Hostile::Silent => std::future::pending().await,
        Hostile::Closes => {}
        Hostile::Foreign => {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = stream.read(&mut request).await;
        }
        Hostile::Endless => {
            let _ = stream.write_all(b"$500000000\r\n").await;
            while stream.write_all(&[0; 1024]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn hostile_server_costs_one_wait() {
    for behaviour in [Hostile::Silent, Hostile::Foreign, Hostile::Endless, Hostile::Closes] {
        let settings = StoreSettings {
            timeout: Duration::from_millis(200),
            max_retries: 1,
            ..settings(&hostile(behaviour).await)
        };
        let store = Store::from_config(&settings).unwrap();
        let (path, fast, _) = path_within(&store, Duration::from_millis(200));
        assert!(store.set("key", &1, MINUTE).await.unwrap_err().is_outage());
        assert!(store.append("log", &1, 1, MINUTE).await.unwrap_err().is_outage());
        assert!(store.ping().await.unwrap_err().is_outage());
        assert!(fast.get::<u32>("key").await.unwrap_err().is_outage());
        assert_eq!(fast.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Lost);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(path.snapshot().is_lost);
    }
}
