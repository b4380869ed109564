//! The counts that the gateway logs at its end.

use crate::{
    client::until,
    connection::Connection,
    gateway::{Backend, Gateway},
    stopwatch::counts,
};

#[tokio::test]
async fn counts_of_a_shutdown_add_up() {
    let backend = Backend::start("primary");
    let settings =
        [("DRAIN_TIMEOUT_SECONDS", "2"), ("ATTEMPT_TIMEOUT_SECONDS", "90"), ("REQUEST_TIMEOUT_SECONDS", "120")];
    let mut gateway = Gateway::before(&backend, &settings);
    let address = gateway.address();

    let mut steady = Connection::open(address).await;
    for _ in 0..3 {
        steady.get("/api/v1/json").await;
    }
    let mut gone = Connection::open(address).await;
    gone.send("/api/v1/delay/60000").await;
    let mut asked = in_flight(&gateway, 1).await;
    drop(gone);
    asked += in_flight(&gateway, 0).await;
    let (mut finishes, mut never) = (Connection::open(address).await, Connection::open(address).await);
    finishes.send("/api/v1/delay/1000").await;
    never.send("/api/v1/delay/60000").await;
    asked += in_flight(&gateway, 2).await;

    gateway.process().signal("TERM");
    assert_eq!(gateway.process().ended().await.code(), Some(1));
    assert!(finishes.rest().await.starts_with("HTTP/1.1 200 "));
    assert_eq!(never.rest().await, "");
    let (accepted, completed) = (asked + 6, asked + 4);
    assert_eq!(
        counts(&gateway).await,
        format!("accepted {accepted}, completed {completed}, aborted 1, refused 0, cancelled 1")
    );
}

/// Waits until this number of requests is in flight. Returns the number of requests that the polling took.
async fn in_flight(gateway: &Gateway, wanted: u64) -> u64 {
    let mut asked = 0;
    until("the requests are in flight", async || {
        asked += 1;
        (gateway.status().await["entrance"]["in_flight"] == wanted).then_some(())
    })
    .await;
    asked
}
