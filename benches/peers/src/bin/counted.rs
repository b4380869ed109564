//! The stacks of four while every call is counted, ours beside the peers' with their metrics on: `cargo xtask bench counted`.
//!
//! A program of its own, for the peers' metrics cost something even where nobody reads them.

use std::process::ExitCode;

use mainstay_bench_peers::{seatbelt, tower_resilience};
use mainstay_benches::{Row, Tower, pattern};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};

fn main() -> ExitCode {
    // Into the way of metrics, which is global: the peer's layers find it themselves.
    if let Err(error) = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder() {
        eprintln!("no recorder for metrics: {error}");
        return ExitCode::FAILURE;
    }
    let provider = SdkMeterProvider::builder().with_reader(ManualReader::builder().build()).build();
    // The provider is there for as long as the rows are: without it nothing would be counted.
    mainstay_benches::main(|| rows(&provider))
}

fn rows(provider: &SdkMeterProvider) -> Vec<Row> {
    let seatbelt = Tower::new(seatbelt::four(&seatbelt::context().use_metrics(provider)), 1);
    vec![
        Row::new(pattern::COUNTED, "tower-resilience, Prometheus", Tower::new(tower_resilience::four(), 1)),
        Row::new(pattern::COUNTED, "seatbelt, OpenTelemetry (successes not counted)", seatbelt),
    ]
}
