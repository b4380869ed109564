//! A name server that does not answer. The lookup blocks a thread, and a runtime that is dropped waits for it.

use std::time::Duration;

use crate::{client::until, gateway::Gateway, namespace::is_inside, stopwatch::Stopwatch};

#[tokio::test]
async fn a_lookup_that_hangs_does_not_hold_the_exit_up() {
    if !is_inside("names::a_lookup_that_hangs_does_not_hold_the_exit_up") {
        return;
    }
    let mut gateway = Gateway::start(&[("BACKEND_API_URL", "http://orders.example")]);
    until("a probe has waited for the name in vain", async || {
        let failed = gateway.status().await["failover"]["endpoints"][0]["probes_failed"].as_u64()?;
        (failed > 0).then_some(())
    })
    .await;
    let told = Stopwatch::signal(&mut gateway, "TERM");
    told.ends(&mut gateway, Duration::ZERO, 0).await;
}
