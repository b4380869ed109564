//! What each layer costs over the bare service, beside Tower's own layers, in one process and one run.
//!
//! `cargo run --release -p mainstay-benches`
//!
//! Each figure is thread CPU time, the median of interleaved rounds, less the bare service's. Every service is built
//! once, outside the loop, and driven as a caller would: ready, call, poll. The ratio is against Tower's
//! `ConcurrencyLimit` of the same run, since machines differ more than layers do. Two threads share one service: how
//! much more (or less) they get through than one.

use std::io::{IsTerminal, Write};

mod measure;
mod rows;

use measure::Row;

const ROUNDS: usize = 31;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return eprintln!("no runtime could be made") };
    let _entered = runtime.enter();
    let mut rows = rows::rows();
    for round in 0..ROUNDS {
        if std::io::stderr().is_terminal() {
            eprint!("\rround {} of {ROUNDS} ", round + 1);
            let _ = std::io::stderr().flush();
        }
        rows.iter_mut().for_each(Row::round);
    }
    eprintln!();
    report(&rows);
}

fn report(rows: &[Row]) {
    let bare = rows.first().map_or(0.0, Row::nanos);
    let net = |row: &Row| (row.nanos() - bare).max(0.0);
    let tower = rows.iter().find(|row| row.name == rows::REFERENCE).map_or(1.0, net).max(0.1);
    println!("| row | ns over the bare service | x {} | two threads |", rows::REFERENCE);
    println!("|---|---|---|---|");
    for row in rows {
        println!("| {} | {:.1} | {:.2} | {:.2}x |", row.name, net(row), net(row) / tower, row.two_threads());
    }
}
