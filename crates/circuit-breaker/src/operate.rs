//! Changes that an operator makes.

use mainstay_core::{InvalidSetting, Name};
use tokio::time::Instant;

use crate::{Actor, Breaker, BreakerSettings, Mode, State, Transition, state_machine::Locked};

impl Breaker {
    /// Refuses every call until an operator changes the mode.
    pub fn force_open(&self, author: impl Into<Name>) {
        self.operate(State::Open, Mode::ForcedOpen, "forced open", author.into());
    }

    /// Admits every call and records nothing until an operator changes the mode.
    pub fn disable(&self, author: impl Into<Name>) {
        self.operate(State::Closed, Mode::Disabled, "disabled", author.into());
    }

    /// Admits every call, but records outcomes and reports changes of state: to try settings on live traffic.
    pub fn shadow(&self, author: impl Into<Name>) {
        self.operate(State::Closed, Mode::Shadow, "in shadow mode", author.into());
    }

    /// Closes the breaker in the normal mode, with empty windows and no openings counted.
    pub fn reset(&self, author: impl Into<Name>) {
        let change = self.order_reset(author.into());
        self.0.announce(Some(change));
    }

    /// Does the same as [`reset`](Self::reset), and logs nothing: the store of this breaker logs one line for all keys.
    pub(crate) fn reset_in_store(&self, author: &Name) {
        let change = self.order_reset(author.clone());
        self.0.publish(&change);
    }

    /// Replaces the settings. State, counts, timers and subscribers stay; a half-open breaker that is to recover by probes
    /// opens, without another opening counted. The kind and size of the window cannot change.
    ///
    /// # Errors
    /// A setting out of its range, or another window.
    pub fn reconfigure(&self, settings: BreakerSettings) -> Result<(), InvalidSetting> {
        self.check(&settings)?;
        let mut locked = self.0.lock();
        locked.settings = settings;
        self.0.configure(&mut locked);
        // Another way of recovery may be due at once, and other tasks may now be admitted.
        let change = self.0.advance(&mut locked, Instant::now());
        drop(locked);
        self.0.announce(change);
        self.0.wake_watchers();
        Ok(())
    }

    /// Checks whether [`reconfigure`](Self::reconfigure) accepts these settings, and changes nothing: for programs that
    /// reconfigure several handles or none.
    ///
    /// # Errors
    /// A setting out of its range, another window, or a rule for slow calls where the breaker was made without one.
    pub fn check(&self, settings: &BreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let fixed = "can't change on a live breaker: make a new one, or keep";
        let window = self.0.lock().settings.window;
        if settings.window != window {
            return Err(InvalidSetting::new("window", settings.window, format!("{fixed} {window}")));
        }
        if settings.slow_calls.is_some() && !self.0.rules.has_slow_window() {
            return Err(InvalidSetting::new("slow_calls", "on", format!("{fixed} it off")));
        }
        Ok(())
    }

    fn operate(&self, state: State, mode: Mode, what: &str, author: Name) {
        let change = self.order(&mut self.0.lock(), state, mode, what, author);
        self.0.announce(Some(change));
    }

    fn order_reset(&self, author: Name) -> Transition {
        let mut locked = self.0.lock();
        let change = self.order(&mut locked, State::Closed, Mode::Normal, "reset", author);
        locked.openings = 0;
        change
    }

    fn order(&self, locked: &mut Locked, state: State, mode: Mode, what: &str, author: Name) -> Transition {
        let reason = format!("{what} by {author}");
        self.0.change(locked, Instant::now(), (state, mode), reason, Actor::Operator(author))
    }
}
