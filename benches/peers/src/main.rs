//! The bench with peers: `cargo xtask bench`. The documentation of `mainstay-benches` describes the measurement.

mod flame;

use std::process::ExitCode;

use mainstay_bench_peers::{functions, seatbelt, tower_resilience};
use mainstay_benches::Row;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if let (Some("--flame"), Some(file)) = (args.next().as_deref(), args.next()) {
        return flame::graph(&file, args.next());
    }
    mainstay_benches::main(rows)
}

fn rows() -> Vec<Row> {
    let mut rows = tower_resilience::rows();
    rows.extend(seatbelt::rows());
    rows.extend(functions::rows());
    rows
}
