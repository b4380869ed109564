//! Behaviour vectors: facts from the test suites of established libraries, run against Mainstay on a paused clock.
//!
//! Each vector is one test. It *conforms*, or *differs* on purpose, or is *to come* with a feature that is not built.
//! `differences.rs` lists each difference with its reason, and a listed difference that does not occur fails;
//! `unsupported.rs` lists what is to come.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod backoff;
mod breaker;
mod budget;
mod bulkhead;
mod check;
mod composition;
mod differences;
mod fallback;
mod retry;
mod unsupported;
mod vector;
mod window;

use std::process::ExitCode;

use check::Check;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use vector::Vector;

const DATA: &str = include_str!("../data/vectors.json");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let vectors = vector::read(DATA);
    if !arguments.list && !arguments.exact {
        eprintln!("{}", count(&vectors));
    }
    let mut trials = vec![Trial::test("table_of_differences_names_known_vectors", {
        let vectors = vectors.clone();
        move || table_names_vectors(&vectors)
    })];
    trials.push(Trial::test("key_without_a_value_fails", key_without_a_value_fails));
    trials.extend(vectors.into_iter().map(trial));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(vector: Vector) -> Trial {
    let name = format!("{}::{}", vector.section, vector.id);
    match unsupported::find(&vector) {
        Some(reason) => Trial::test(name, move || Err(Failed::from(reason))).with_ignored_flag(true),
        None => Trial::test(name, move || compare(&vector)),
    }
}

/// Runs the vector. Its mismatches must be exactly those in the table of differences.
fn compare(vector: &Vector) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    verdict(vector, &runtime.block_on(run(vector)))
}

fn verdict(vector: &Vector, check: &Check) -> Result<(), Failed> {
    if check.is_empty() {
        return Err("nothing was compared".into());
    }
    let (seen, (allowed, why)) = (check.seen(), differences::of(&vector.id));
    let is_unsupported = |key| unsupported::is_key(&vector.section, key);
    let unexpected = check.mismatches().filter(|mismatch| {
        !mismatch.key_without_value().is_some_and(is_unsupported) && !allowed.contains(&mismatch.ours().as_str())
    });
    let mut lines: Vec<_> = unexpected.map(|mismatch| format!("  {mismatch}")).collect();
    let stale = allowed.iter().filter(|allowed| !seen.iter().any(|seen| seen == *allowed));
    lines.extend(stale.map(|stale| format!("  {stale}: in the table of differences, but not seen")));
    match lines.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\ndifference: {why}\nsource: {}", lines.join("\n"), vector.body["source"]).into()),
    }
}

async fn run(vector: &Vector) -> Check {
    match vector.section.as_str() {
        "circuit_breaker" => breaker::run(vector).await,
        "bulkhead" => bulkhead::run(vector).await,
        "composition" => composition::run(vector).await,
        "fallback_hedge_failover" => fallback::run(vector).await,
        "retry" => retry::run(vector).await,
        "retry_budget" => budget::run(vector).await,
        "window" => window::run(vector).await,
        section => panic!("no runner for {section}: list it in unsupported.rs"),
    }
}

/// Such a key was skipped, and a vector of which every key was skipped passed.
fn key_without_a_value_fails() -> Result<(), Failed> {
    let vector = |section: &str| Vector { section: section.to_owned(), id: String::new(), body: json!({}) };
    let passes = |section: &str, expected: Value, ours: fn(&str) -> Option<Value>| {
        let mut check = Check::default();
        check.expect_all(0, &expected, ours);
        verdict(&vector(section), &check).is_ok()
    };
    assert!(passes("window", json!({ "calls": 1 }), |_| Some(json!(1))));
    assert!(passes("window", json!({ "total_ms": 1 }), |_| None), "unsupported on purpose");
    assert!(!passes("window", json!({ "calls": 1 }), |_| None));
    assert!(!passes("window", json!({ "calls": null }), |_| None));
    assert!(!passes("retry", json!({ "total_ms": 1 }), |_| None));
    assert!(!passes("window", json!({}), |_| Some(json!(1))), "nothing was compared");
    Ok(())
}

fn table_names_vectors(vectors: &[Vector]) -> Result<(), Failed> {
    let known = |id: &str| vectors.iter().any(|vector| vector.id == id);
    let wrong: Vec<_> = differences::ids().filter(|id| !known(id) || differences::of(id).0.is_empty()).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("no such vectors, or no difference given: {wrong:?}").into()),
    }
}

fn count(vectors: &[Vector]) -> String {
    let to_come = vectors.iter().filter(|vector| unsupported::find(vector).is_some()).count();
    let differ = vectors.iter().filter(|vector| !differences::of(&vector.id).0.is_empty()).count();
    let conform = vectors.len() - to_come - differ;
    format!("{} vectors: {conform} conform, {differ} differ on purpose, {to_come} to come", vectors.len())
}
