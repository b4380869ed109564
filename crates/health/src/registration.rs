//! A check or a component, as the builder adds it.

use std::fmt;

use mainstay_core::{InvalidSetting, Name, StatusReceiver};

use crate::{
    check::{CheckSettings, RunCheck},
    check_state::{FRESH_INTERVALS, Thresholds},
};

/// A check or a component of the registry.
pub(crate) struct Registration {
    pub(crate) name: Name,
    pub(crate) critical: bool,
    pub(crate) source: Source,
}

/// The source of the results.
pub(crate) enum Source {
    /// A function that runs on a schedule.
    Check { run: RunCheck, settings: CheckSettings },
    /// A component that publishes its own status.
    Component(StatusReceiver),
}

// === impl Registration ===

impl Registration {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        validate_name("check", &self.name)?;
        match &self.source {
            Source::Check { settings, .. } => {
                settings.validate().map_err(|error| error.within(&self.name).within("checks"))
            }
            Source::Component(_) => Ok(()),
        }
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        match &self.source {
            Source::Check { settings, .. } => Thresholds {
                fall: settings.fall,
                rise: settings.rise,
                fresh_for: Some(settings.interval * FRESH_INTERVALS),
            },
            Source::Component(_) => Thresholds { fall: 1, rise: 1, fresh_for: None },
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field("critical", &self.critical)
            .finish_non_exhaustive()
    }
}

/// Refuses an empty name: names become JSON keys, gRPC services and path segments.
pub(crate) fn validate_name(field: &str, name: &Name) -> Result<(), InvalidSetting> {
    match name.trim().is_empty() {
        true => Err(InvalidSetting::new(field, format_args!("{name:?}"), "must have a name")),
        false => Ok(()),
    }
}
