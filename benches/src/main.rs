//! The bench without peers: `cargo run --release -p mainstay-benches`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mainstay_benches::main(Vec::new)
}
