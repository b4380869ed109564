//! The arguments of the program.

use std::path::PathBuf;

use mainstay_scenarios::cell::{Cell, Length};

pub(crate) const USAGE: &str = "\
mainstay-scenarios [SCENARIO [CELL]] [options]

    --seeds N   the seeds 1 to N, with the median and the worst of them (1)
    --full      the long runs: an hour instead of ten minutes in S7b, 210 s after the stall in S1
    --ours      only the stack of Mainstay's layers
    --list      lists the cells
    --hash      prints the hash of one small cell of each scenario
    --out DIR   writes tables and plots into a folder; --commit NAME is written into them";

#[derive(Default)]
pub(crate) struct Args {
    scenario: Option<String>,
    cell: Option<String>,
    pub(crate) seeds: u64,
    full: bool,
    pub(crate) ours: bool,
    pub(crate) list: bool,
    pub(crate) hash: bool,
    pub(crate) out: Option<PathBuf>,
    pub(crate) commit: String,
}

// === impl Args ===

impl Args {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { seeds: 1, commit: "unknown".to_owned(), ..Self::default() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--full" => parsed.full = true,
                "--ours" => parsed.ours = true,
                "--list" => parsed.list = true,
                "--hash" => parsed.hash = true,
                "--out" => parsed.out = Some(value()?.into()),
                "--commit" => parsed.commit = value()?,
                "--seeds" => {
                    let seeds = value()?.parse().ok().filter(|seeds| *seeds > 0);
                    parsed.seeds = seeds.ok_or("--seeds needs a number")?;
                }
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
                _ if parsed.scenario.is_none() => parsed.scenario = Some(arg),
                _ if parsed.cell.is_none() => parsed.cell = Some(arg),
                _ => return Err(format!("unexpected argument {arg}")),
            }
        }
        Ok(parsed)
    }

    pub(crate) fn wants(&self, cell: &Cell) -> bool {
        self.scenario.as_ref().is_none_or(|name| *name == cell.scenario)
            && self.cell.as_ref().is_none_or(|name| *name == cell.name)
    }

    pub(crate) fn length(&self) -> Length {
        if self.full { Length::Full } else { Length::Short }
    }
}
