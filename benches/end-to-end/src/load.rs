//! The load: a closed loop of requests on each connection.
//!
//! It runs in a separate process, so that its processor time is not counted. It takes one argument of JSON, and prints its
//! result as one line of JSON.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{BoxError, client::Connection, scenario::Scenario, usage};

/// The parameters of a load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) scenario: Scenario,
    /// Warm-up before the measurement, for pools and branch predictors.
    pub(crate) warm: Duration,
    pub(crate) measure: Duration,
    /// The process whose processor time is measured.
    pub(crate) process: u32,
}

/// The result of a measurement.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    /// The median of the latency, and below its 99 % and 99.9 % quantiles.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// Processor time of the proxy, user and system.
    pub(crate) cpu_us_per_request: f64,
    /// Busy processors of the proxy.
    pub(crate) cpus_busy: f64,
}

// === impl Load ===

impl Load {
    /// # Errors
    /// Returns the error of any request with a wrong response.
    pub(crate) async fn run(self) -> Result<Sample, BoxError> {
        let mut connections = Vec::new();
        for _ in 0..self.scenario.connections {
            connections.push(Connection::open(self.address, self.scenario.protocol).await?);
        }
        let start = Instant::now() + self.warm;
        let end = start + self.measure;
        let mut clients = JoinSet::new();
        // Closed by the last client, or used by the first one that fails.
        let (failed, mut failure) = mpsc::channel::<()>(1);
        for connection in connections {
            let failed = failed.clone();
            let scenario = self.scenario;
            clients.spawn(async move {
                let latencies = repeat(connection, scenario, start, end).await;
                if latencies.is_err() {
                    let _ = failed.try_send(());
                }
                latencies
            });
        }
        drop(failed);

        sleep_until(start).await;
        let (from, before) = (Instant::now(), usage::processor_time(self.process)?);
        tokio::select! {
            () = sleep_until(end) => {}
            _ = failure.recv() => {}
        }
        let (to, after) = (Instant::now(), usage::processor_time(self.process)?);
        let mut latencies = Vec::new();
        while let Some(more) = clients.join_next().await {
            latencies.append(&mut more??);
        }
        Ok(Sample::new(latencies, self.measure, (after - before).div_f64((to - from).as_secs_f64())))
    }
}

/// Sends requests until `end`, and returns the latencies of those that ended after `start`.
async fn repeat(
    mut connection: Connection,
    scenario: Scenario,
    start: Instant,
    end: Instant,
) -> Result<Vec<Duration>, BoxError> {
    let (mut latencies, mut sent) = (Vec::new(), Instant::now());
    loop {
        connection.send(scenario.body).await?;
        let answered = Instant::now();
        // At least one latency, also on a slow machine.
        if answered > end && !latencies.is_empty() {
            return Ok(latencies);
        }
        if answered > start {
            latencies.push(answered - sent);
        }
        sent = answered;
    }
}

// === impl Sample ===

impl Sample {
    fn new(mut latencies: Vec<Duration>, measured: Duration, cpu_per_second: Duration) -> Self {
        latencies.sort_unstable();
        let share = |share: f64| {
            let place = (latencies.len() as f64 * share) as usize;
            latencies.get(place).copied().unwrap_or_default().as_secs_f64() * 1e6
        };
        let requests_per_second = latencies.len() as f64 / measured.as_secs_f64();
        Self {
            requests: latencies.len() as u64,
            requests_per_second,
            p50_us: share(0.5),
            p99_us: share(0.99),
            p999_us: share(0.999),
            cpu_us_per_request: cpu_per_second.as_secs_f64() * 1e6 / requests_per_second,
            cpus_busy: cpu_per_second.as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_sorted_latencies() {
        let latencies = (0..1_000).rev().map(Duration::from_micros).collect();
        let sample = Sample::new(latencies, Duration::from_secs(2), Duration::from_millis(500));
        assert_eq!([sample.p50_us, sample.p99_us, sample.p999_us].map(f64::round), [500.0, 990.0, 999.0]);
        assert_eq!((sample.requests, sample.requests_per_second), (1_000, 500.0));
        assert!((sample.cpu_us_per_request - 1_000.0).abs() < 1e-6, "{sample:?}");
    }
}
