//! The command line. Its first word may select the part of the benchmark that this process runs.

use std::{path::PathBuf, time::Duration};

use crate::{load::Load, scenario::Scenario};

pub(crate) const HELP: &str = "\
Measures the gateway, a bare reverse proxy of the same libraries, and nginx if it is installed.

Usage: mainstay-bench-gateway [--quick] [--save] [--rounds N] [--seconds S] [--only WORDS] [--no-pin]
                              [--before PROGRAM] [--instructions]

  --quick      one short round without nginx: shows that it works, and its figures mean nothing
  --save       also writes benches/results/gateway.md and gateway.json
  --rounds N   number of turns of each contestant in each scenario; default 5
  --seconds S  duration of a turn; default 1.5
  --only WORDS scenarios whose name contains this, such as \"64 connections, small\"
  --no-pin     does not pin the proxy to a processor
  --before PROGRAM
               also measures this gateway, such as a build of an earlier commit
  --instructions
               counts the instructions of a request by cause instead (valgrind), which other load does not change; of
               the small scenarios with 64 connections, or of those of --only. Start it with
               `cargo xtask bench gateway --instructions`, which builds with line tables
";

#[derive(Debug)]
pub(crate) enum Command {
    Run(Options),
    Origin,
    Bare { origin: String },
    Load(Box<Load>),
    Help,
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) save: bool,
    pub(crate) pin: bool,
    pub(crate) rounds: usize,
    pub(crate) measure: Duration,
    pub(crate) only: String,
    /// The binary of another gateway.
    pub(crate) before: Option<PathBuf>,
    /// Counts instructions, and measures no time.
    pub(crate) instructions: bool,
    /// Connections held open to measure their memory. Twice this number is below the usual limit of 1024 open files.
    pub(crate) held: usize,
}

// === impl Command ===

impl Command {
    /// # Errors
    /// Returns a message for the user if an argument is wrong.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let words: Vec<_> = words.into_iter().collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--help" | "-h"] => Ok(Self::Help),
            ["origin"] => Ok(Self::Origin),
            ["bare", origin] => Ok(Self::Bare { origin: origin.to_owned() }),
            ["load", what] => serde_json::from_str(what).map(Self::Load).map_err(|error| error.to_string()),
            _ => Options::parse(words).map(Self::Run),
        }
    }
}

// === impl Options ===

impl Options {
    fn parse(words: Vec<String>) -> Result<Self, String> {
        let mut it = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => {
                    let Self { save, pin, only, before, instructions, .. } = it;
                    it = Self { save, pin, only, before, instructions, ..Self::quick() };
                }
                "--save" => it.save = true,
                "--no-pin" => it.pin = false,
                "--rounds" => it.rounds = number(&value()?, 1.0..=1_000.0)? as usize,
                "--seconds" => it.measure = Duration::from_secs_f64(number(&value()?, 0.05..=600.0)?),
                "--only" => it.only = value()?,
                "--before" => it.before = Some(value()?.into()),
                "--instructions" => it.instructions = true,
                _ => return Err(format!("{word:?} is not an argument")),
            }
        }
        match it.scenarios().is_empty() {
            true => Err(format!("no scenario has {:?} in its name", it.only)),
            false => Ok(it),
        }
    }

    fn quick() -> Self {
        Self { quick: true, rounds: 1, measure: Duration::from_millis(150), held: 20, ..Self::default() }
    }

    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        let mut scenarios = Scenario::all(64);
        scenarios.retain(|scenario| scenario.to_string().contains(&self.only));
        scenarios
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick: false,
            save: false,
            pin: true,
            rounds: 5,
            measure: Duration::from_millis(1_500),
            only: String::new(),
            before: None,
            instructions: false,
            held: 400,
        }
    }
}

fn number(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{text:?} is not a number from {} to {}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Command, String> {
        Command::parse(words.iter().map(|&word| word.to_owned()))
    }

    #[test]
    fn unknown_argument_is_an_error() {
        assert!(parse(&["--quik"]).unwrap_err().contains("--quik"));
        assert!(parse(&["--rounds"]).unwrap_err().contains("--rounds"));
        assert!(parse(&["--seconds", "0"]).unwrap_err().contains("0.05 to 600"));
        assert!(parse(&["--only", "h3"]).unwrap_err().contains("h3"));
        assert!(parse(&["load", "{}"]).is_err());
    }

    #[test]
    fn another_gateway_can_be_given() {
        let Ok(Command::Run(options)) = parse(&["--before", "old/gateway", "--quick"]) else { panic!("not a run") };
        assert_eq!(options.before, Some("old/gateway".into()));
        assert!(parse(&["--before"]).unwrap_err().contains("needs a value"));
    }

    #[test]
    fn scenarios_can_be_chosen() {
        let Ok(Command::Run(options)) = parse(&["--quick", "--only", "h1, 64"]) else { panic!("not a run") };
        assert!(options.quick && options.scenarios().len() == 3);
        let Ok(Command::Run(options)) = parse(&[]) else { panic!("not a run") };
        assert_eq!(options.scenarios().len(), 12);
    }
}
