//! Puts checks, components and groups together, and refuses what contradicts itself.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_core::{InvalidSetting, Name, Random, StatusReceiver};
use mainstay_drain::Drain;

#[cfg(feature = "axum")]
use crate::Hop;
use crate::{
    Check, Health,
    check::{CheckSettings, Probe},
    health::Parts,
};

/// Builds a [`Health`].
#[derive(Debug, Default)]
pub struct HealthBuilder {
    entries: Vec<Entry>,
    groups: Vec<(Name, Vec<Name>)>,
    drain: Option<Drain>,
    #[cfg(feature = "axum")]
    details: bool,
    #[cfg(feature = "axum")]
    hop: Option<Hop>,
    random: Random,
}

/// One line of the report, before it runs.
pub(crate) struct Entry {
    pub(crate) name: Name,
    pub(crate) critical: bool,
    pub(crate) source: Source,
}

/// Where results come from.
pub(crate) enum Source {
    /// Asked on a schedule.
    Check { probe: Probe, settings: CheckSettings },
    /// Reports by itself.
    Component(StatusReceiver),
}

// === impl HealthBuilder ===

impl HealthBuilder {
    /// Adds a check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        let (name, probe, settings) = check.into_parts();
        let critical = settings.critical;
        self.entries.push(Entry { name, critical, source: Source::Check { probe, settings } });
        self
    }

    /// Adds a component that reports its own state (a breaker, a failover, a bulkhead). Its changes show at once.
    ///
    /// Where it is unhealthy it shows as degraded: an open breaker means that the process protects itself, not that it
    /// is broken. A component whose handle is gone is unknown.
    #[must_use]
    pub fn component(self, name: impl Into<Name>, status: StatusReceiver) -> Self {
        self.push_component(name.into(), status, false)
    }

    /// Adds a component without which the process can do nothing useful: while it is unhealthy or unknown, the process
    /// is not ready.
    #[must_use]
    pub fn critical_component(self, name: impl Into<Name>, status: StatusReceiver) -> Self {
        self.push_component(name.into(), status, true)
    }

    fn push_component(mut self, name: Name, status: StatusReceiver, critical: bool) -> Self {
        self.entries.push(Entry { name, critical, source: Source::Component(status) });
        self
    }

    /// Names a set of checks that is shown by itself, at `/healthz/{group}` and `/ready/{group}`, and over gRPC as the
    /// service of that name.
    #[must_use]
    pub fn group<N: Into<Name>>(mut self, name: impl Into<Name>, members: impl IntoIterator<Item = N>) -> Self {
        self.groups.push((name.into(), members.into_iter().map(Into::into).collect()));
        self
    }

    /// Not ready, for good, from the moment this drain begins.
    #[must_use]
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.drain = Some(drain.clone());
        self
    }

    /// Shows durations, dates and reasons in HTTP answers. Off unless called: reasons are error texts of
    /// dependencies, and those name hosts, users and, in bad cases, passwords. The payload of a panic is never shown;
    /// it goes to the log.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn show_details(mut self) -> Self {
        self.details = true;
        self
    }

    /// Leaves the checks out of `/ready` and `/healthz` for a question that this process itself caused.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn hop(mut self, hop: &Hop) -> Self {
        self.hop = Some(hop.clone());
        self
    }

    /// The source of the jitter between runs, for tests.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Checks everything and starts the background runs on the current tokio runtime. They stop when the last clone
    /// of the [`Health`] (its routers included) is dropped.
    ///
    /// # Errors
    /// A wrong setting of a check, an empty or duplicate name of a check or group, a group that is empty or names
    /// something unknown, or no tokio runtime.
    pub fn build(self) -> Result<Health, InvalidSetting> {
        let mut names = BTreeSet::new();
        for entry in &self.entries {
            entry.validate()?;
            if !names.insert(&entry.name) {
                return Err(InvalidSetting::new("check", &entry.name, "must be used once"));
            }
        }
        let groups = self.resolve_groups()?;
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| InvalidSetting::new("runtime", "none", "must be built inside a tokio runtime"))?;
        let parts = Parts {
            entries: self.entries,
            groups,
            drain: self.drain,
            #[cfg(feature = "axum")]
            details: self.details,
            #[cfg(feature = "axum")]
            hop: self.hop,
            random: self.random,
        };
        Ok(Health::start(parts, &runtime))
    }

    fn resolve_groups(&self) -> Result<BTreeMap<Name, Vec<usize>>, InvalidSetting> {
        let mut groups = BTreeMap::new();
        for (name, members) in &self.groups {
            validate_name("group", name)?;
            if members.is_empty() {
                return Err(InvalidSetting::new(format!("groups.{name}"), "[]", "must have members"));
            }
            let resolved = members.iter().map(|member| self.position(name, member)).collect::<Result<_, _>>()?;
            if groups.insert(name.clone(), resolved).is_some() {
                return Err(InvalidSetting::new("group", name, "must be used once"));
            }
        }
        Ok(groups)
    }

    fn position(&self, group: &Name, member: &Name) -> Result<usize, InvalidSetting> {
        let position = self.entries.iter().position(|entry| entry.name == *member);
        position.ok_or_else(|| {
            InvalidSetting::new(format!("groups.{group}"), member, "must name a check or a component of this registry")
        })
    }
}

// === impl Entry ===

impl Entry {
    fn validate(&self) -> Result<(), InvalidSetting> {
        validate_name("check", &self.name)?;
        match &self.source {
            Source::Check { settings, .. } => {
                settings.validate().map_err(|error| error.within(&self.name).within("checks"))
            }
            Source::Component(_) => Ok(()),
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("critical", &self.critical).finish_non_exhaustive()
    }
}

/// Names become JSON keys, gRPC services and segments of a path.
fn validate_name(field: &str, name: &Name) -> Result<(), InvalidSetting> {
    match name.trim().is_empty() {
        true => Err(InvalidSetting::new(field, format_args!("{name:?}"), "must have a name")),
        false => Ok(()),
    }
}
