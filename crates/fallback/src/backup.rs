//! The step that asks another service.
//!
//! The service is cloned per request and the clone readied on its own, so that a stuck backup blocks only the
//! requests that wait for it. (A peer keeps one backup behind an async mutex and waits for it while locked.) The lock
//! here is held for the clone alone: it spares the service from having to be `Sync`, which boxed ones are not.

use std::{
    fmt,
    future::poll_fn,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mainstay_core::{
    BoxError, Contextual, InvalidSetting, Name, Replay,
    settings::{self, LONGEST, SHORTEST},
};
use tokio::time::Instant;
use tower_service::Service;

use crate::{
    Answers, Asked, Begun, Chain, Or, StepState, Working,
    chain::{Leaf, hand_out},
};

/// The step that asks another service; see [`backup`].
pub struct Backup<B> {
    service: Mutex<B>,
    settings: BackupSettings,
    state: StepState,
}

/// Settings of a [`Backup`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct BackupSettings {
    /// How long the backup may take, readiness included; a deadline in the request's context shortens it. Default 5 s:
    /// who is answered by a backup has waited once already.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
}

/// A step named `backup` that sends the request to another service, for at most 5 s.
///
/// It must take the same request and give the same response. An answer that the policy counts as a failure (a 503) is
/// no answer: the next step is tried.
///
/// Needs a copy of the request: every call makes one ([`Replay`]), and the step is skipped for requests that cannot be
/// copied.
pub fn backup<B>(service: B) -> Backup<B> {
    let state = StepState::new(Name::literal("backup"));
    Backup { service: Mutex::new(service), settings: BackupSettings::default(), state }
}

// === impl Backup ===

impl<B> Backup<B> {
    /// With another name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }

    /// With other settings.
    ///
    /// # Errors
    /// A timeout below a millisecond or above a year.
    pub fn with_settings(mut self, settings: BackupSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        self.settings = settings;
        Ok(self)
    }

    /// And if the backup fails, this.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<B> Leaf for Backup<B> {
    const NEEDS_REQUEST: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res: 'static, E, P, B> Answers<Req, Res, E, P> for Backup<B>
where
    Req: Send + 'static,
    P: Replay<Req> + Contextual<Req>,
    B: Service<Req, Response = Res> + Clone + Send + 'static,
    B::Error: Into<BoxError>,
    B::Future: Send,
{
    type Kept = Option<Req>;

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Option<Req> {
        if copied { None } else { policy.replay(request) }
    }

    fn copy(kept: &mut Option<Req>) -> Option<&mut Option<Req>> {
        Some(kept)
    }

    fn hand_out(policy: &P, copy: &mut Option<Req>, last: bool) -> Option<Req> {
        hand_out(policy, copy, last)
    }

    fn begin(&self, _: usize, _: &Option<Req>, asked: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        let Some(request) = asked.request else {
            return Begun::Nothing("the request cannot be repeated");
        };
        let left = asked.policy.context(&request).and_then(|context| context.time_left(Instant::now()));
        let limit = left.map_or(self.settings.timeout, |left| left.min(self.settings.timeout));
        if limit.is_zero() {
            return Begun::Nothing("the deadline has passed");
        }
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Begun::Working(Working { future: Box::pin(within(limit, ask(service, request))), judged: true })
    }
}

impl<B> fmt::Debug for Backup<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backup").field(self.state.name()).field(&self.settings).finish()
    }
}

async fn within<Res>(limit: Duration, answer: impl Future<Output = Result<Res, BoxError>>) -> Result<Res, BoxError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {limit:?}").into()),
    }
}

async fn ask<B, Req>(mut service: B, request: Req) -> Result<B::Response, BoxError>
where
    B: Service<Req>,
    B::Error: Into<BoxError>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
    service.call(request).await.map_err(Into::into)
}

// === impl BackupSettings ===

impl BackupSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// A timeout below a millisecond or above a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("timeout", self.timeout, SHORTEST..=LONGEST)
    }
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5) }
    }
}
