//! Where a condition gets the values of its names.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash},
};

use crate::Value;

/// The facts that a condition is evaluated over.
///
/// Implemented for maps from names to values, and for functions `Fn(&str) -> Option<Value>`. A type of your own can look
/// its values up when they are asked for:
///
/// ```
/// use mainstay_condition::{Facts, Value, parse_condition};
///
/// struct Incident { severity: f64 }
///
/// impl Facts for Incident {
///     fn fact(&self, name: &str) -> Option<Value<'_>> {
///         (name == "severity").then(|| self.severity.into())
///     }
/// }
///
/// assert!(parse_condition("severity > 0.5")?.evaluate(&Incident { severity: 0.7 }));
/// # Ok::<(), mainstay_condition::ParseError>(())
/// ```
pub trait Facts {
    /// Returns the value of a name; `None` if there is none.
    fn fact(&self, name: &str) -> Option<Value<'_>>;
}

impl<N: Borrow<str> + Eq + Hash, S: BuildHasher> Facts for HashMap<N, Value<'_>, S> {
    fn fact(&self, name: &str) -> Option<Value<'_>> {
        self.get(name).map(Value::by_ref)
    }
}

impl<N: Borrow<str> + Ord> Facts for BTreeMap<N, Value<'_>> {
    fn fact(&self, name: &str) -> Option<Value<'_>> {
        self.get(name).map(Value::by_ref)
    }
}

impl<F: Fn(&str) -> Option<Value<'static>>> Facts for F {
    fn fact(&self, name: &str) -> Option<Value<'_>> {
        self(name)
    }
}
