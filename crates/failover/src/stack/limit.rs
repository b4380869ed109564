//! The limit on concurrent calls in a stack.

use mainstay_bulkhead::LimitSettings;

/// Returns the default: 256 calls and no queue.
pub(super) fn default_limit() -> LimitSettings {
    LimitSettings { limit: 256, ..LimitSettings::default() }
}

/// The limit as a file has it: what is not given is the default of a stack, not that of a bulkhead alone.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(remote = "LimitSettings", default = "default_limit", deny_unknown_fields)]
pub(super) struct GivenLimit {
    limit: u32,
    queue: u32,
    #[serde(with = "mainstay_core::settings::or_off::duration")]
    max_wait: Option<std::time::Duration>,
    #[serde(with = "mainstay_core::settings::or_off::duration")]
    execution_timeout: Option<std::time::Duration>,
}
