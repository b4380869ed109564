//! The function form with a policy, over an error type that cannot carry a refusal and is not the caller's own.

use std::io;

use mainstay_circuit_breaker::Breaker;
use mainstay_core::Plain;
use mainstay_retry::Retrier;

async fn connect() -> io::Result<()> {
    Ok(())
}

fn main() {
    drop(Retrier::new("orders").run_with(Plain, |_attempt| connect()));
    drop(Breaker::new("orders").run_with(Plain, connect));
}
