//! The expectations in which layers may differ.

use std::{any::Any, fmt, time::Duration};

type Hook<L, T> = Box<dyn Fn(&L) -> T>;

/// The expectations of the [`contract`](super::contract) for one layer. The defaults fit a layer that passes calls on.
///
/// ```
/// # #[derive(Clone)] struct LimitLayer;
/// # struct Permit;
/// # impl LimitLayer { fn take_all(&self) -> Permit { Permit } fn in_flight(&self) -> usize { 0 } }
/// use mainstay_core::test::Expect;
///
/// let expect = Expect::default()
///     .refusing(|layer: &LimitLayer| layer.take_all())
///     .at_rest(|layer: &LimitLayer| match layer.in_flight() {
///         0 => Ok(()),
///         n => Err(format!("{n} permits are still taken")),
///     });
/// ```
pub struct Expect<L> {
    pub(super) refusing: Option<Hook<L, Box<dyn Any>>>,
    pub(super) at_rest: Option<Hook<L, Result<(), String>>>,
    pub(super) answers_for_inner: bool,
    pub(super) wakes_to_refuse: bool,
    pub(super) timeout: Duration,
}

// === impl Expect ===

impl<L> Expect<L> {
    /// Sets how to make the layer refuse or queue, for as long as the returned guard lives. Without it, the rules about
    /// refusing are not checked.
    #[must_use]
    pub fn refusing<G: 'static>(mut self, refuse: impl Fn(&L) -> G + 'static) -> Self {
        self.refusing = Some(Box::new(move |layer| Box::new(refuse(layer))));
        self
    }

    /// Sets a check of the layer's own gauges while no call is in flight; its error describes what is still taken. Without
    /// it, the suite detects held inner services, and leaked permits by a later call that fails: use the smallest limit.
    #[must_use]
    pub fn at_rest(mut self, look: impl Fn(&L) -> Result<(), String> + 'static) -> Self {
        self.at_rest = Some(Box::new(look));
        self
    }

    /// Expects that the layer answers itself if the inner service fails, as a fallback does. Default: no.
    #[must_use]
    pub fn answers_for_inner(mut self) -> Self {
        self.answers_for_inner = true;
        self
    }

    /// Expects that the layer does not wake callers that wait for inner readiness when it starts to refuse. Default: it
    /// wakes them, because an open breaker must not wait for a dead client.
    #[must_use]
    pub fn refuses_without_waking(mut self) -> Self {
        self.wakes_to_refuse = false;
        self
    }

    /// Sets the longest duration of a call, on the paused clock. Default: an hour, longer than any timeout and backoff.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<L> Default for Expect<L> {
    fn default() -> Self {
        Self {
            refusing: None,
            at_rest: None,
            answers_for_inner: false,
            wakes_to_refuse: true,
            timeout: Duration::from_secs(3600),
        }
    }
}

impl<L> fmt::Debug for Expect<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect")
            .field("refusing", &self.refusing.is_some())
            .field("at_rest", &self.at_rest.is_some())
            .field("answers_for_inner", &self.answers_for_inner)
            .field("wakes_to_refuse", &self.wakes_to_refuse)
            .field("timeout", &self.timeout)
            .finish()
    }
}
