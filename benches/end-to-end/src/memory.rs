//! Measures the memory of a connection by the resident memory of a fresh proxy.

use std::time::Duration;

use serde::Serialize;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    BoxError,
    client::Connection,
    contestant::{Contestant, Running},
    scenario::{Body, HOLD_MILLIS, Protocol},
    stage::Stage,
};

/// The memory of one contestant with one protocol.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Weight {
    pub(crate) contestant: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) connections: usize,
    /// Resident memory after some requests on one connection.
    pub(crate) base_kib: f64,
    /// Additional memory of each idle connection that has had a response.
    pub(crate) idle_kib: f64,
    /// Additional memory of each connection with a request in flight, its connection to the origin included.
    pub(crate) active_kib: f64,
}

/// Requests before the measurement, so that lazy initialisation is done.
const FIRST: usize = 200;

impl Weight {
    pub(crate) async fn of(
        contestant: Contestant,
        protocol: Protocol,
        connections: usize,
        stage: &Stage,
    ) -> Result<Self, BoxError> {
        let running = contestant.start(stage).await?;
        let mut first = Connection::open(running.address(protocol), protocol).await?;
        for _ in 0..FIRST {
            first.send(Body::Small).await?;
        }
        let base = settled(&running).await?;
        let mut idle = Vec::new();
        for _ in 0..connections {
            let mut connection = Connection::open(running.address(protocol), protocol).await?;
            connection.send(Body::Small).await?;
            idle.push(connection);
        }
        let with_idle = settled(&running).await?;
        let with_active = with_requests(idle, &running).await?;
        let each = |memory: f64| (memory - base).max(0.0) / connections as f64;
        Ok(Self {
            contestant: contestant.name(),
            protocol,
            connections,
            base_kib: base,
            idle_kib: each(with_idle),
            active_kib: each(with_active),
        })
    }
}

async fn settled(running: &Running) -> Result<f64, BoxError> {
    sleep(Duration::from_millis(100)).await;
    kibibytes(running)
}

/// Returns the maximum while each connection has a request in flight.
async fn with_requests(connections: Vec<Connection>, running: &Running) -> Result<f64, BoxError> {
    let mut requests = JoinSet::new();
    for mut connection in connections {
        requests.spawn(async move {
            connection.send(Body::Hold).await?;
            // Returned, so that closing it is not measured.
            Ok::<_, BoxError>(connection)
        });
    }
    let mut most = 0.0;
    for _ in 0..10 {
        sleep(Duration::from_millis(HOLD_MILLIS / 10)).await;
        most = kibibytes(running)?.max(most);
    }
    let mut kept = Vec::new();
    while let Some(connection) = requests.join_next().await {
        kept.push(connection??);
    }
    Ok(most)
}

fn kibibytes(running: &Running) -> Result<f64, BoxError> {
    Ok(running.process.memory()? as f64 / 1024.0)
}
