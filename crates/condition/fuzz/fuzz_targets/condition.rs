//! `cargo +nightly fuzz run condition`, in `crates/condition`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/check.rs"]
mod check;

fuzz_target!(|text: &str| check::check(text));
