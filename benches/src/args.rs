//! The command line of the bench.

use std::path::PathBuf;

/// The parsed command line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) rounds: usize,
    /// The maximum of calls of a row in a round.
    pub(crate) calls: u32,
    /// Only rows whose name contains this.
    pub(crate) row: Option<String>,
    /// Only counts allocations, and writes them to `out`.
    pub(crate) count: bool,
    /// Calls only `row`, for this many seconds: for a profiler.
    pub(crate) spin: Option<f64>,
    /// Calls only `row`, this many times: for counting instructions.
    pub(crate) repeat: Option<u32>,
    pub(crate) list: bool,
    pub(crate) baseline: Option<PathBuf>,
    /// Fails if a row is slower than in the baseline by more than this, in percent.
    pub(crate) fail_above: Option<f64>,
    /// The folder of the results.
    pub(crate) out: Option<PathBuf>,
}

// === impl Args ===

impl Args {
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--quick" => (parsed.rounds, parsed.calls) = (1, 200),
                "--rounds" => parsed.rounds = (number(&value()?)? as usize).max(1),
                "--count" => parsed.count = true,
                "--list" => parsed.list = true,
                "--row" => parsed.row = Some(value()?),
                "--spin" => parsed.spin = Some(number(&value()?)?),
                "--repeat" => parsed.repeat = Some(number(&value()?)? as u32),
                "--baseline" => parsed.baseline = Some(value()?.into()),
                "--fail-above" => parsed.fail_above = Some(number(&value()?)?),
                "--out" => parsed.out = Some(value()?.into()),
                _ => return Err(format!("unknown argument `{arg}`")),
            }
        }
        Ok(parsed)
    }

    /// Returns whether the row `name` is selected.
    pub(crate) fn selects(&self, name: &str) -> bool {
        self.row.as_ref().is_none_or(|row| name.contains(row))
    }

    /// Returns whether this is a quick run: one round with few calls.
    pub(crate) fn is_quick(&self) -> bool {
        self.rounds == 1
    }
}

impl Default for Args {
    fn default() -> Self {
        Self {
            rounds: 31,
            calls: u32::MAX,
            row: None,
            count: false,
            spin: None,
            repeat: None,
            list: false,
            baseline: None,
            fail_above: None,
            out: None,
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_and_values_are_read() {
        let args = parse("--quick --row breaker --fail-above 10").unwrap();
        assert!(args.is_quick() && args.selects("breaker closed, mainstay") && !args.selects("retry, mainstay"));
        assert_eq!(args.fail_above, Some(10.0));
        assert_eq!(parse("--row retry --repeat 1000").unwrap().repeat, Some(1_000));
        assert!(!Args::default().is_quick() && Args::default().selects("retry"));
    }

    #[test]
    fn unknown_flag_or_value_is_an_error() {
        assert_eq!(parse("--quik").unwrap_err(), "unknown argument `--quik`");
        assert_eq!(parse("--row").unwrap_err(), "--row needs a value");
        assert_eq!(parse("--spin long").unwrap_err(), "`long` is not a number");
    }
}
