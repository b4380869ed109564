//! The bars of every scenario, for ours. Each test prints what was measured.
//!
//! They need the release profile: `cargo xtask test --only scenarios`.

use mainstay_scenarios::{
    cell::{Contestant, Length},
    not_yet::{NOT_YET, is_listed},
    report::run::{measured, runs},
    scenarios,
};

const SEEDS: &[u64] = &[1, 2, 3];

/// Runs every cell of a scenario, and returns the bars that are missed without being listed, or listed and met.
fn wrong(scenario: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for cell in scenarios::all().iter().filter(|cell| cell.scenario == scenario) {
        for contestant in [Contestant::Ours, Contestant::OursServer] {
            if !cell.bars.iter().any(|bar| bar.of == contestant) {
                continue;
            }
            for measured in measured(cell, &runs(cell, contestant, SEEDS, Length::Short)) {
                let (bar, worst) = (measured.bar, measured.worst);
                let line = format!("{scenario} {}: {} {worst} (bar {})", cell.name, bar.figure, bar.limit);
                println!("{} {line}", if measured.holds { "met   " } else { "missed" });
                match (measured.holds, is_listed(scenario, &cell.name, bar.figure)) {
                    (false, false) => wrong.push(format!("missed: {line}")),
                    (true, true) => wrong.push(format!("met, so remove it from NOT_YET: {line}")),
                    _ => {}
                }
            }
        }
    }
    wrong
}

macro_rules! bars {
    ($($test:ident: $scenario:literal),* $(,)?) => {$(
        #[test]
        #[cfg_attr(debug_assertions, ignore = "needs the release profile")]
        fn $test() {
            let wrong = wrong($scenario);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    )*};
}

bars! {
    bars_of_s7_failover: "s7",
    bars_of_s7b_false_departures: "s7b",
}

#[test]
fn listed_bars_exist() {
    let cells = scenarios::all();
    for (scenario, name, figure, _) in NOT_YET {
        let cell = cells.iter().find(|cell| cell.scenario == *scenario && cell.name == *name);
        let has_bar = cell.is_some_and(|cell| cell.bars.iter().any(|bar| bar.figure == *figure));
        assert!(has_bar, "{scenario} {name} has no bar for {figure}");
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
