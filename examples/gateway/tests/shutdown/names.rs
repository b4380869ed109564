//! A name server that does not answer. The lookup blocks a thread, and dropping the runtime would wait for it.

use std::time::Duration;

use crate::{client::until, gateway::Gateway, namespace::is_inside, stopwatch::Stopwatch};

#[tokio::test]
async fn hanging_dns_lookup_does_not_delay_the_exit() {
    if !is_inside("names::hanging_dns_lookup_does_not_delay_the_exit") {
        return;
    }
    let mut gateway = Gateway::start(&[("BACKEND_API_URL", "http://orders.example")]);
    until("a probe has failed", async || {
        let failed = gateway.status().await["failover"]["endpoints"][0]["probes_failed"].as_u64()?;
        (failed > 0).then_some(())
    })
    .await;
    let stopwatch = Stopwatch::signal(&mut gateway, "TERM");
    stopwatch.ends(&mut gateway, Duration::ZERO, 0).await;
}
