//! The step that calls another service.
//!
//! Each request clones the service and makes its clone ready, so that a stuck backup blocks only its own request. (A peer
//! keeps one backup behind an async mutex and awaits it while locked.) The lock here is held only for the clone; with
//! it, the service need not be `Sync`, which boxed services are not.

use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mainstay_core::{
    BoxError, Contextual, InvalidSetting, Name, Replay, RequestCopy, UploadClock, has_runtime,
    settings::{self, LONGEST, SHORTEST},
};
use tokio::time::Instant;
use tower_service::Service;

use crate::{
    Answers, Chain, Or, RunningStep, StepInput, StepStart, StepState,
    chain::{SingleStep, request_for_step},
};

/// A step that calls another service; see [`backup`].
pub struct Backup<B> {
    service: Mutex<B>,
    settings: BackupSettings,
    state: StepState,
}

/// Settings of a [`Backup`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct BackupSettings {
    /// The most time that the backup may take, readiness included; a deadline in the request's context shortens it. For a
    /// request whose policy knows the [`UploadClock`](mainstay_core::UploadClock) of its body, from the body's last byte.
    /// Default 5 s, because the caller has already waited for the inner service.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
}

/// Creates a step named `backup` that sends the request to another service, for at most 5 s.
///
/// The service must take the same request and return the same response. If the policy classifies the response as a
/// failure (a 503), the next step is tried.
///
/// It needs a copy of the request: every call makes one ([`Replay`]). Requests that cannot be copied skip the step, and so
/// do requests that must not be executed twice, unless they were not sent.
pub fn backup<B>(service: B) -> Backup<B> {
    let state = StepState::new(Name::literal("backup"));
    Backup { service: Mutex::new(service), settings: BackupSettings::default(), state }
}

// === impl Backup ===

impl<B> Backup<B> {
    /// Sets the name, for marks, counts and switches.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.state = StepState::new(name.into());
        self
    }

    /// Sets the settings.
    ///
    /// # Errors
    /// A timeout below a millisecond or above a year.
    pub fn with_settings(mut self, settings: BackupSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        self.settings = settings;
        Ok(self)
    }

    /// Adds a step that runs if the backup fails.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<B> SingleStep for Backup<B> {
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
    type Kept = Option<RequestCopy<P::Kept>>;

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Self::Kept {
        if copied { None } else { policy.replay(request) }
    }

    fn request_for_step(policy: &P, kept: &mut Self::Kept, is_last: bool) -> Option<RequestCopy<Req>> {
        request_for_step(policy, kept, is_last)
    }

    fn start(&self, _: usize, _: &Self::Kept, mut input: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        let request = match input.request_to_send() {
            Ok(request) => request,
            Err(reason) => return StepStart::Skipped(reason),
        };
        let left = input.policy.context(&request).and_then(|context| context.time_left(Instant::now()));
        let limit = left.map_or(self.settings.timeout, |left| left.min(self.settings.timeout));
        if limit.is_zero() {
            return StepStart::Skipped("the deadline has passed");
        }
        let upload = input.policy.upload_clock(&request).cloned();
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StepStart::Running(RunningStep {
            future: Box::pin(within(limit, upload, call(service, request))),
            is_classified: true,
        })
    }
}

impl<B> fmt::Debug for Backup<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backup").field(self.state.name()).field(&self.settings).finish()
    }
}

/// Waits for the answer: for at most this long, and as long after the last byte of an upload.
async fn within<Res>(
    limit: Duration,
    upload: Option<UploadClock>,
    answer: impl Future<Output = Result<Res, BoxError>>,
) -> Result<Res, BoxError> {
    if !has_runtime() {
        return Err("no tokio runtime for the timeout of the backup: call it inside of one".into());
    }
    let (mut answer, mut end) = (pin!(answer), Instant::now() + limit);
    loop {
        match tokio::time::timeout_at(end, answer.as_mut()).await {
            Ok(result) => return result,
            Err(_) => match UploadClock::later_end(upload.as_ref(), limit) {
                Some(later) => end = later,
                None => return Err(format!("no answer within {limit:?}").into()),
            },
        }
    }
}

async fn call<B, Req>(mut service: B, request: Req) -> Result<B::Response, BoxError>
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
