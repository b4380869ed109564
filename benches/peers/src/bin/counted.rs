//! The stacks of four while every call is counted, with the peers' metrics on: `cargo xtask bench counted`.
//!
//! A separate binary, because the peers' metrics cost time even without a reader.

use std::process::ExitCode;

use mainstay_bench_peers::{seatbelt, tower_resilience};
use mainstay_benches::{Row, Tower, pattern};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};

fn main() -> ExitCode {
    // Installs the global recorder, which the peer's layers use.
    if let Err(error) = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder() {
        eprintln!("the metrics recorder could not be installed: {error}");
        return ExitCode::FAILURE;
    }
    let provider = SdkMeterProvider::builder().with_reader(ManualReader::builder().build()).build();
    // The provider must outlive the rows, or nothing is counted.
    mainstay_benches::main(|| rows(&provider))
}

fn rows(provider: &SdkMeterProvider) -> Vec<Row> {
    let seatbelt = Tower::new(seatbelt::four(&seatbelt::context().use_metrics(provider)), 1);
    vec![
        Row::new(pattern::COUNTED, "tower-resilience, Prometheus", Tower::new(tower_resilience::four(), 1)),
        Row::new(pattern::COUNTED, "seatbelt, OpenTelemetry (successes not counted)", seatbelt),
    ]
}
