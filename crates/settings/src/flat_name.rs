//! Flat names: a second, flat spelling of nested settings.

/// A flat name of a nested setting: an environment variable, and in lower case a key of the file.
///
/// For programs that already have such names, or whose operators prefer them to `PREFIX__SECTION__FIELD`. Give a table
/// of them to [`Sources::flat_names`](crate::Sources::flat_names).
///
/// ```
/// use mainstay_bulkhead::LimitSettings;
/// use mainstay_settings::{FlatName, Sources};
///
/// static NAMES: [FlatName; 2] = [
///     FlatName { path: "limit", name: "MAX_CONCURRENT_REQUESTS", default: "512", allowed: "1 to 1000000" },
///     FlatName { path: "max_wait", name: "MAX_WAIT_SECONDS", default: "", allowed: "0.001 to 86400, or off" },
/// ];
///
/// let variables = |name: &str| (name == "MAX_WAIT_SECONDS").then(|| "0.25".into());
/// let sources = Sources::toml("max_concurrent_requests = 64").flat_names_from(&NAMES, variables);
/// let settings = sources.read(LimitSettings::validate)?;
/// assert_eq!((settings.limit, settings.max_wait.unwrap().as_millis()), (64, 250));
///
/// let sources = sources.flat_names_from(&NAMES, |_| Some("many".into()));
/// let error = sources.read(LimitSettings::validate).unwrap_err();
/// assert_eq!(error.to_string(), "MAX_CONCURRENT_REQUESTS = many: must be 1 to 1000000");
/// # Ok::<_, mainstay_settings::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlatName {
    /// The nested setting, such as `limits.attempt_timeout`.
    pub path: &'static str,
    /// The variable, such as `ATTEMPT_TIMEOUT_SECONDS`. The value of a name that ends in `_SECONDS` is a number of
    /// seconds; the nested setting is a duration.
    pub name: &'static str,
    /// The default, as a variable would have it. Empty: the type of the settings has the default.
    pub default: &'static str,
    /// The values that are allowed under this name, for errors: they read `NAME = value: must be {allowed}`.
    pub allowed: &'static str,
}

// === impl FlatName ===

impl FlatName {
    /// Returns the key of the file.
    pub(crate) fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    pub(crate) fn path(&self) -> Vec<String> {
        self.path.split('.').map(str::to_owned).collect()
    }
}
