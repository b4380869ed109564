//! A primary that accepts connections and does not answer, or does not accept them, as a dead host, a full queue or a
//! firewall does. Requests do not wait for its timeouts, and it is left once.

use http::StatusCode;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{Duration, timeout},
};

use crate::{
    client::{get, until},
    gateway::{Backend, Gateway},
};

/// An attempt may take 30 s, which is longer than the client of these tests waits.
const LONG_TIMEOUTS: [(&str, &str); 3] = [
    ("ATTEMPT_TIMEOUT_SECONDS", "30"),
    ("REQUEST_TIMEOUT_SECONDS", "90"),
    ("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "600"),
];

/// The second attempts that the budget allows before any success: one more than the failures after which a backend is
/// left.
const AT_ONCE: usize = 3;

#[tokio::test]
async fn silent_primary_is_left_once() {
    let hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hole.local_addr().unwrap());
    let mut held: Vec<TcpStream> = Vec::new();
    let accepting = async {
        while let Ok((connection, _)) = hole.accept().await {
            held.push(connection);
        }
    };
    tokio::select! {
        () = all_are_served_by_the_backup(&url) => {}
        () = accepting => panic!("the listener ended"),
    }
    assert!(!held.is_empty(), "the primary was asked");
}

/// The kernel drops SYN packets: connections are neither made nor refused.
#[tokio::test]
async fn primary_with_full_accept_queue_is_left_once() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(connection)) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queued.push(connection);
        assert!(queued.len() < 1_000, "the accept queue has no limit");
    }
    all_are_served_by_the_backup(&format!("http://{address}")).await;
}

async fn all_are_served_by_the_backup(primary: &str) {
    let backup = Backend::start("backup");
    let backup_url = backup.url();
    let backends = [("BACKEND_API_URL", primary), ("BACKEND_API_FALLBACK_URL", backup_url.as_str())];
    let settings: Vec<_> = backends.iter().chain(&LONG_TIMEOUTS).copied().collect();
    let gateway = Gateway::start(&settings);
    let address = gateway.address();
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        clients.spawn(async move { get(address, "/api/v1/json").await });
    }
    let mut answers = clients.join_all().await;
    for _ in 0..20 {
        answers.push(gateway.get("/api/v1/json").await);
    }
    for answer in answers {
        assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "backup"), "{answer:?}");
    }
    // Further failed probes are no further change of route.
    let status = until("it was probed", async || {
        let status = gateway.status().await;
        (status["failover"]["endpoints"][0]["probes_failed"].as_u64()? > 2).then_some(status)
    })
    .await;
    assert_eq!((&status["failover"]["active"], &status["failover"]["epoch"]), (&json!("backup"), &json!(1)));
    let log = gateway.until_logged("switched to a backup").await;
    assert_eq!(log.matches("switched to a backup").count(), 1, "{log}");
}
