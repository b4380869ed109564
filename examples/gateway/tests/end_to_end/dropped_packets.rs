//! Packets to the primary are dropped: connections are neither refused nor reset.

use crate::{
    client::until,
    gateway::{Backend, Gateway},
    load::Load,
    namespace::{FAR, drop_no_packets, drop_packets, is_inside},
};

#[tokio::test]
async fn clients_see_no_error_when_packets_to_primary_are_dropped() {
    if !is_inside("dropped_packets::clients_see_no_error_when_packets_to_primary_are_dropped") {
        return;
    }
    let primary = Backend::restart("primary", format!("{FAR}:0").parse().unwrap());
    let backup = Backend::start("backup");
    let settings = [
        ("BACKEND_API_FALLBACK_URL", backup.url()),
        ("ATTEMPT_TIMEOUT_SECONDS", "30".to_owned()),
        ("REQUEST_TIMEOUT_SECONDS", "90".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = Gateway::before(&primary, &settings);
    let active = async |name: &str, changes: u64| {
        until(&format!("{name} is active"), async || {
            let status = gateway.status().await;
            let failover = &status["failover"];
            (failover["active"] == name && failover["epoch"] == changes).then_some(())
        })
        .await;
    };
    let load = Load::on(gateway.address());
    until("the primary serves", async || (gateway.get("/api/v1/json").await.served_by() == "primary").then_some(()))
        .await;
    drop_packets();
    active("backup", 1).await;
    drop_no_packets();
    active("primary", 2).await;
    let served = load.end().await;
    assert!(served.all_succeeded(), "{served:?}");
}
