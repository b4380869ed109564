//! Settings by name: defaults, and entries that build on others.

use std::collections::BTreeMap;

use crate::InvalidSetting;

/// The name of the settings that names without an entry get.
pub const DEFAULT_SETTINGS: &str = "default";

/// The name under which a table of settings is read. `mainstay-settings` resolves the bases in it.
#[doc(hidden)]
pub const BY_NAME: &str = "mainstay_core::settings::by_name";

/// A table of settings by name, for a registry of handles by name. A name without an entry has the default settings.
///
/// An entry can build on another one, its *base*, and change a few settings of it:
///
/// ```
/// use mainstay_core::{BudgetSettings, SettingsByName};
///
/// let budgets = SettingsByName::new(BudgetSettings::default())
///     .with("reports", BudgetSettings { cap: 10.0, ..BudgetSettings::default() })
///     .with_base("nightly", "reports", |budget| budget.allowance = 1.0)?;
/// assert_eq!((budgets.get("nightly").cap, budgets.get("nightly").allowance), (10.0, 1.0));
/// assert_eq!(budgets.get("anything else"), &BudgetSettings::default());
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
///
/// In a settings file that `mainstay-settings` reads, each entry is a table. `default` has the settings of all other
/// names. `base` names the entry that a table builds on, which is `default` unless it is given:
///
/// ```toml
/// [limits.default]
/// limit = 10
///
/// [limits.database]
/// limit = 20
/// execution_timeout = "10s"
///
/// [limits.replica]
/// base = "database"
/// limit = 5
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsByName<S> {
    default: S,
    names: BTreeMap<String, S>,
}

// === impl SettingsByName ===

impl<S> SettingsByName<S> {
    /// Creates a table that has these settings for every name.
    pub fn new(default: S) -> Self {
        Self { default, names: BTreeMap::new() }
    }

    /// Sets the settings of a name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, settings: S) -> Self {
        self.set(name.into(), settings);
        self
    }

    /// Sets the settings of a name: those of `base` with a change. The base `"default"` has those of names without an
    /// entry.
    ///
    /// # Errors
    /// There is no such base.
    pub fn with_base(
        mut self,
        name: impl Into<String>,
        base: &str,
        change: impl FnOnce(&mut S),
    ) -> Result<Self, InvalidSetting>
    where
        S: Clone,
    {
        if base != DEFAULT_SETTINGS && !self.contains(base) {
            let names: Vec<_> = [DEFAULT_SETTINGS].into_iter().chain(self.names.keys().map(String::as_str)).collect();
            return Err(InvalidSetting::new("base", base, format!("must be one of {}", names.join(", "))));
        }
        let mut settings = self.get(base).clone();
        change(&mut settings);
        self.set(name.into(), settings);
        Ok(self)
    }

    fn set(&mut self, name: String, settings: S) {
        match name == DEFAULT_SETTINGS {
            true => self.default = settings,
            false => drop(self.names.insert(name, settings)),
        }
    }

    /// Returns the settings of a name: its own, or else the default.
    #[must_use]
    pub fn get(&self, name: &str) -> &S {
        self.names.get(name).unwrap_or(&self.default)
    }

    /// Returns whether the name has an entry.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Returns the entries, ordered by name, without the default.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &S)> {
        self.names.iter().map(|(name, settings)| (name.as_str(), settings))
    }

    /// Checks the default and every entry.
    ///
    /// # Errors
    /// The first error of `validate`, with the name of the entry before the field.
    pub fn validate(&self, validate: impl Fn(&S) -> Result<(), InvalidSetting>) -> Result<(), InvalidSetting> {
        let mut all = [(DEFAULT_SETTINGS, &self.default)].into_iter().chain(self.iter());
        all.try_for_each(|(name, settings)| validate(settings).map_err(|error| error.within(name)))
    }
}

impl<S> From<S> for SettingsByName<S> {
    fn from(default: S) -> Self {
        Self::new(default)
    }
}

impl<S: Default> Default for SettingsByName<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

#[cfg(feature = "serde")]
mod serde {
    use std::{collections::BTreeMap, fmt, marker::PhantomData};

    use ::serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor, ser::SerializeMap};

    use super::{BY_NAME, DEFAULT_SETTINGS, SettingsByName};

    struct ByName<S>(PhantomData<S>);

    /// Writes every entry whole.
    impl<S: Serialize> Serialize for SettingsByName<S> {
        fn serialize<Ser: Serializer>(&self, serializer: Ser) -> Result<Ser::Ok, Ser::Error> {
            let mut map = serializer.serialize_map(Some(self.names.len() + 1))?;
            map.serialize_entry(DEFAULT_SETTINGS, &self.default)?;
            self.names.iter().try_for_each(|(name, settings)| map.serialize_entry(name, settings))?;
            map.end()
        }
    }

    impl<'de, S: Deserialize<'de> + Default> Deserialize<'de> for SettingsByName<S> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_newtype_struct(BY_NAME, ByName(PhantomData))
        }
    }

    impl<'de, S: Deserialize<'de> + Default> Visitor<'de> for ByName<S> {
        type Value = SettingsByName<S>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            let mut names: BTreeMap<String, S> = Deserialize::deserialize(deserializer)?;
            Ok(SettingsByName { default: names.remove(DEFAULT_SETTINGS).unwrap_or_default(), names })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_builds_on_its_base_and_on_the_default() {
        let table = SettingsByName::new((1, 1)).with("a", (2, 2)).with_base("b", "a", |b| b.1 = 3).unwrap();
        let table = table.with_base("c", DEFAULT_SETTINGS, |c| c.0 = 4).unwrap();
        assert_eq!(
            [table.get("a"), table.get("b"), table.get("c"), table.get("?")],
            [&(2, 2), &(2, 3), &(4, 1), &(1, 1)]
        );
        let error = table.with_base("d", "x", |_| ()).unwrap_err().to_string();
        assert_eq!(error, "base = x: must be one of default, a, b, c");
    }

    #[test]
    fn wrong_entry_is_named() {
        let even = |n: &u32| crate::settings::count("n", (*n).into(), 0..=9);
        let error = SettingsByName::new(1).with("a", 10).validate(even).unwrap_err();
        assert_eq!(error.to_string(), "a.n = 10: must be 0 to 9");
        assert_eq!(SettingsByName::new(10).validate(even).unwrap_err().field(), "default.n");
    }
}
