//! The settings of a storage on the path of requests.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of a [`RequestPath`](crate::RequestPath).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct RequestPathSettings {
    /// The time limit of a call, the connection included. Default 50 ms: a store in the same data centre answers within a
    /// millisecond, and a request that waits for 50 ms once is not noticed.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
    /// The time between two pings of a storage that is lost, plus or minus a tenth. Default 1 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ping_interval: Duration,
}

// === impl RequestPathSettings ===

impl RequestPathSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// A duration below a millisecond or above a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("timeout", self.timeout, SHORTEST..=LONGEST)?;
        settings::duration("ping_interval", self.ping_interval, SHORTEST..=LONGEST)
    }
}

impl Default for RequestPathSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_millis(50), ping_interval: Duration::from_secs(1) }
    }
}
