//! Collects checks, components and groups, and validates them.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_core::{InvalidSetting, Name, Random, StatusReceiver};
use mainstay_drain::Drain;

use crate::{
    check::Check,
    health::Health,
    registration::{Registration, Source, validate_name},
    registry::Registry,
};
#[cfg(feature = "axum")]
use crate::{probe_loop_guard::ProbeLoopGuard, registry::EndpointOptions};

/// Builds a [`Health`].
#[derive(Debug, Default)]
pub struct HealthBuilder {
    registrations: Vec<Registration>,
    groups: Vec<(Name, Vec<Name>)>,
    drain: Option<Drain>,
    #[cfg(feature = "axum")]
    endpoints: EndpointOptions,
    random: Random,
}

// === impl Health ===

impl Health {
    /// Returns a builder without checks.
    #[must_use]
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }
}

// === impl HealthBuilder ===

impl HealthBuilder {
    /// Adds a check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        let (name, run, settings) = check.into_parts();
        let critical = settings.critical;
        self.registrations.push(Registration { name, critical, source: Source::Check { run, settings } });
        self
    }

    /// Adds a component that publishes its own status (a breaker, a failover, a bulkhead). Its changes show at once.
    ///
    /// An unhealthy component shows as unhealthy and makes the process degraded at worst: an open breaker refuses calls to
    /// a dependency, while the process itself works. A component whose handle was dropped is unknown.
    #[must_use]
    pub fn component(self, name: impl Into<Name>, status: StatusReceiver) -> Self {
        self.add_component(name.into(), status, false)
    }

    /// Adds a component that the process cannot work without: while it is unhealthy or unknown, the process is not ready.
    #[must_use]
    pub fn critical_component(self, name: impl Into<Name>, status: StatusReceiver) -> Self {
        self.add_component(name.into(), status, true)
    }

    fn add_component(mut self, name: Name, status: StatusReceiver, critical: bool) -> Self {
        self.registrations.push(Registration { name, critical, source: Source::Component(status) });
        self
    }

    /// Adds a group: a named set of checks that is shown at `/healthz/{group}` and `/ready/{group}`, and over gRPC as the
    /// service of that name.
    #[must_use]
    pub fn group<N: Into<Name>>(mut self, name: impl Into<Name>, members: impl IntoIterator<Item = N>) -> Self {
        self.groups.push((name.into(), members.into_iter().map(Into::into).collect()));
        self
    }

    /// Makes the process not ready, for good, from the moment that this drain begins.
    #[must_use]
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.drain = Some(drain.clone());
        self
    }

    /// Shows durations, dates and reasons in HTTP responses. Default off: reasons are error texts of dependencies, which
    /// can name hosts, users and even passwords. The payload of a panic is never shown; it goes to the log.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn show_details(mut self) -> Self {
        self.endpoints.show_details = true;
        self
    }

    /// Answers `/ready` and `/healthz` without the checks where a probe of this process caused the request: see
    /// [`ProbeLoopGuard`].
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn probe_loop_guard(mut self, guard: &ProbeLoopGuard) -> Self {
        self.endpoints.probe_loop_guard = Some(guard.clone());
        self
    }

    /// Sets the source of the jitter between runs, for tests.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Validates everything and starts the background runs on the current tokio runtime. They stop when the last clone
    /// of the [`Health`] (its routers included) is dropped.
    ///
    /// # Errors
    /// A setting of a check out of its range, an empty or duplicate name of a check or group, a group that is empty or
    /// has an unknown member, or no tokio runtime.
    pub fn build(self) -> Result<Health, InvalidSetting> {
        let mut names = BTreeSet::new();
        for registration in &self.registrations {
            registration.validate()?;
            if !names.insert(&registration.name) {
                return Err(InvalidSetting::new("check", &registration.name, "must be used once"));
            }
        }
        let groups = self.resolve_groups()?;
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| InvalidSetting::new("runtime", "none", "must be built inside a tokio runtime"))?;
        let registry = Registry::new(
            &self.registrations,
            groups,
            self.drain,
            #[cfg(feature = "axum")]
            self.endpoints,
        );
        Ok(Health::start(registry, self.registrations, self.random, &runtime))
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
        let position = self.registrations.iter().position(|registration| registration.name == *member);
        position.ok_or_else(|| {
            InvalidSetting::new(format!("groups.{group}"), member, "must name a check or a component of this registry")
        })
    }
}
