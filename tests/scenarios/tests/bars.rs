//! The bars of every scenario, for ours. Each test prints what was measured.
//!
//! They need the release profile: `cargo xtask test --only scenarios`.

use mainstay_scenarios::{
    cell::{Cell, Contestant, Length},
    not_yet::{NOT_YET, is_of},
    report::run::{measured, runs},
    scenarios,
};

/// Runs every cell of a scenario, and returns the bars that are missed without being listed, or listed and met.
fn wrong(scenario: &str, seeds: &[u64]) -> Vec<String> {
    let mut wrong = Vec::new();
    for cell in scenarios::all().iter().filter(|cell| cell.scenario == scenario) {
        for contestant in judged(cell) {
            for measured in measured(cell, &runs(cell, contestant, seeds, Length::Short)) {
                let (bar, worst) = (measured.bar, measured.worst);
                let line =
                    format!("{scenario} {}, {contestant}: {} {worst} (bar {})", cell.name, bar.figure, bar.limit);
                println!("{} {line}", if measured.holds { "met   " } else { "missed" });
                match (measured.holds, measured.listed) {
                    (false, false) => wrong.push(format!("missed: {line}")),
                    (true, true) => wrong.push(format!("met, so remove it from NOT_YET: {line}")),
                    _ => {}
                }
            }
        }
    }
    wrong
}

/// Returns the stacks of a cell that have a bar.
fn judged(cell: &Cell) -> Vec<Contestant> {
    let has_bar = |contestant: &&Contestant| cell.bars.iter().any(|bar| bar.of == **contestant);
    cell.contestants.iter().filter(has_bar).copied().collect()
}

macro_rules! bars {
    ($($test:ident: $scenario:literal, $seeds:expr);* $(;)?) => {$(
        #[test]
        #[cfg_attr(debug_assertions, ignore = "needs the release profile")]
        fn $test() {
            let wrong = wrong($scenario, &$seeds);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    )*};
}

bars! {
    bars_of_s1_retry_storm: "s1", [1];
    bars_of_s2_amplification: "s2", [1, 2, 3];
    bars_of_s3_jitter: "s3", [1, 2, 3];
    bars_of_s6_one_shard_down: "s6", [1, 2, 3];
    bars_of_s7_failover: "s7", [1, 2, 3];
    bars_of_s7b_false_departures: "s7b", [1, 2];
    bars_of_s8_layered_retries: "s8", [1, 2, 3];
}

#[test]
fn listed_bars_exist() {
    let cells = scenarios::all();
    for listed in NOT_YET {
        let exists = cells.iter().any(|cell| cell.bars.iter().any(|bar| is_of(listed, cell, bar)));
        assert!(exists, "{listed:?} is no bar");
    }
}

#[test]
fn cells_have_names_of_their_own() {
    let mut names: Vec<_> = scenarios::all().into_iter().map(|cell| (cell.scenario, cell.name)).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}
