//! The flags of the bench.

use std::path::PathBuf;

/// What the caller asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) rounds: usize,
    /// The most calls that a row makes in a round.
    pub(crate) calls: u32,
    /// Only rows whose name has this in it.
    pub(crate) row: Option<String>,
    /// Only counts allocations, and writes them to the folder of the results.
    pub(crate) count: bool,
    /// Calls only this row, for so many seconds: for a profiler.
    pub(crate) spin: Option<f64>,
    /// Calls only this row, so often: for what counts instructions.
    pub(crate) repeat: Option<u32>,
    pub(crate) list: bool,
    pub(crate) baseline: Option<PathBuf>,
    /// Fails if a row is so many percent worse than in the baseline.
    pub(crate) fail_above: Option<f64>,
    /// Where the results go.
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

    /// Was this row asked for?
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.row.as_ref().is_none_or(|row| name.contains(row))
    }

    /// One round to see that all works, with few calls.
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
    fn reads_flags_and_values() {
        let args = parse("--quick --row breaker --fail-above 10").unwrap();
        assert!(args.is_quick() && args.wants("breaker closed, mainstay") && !args.wants("retry, mainstay"));
        assert_eq!(args.fail_above, Some(10.0));
        assert_eq!(parse("--row retry --repeat 1000").unwrap().repeat, Some(1_000));
        assert!(!Args::default().is_quick() && Args::default().wants("retry"));
    }

    #[test]
    fn says_what_it_did_not_understand() {
        assert_eq!(parse("--quik").unwrap_err(), "unknown argument `--quik`");
        assert_eq!(parse("--row").unwrap_err(), "--row needs a value");
        assert_eq!(parse("--spin long").unwrap_err(), "`long` is not a number");
    }
}
