//! The Tower contract as named rules, checked from outside.

use std::{error::Error, fmt};

use tokio::runtime::Builder;

use super::{
    Expect, Rule, Subject,
    harness::{RuleResult, Setup, catch},
    rules,
};

/// A rule that a layer breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The name of the layer.
    pub layer: String,
    /// The rule.
    pub rule: Rule,
    /// What was observed.
    pub what: String,
}

/// Checks a layer against all rules of the contract.
///
/// `make` returns a new layer with its own state and the smallest possible limits, so that a leaked permit makes a later
/// call fail. Each rule runs on its own runtime with a paused clock: call this function from a plain `#[test]`. The
/// service is driven as a trait object.
///
/// See the [module](super) for an example.
///
/// # Panics
/// If the layer breaks a rule. The message lists all broken rules.
pub fn contract<L: Subject>(name: &str, expect: Expect<L>, make: impl Fn() -> L) {
    let broken: Vec<_> = broken_rules(name, expect, make).iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Returns the rules that a layer breaks; see [`contract`].
#[allow(clippy::needless_pass_by_value, reason = "the same signature as `contract`")]
pub fn broken_rules<L: Subject>(name: &str, expect: Expect<L>, make: impl Fn() -> L) -> Vec<BrokenRule> {
    let setup = Setup { make: &make, expect: &expect };
    let check = |rule: &Rule| {
        let what = check_alone(*rule, &setup).err()?;
        Some(BrokenRule { layer: name.to_owned(), rule: *rule, what })
    };
    Rule::ALL.iter().filter_map(check).collect()
}

fn check_alone<L: Subject>(rule: Rule, setup: &Setup<'_, L>) -> RuleResult {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    catch(|| runtime.block_on(rules::check(rule, setup))).unwrap_or_else(|| Err("it panicked (see above)".into()))
}

// === impl BrokenRule ===

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer `{}` breaks the rule \"{}\": {}", self.layer, self.rule, self.what)
    }
}

impl Error for BrokenRule {}
