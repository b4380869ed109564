//! Free disk space.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release},
    },
};

use mainstay_core::{InvalidSetting, Name, settings};

use crate::{check::Check, outcome::CheckOutcome};

/// Thresholds of free space, as shares of the file system's size: `0.1` is 10 %.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct DiskSettings {
    /// Below this free share the check is degraded. Default 0.1: an operator has time to act.
    pub degraded_below: f64,
    /// Below this free share the check is unhealthy. Default 0.02: writes will soon fail.
    pub unhealthy_below: f64,
}

/// Clears the flag when the blocking call ends, even if the check that started it has timed out.
struct BusyGuard(Arc<AtomicBool>);

// === impl Check ===

impl Check {
    /// Creates a check of the file system of `path`, by the space that is free for unprivileged processes.
    ///
    /// # Errors
    /// A share outside 0 to 1, or `unhealthy_below` above `degraded_below`.
    pub fn disk(
        name: impl Into<Name>,
        path: impl Into<PathBuf>,
        settings: DiskSettings,
    ) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        let path: Arc<Path> = path.into().into();
        let busy = Arc::new(AtomicBool::new(false));
        Ok(Self::new(name, move || measure(Arc::clone(&path), settings, Arc::clone(&busy))))
    }
}

/// Measures on a blocking thread. A network file system can hang for hours, and its thread cannot be stopped, so that at
/// most one measurement runs.
async fn measure(path: Arc<Path>, settings: DiskSettings, busy: Arc<AtomicBool>) -> Result<CheckOutcome, String> {
    if busy.swap(true, AcqRel) {
        return Err(String::from("the file system has not answered the last run yet"));
    }
    let guard = BusyGuard(busy);
    let measured = tokio::task::spawn_blocking(move || {
        let _guard = guard;
        free(&path)
    });
    let free = measured.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(settings.outcome(free))
}

/// Returns the free share.
fn free(path: &Path) -> io::Result<f64> {
    let system = rustix::fs::statvfs(path)?;
    Ok(match system.f_blocks {
        // Pseudo file systems have no size.
        0 => 1.0,
        blocks => system.f_bavail as f64 / blocks as f64,
    })
}

// === impl DiskSettings ===

impl DiskSettings {
    /// Checks the values.
    ///
    /// # Errors
    /// A share outside 0 to 1, or `unhealthy_below` above `degraded_below`.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::rate("degraded_below", self.degraded_below)?;
        if !(0.0..=self.degraded_below).contains(&self.unhealthy_below) {
            let allowed = format!("must be 0 to degraded_below, {}", self.degraded_below);
            return Err(
                InvalidSetting::new("unhealthy_below", self.unhealthy_below, allowed).bounded_by("degraded_below")
            );
        }
        Ok(())
    }

    fn outcome(&self, free: f64) -> CheckOutcome {
        let reason = || format!("{:.1} % free", free * 100.0);
        match free {
            free if free < self.unhealthy_below => CheckOutcome::unhealthy(reason()),
            free if free < self.degraded_below => CheckOutcome::degraded(reason()),
            _ => CheckOutcome::healthy(),
        }
    }
}

impl Default for DiskSettings {
    fn default() -> Self {
        Self { degraded_below: 0.1, unhealthy_below: 0.02 }
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.store(false, Release);
    }
}

#[cfg(test)]
mod tests {
    use mainstay_core::Level;

    use super::*;

    #[test]
    fn little_space_is_degraded_and_less_is_unhealthy() {
        let settings = DiskSettings::default();
        for (free, level) in
            [(1.0, Level::Healthy), (0.1, Level::Healthy), (0.05, Level::Degraded), (0.01, Level::Unhealthy)]
        {
            assert_eq!(settings.outcome(free).level(), level, "{free}");
        }
        assert_eq!(settings.outcome(0.0123).reason(), "1.2 % free");
    }

    #[test]
    fn invalid_thresholds_are_errors() {
        let invalid = |degraded_below, unhealthy_below| {
            DiskSettings { degraded_below, unhealthy_below }.validate().unwrap_err().field().to_owned()
        };
        assert_eq!(invalid(0.0, 0.0), "degraded_below");
        assert_eq!(invalid(f64::NAN, 0.0), "degraded_below");
        assert_eq!(invalid(0.1, 0.2), "unhealthy_below");
        assert_eq!(invalid(0.1, f64::NAN), "unhealthy_below");
    }

    #[tokio::test]
    async fn root_is_healthy_and_missing_path_or_second_run_is_an_error() {
        let busy = Arc::new(AtomicBool::new(false));
        let lenient = DiskSettings { degraded_below: f64::MIN_POSITIVE, unhealthy_below: 0.0 };
        let here = measure(Path::new("/").into(), lenient, Arc::clone(&busy)).await.unwrap();
        assert_eq!(here.level(), Level::Healthy);
        assert!(measure(Path::new("/does/not/exist").into(), lenient, Arc::clone(&busy)).await.is_err());
        busy.store(true, Release);
        assert!(measure(Path::new("/").into(), lenient, busy).await.unwrap_err().contains("not answered"));
    }
}
