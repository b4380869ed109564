//! What operators do to a breaker.

use mainstay_core::{InvalidSetting, Name};
use tokio::time::Instant;

use crate::{Actor, Breaker, BreakerSettings, Mode, State};

impl Breaker {
    /// Refuses every call until told otherwise.
    pub fn force_open(&self, author: impl Into<Name>) {
        self.operate(State::Open, Mode::ForcedOpen, "forced open", author.into());
    }

    /// Lets every call pass and records nothing, until told otherwise.
    pub fn disable(&self, author: impl Into<Name>) {
        self.operate(State::Closed, Mode::Disabled, "disabled", author.into());
    }

    /// Records, and reports what it would do, but refuses nothing: to try settings on live traffic.
    pub fn shadow(&self, author: impl Into<Name>) {
        self.operate(State::Closed, Mode::Shadow, "in shadow mode", author.into());
    }

    /// Closes it, in the normal mode, with empty windows and no memory of openings.
    pub fn reset(&self, author: impl Into<Name>) {
        self.operate(State::Closed, Mode::Normal, "reset", author.into());
        self.engine().lock().openings = 0;
    }

    /// Takes other settings, and keeps state, windows, timers and listeners. The window itself is fixed.
    ///
    /// # Errors
    /// A setting out of its range, or another window.
    pub fn reconfigure(&self, settings: BreakerSettings) -> Result<(), InvalidSetting> {
        settings.validate()?;
        let mut memory = self.engine().lock();
        let fixed = "can't change on a live breaker: make a new one, or keep";
        if settings.window != memory.settings.window {
            let allowed = format!("{fixed} {:?}", memory.settings.window);
            return Err(InvalidSetting::new("window", format!("{:?}", settings.window), allowed));
        }
        if settings.slow_calls.is_some() && memory.settings.slow_calls.is_none() {
            return Err(InvalidSetting::new("slow_calls", "on", format!("{fixed} it off")));
        }
        memory.settings = settings;
        self.engine().configure(&mut memory);
        Ok(())
    }

    fn operate(&self, state: State, mode: Mode, what: &str, author: Name) {
        let engine = self.engine();
        let mut memory = engine.lock();
        let reason = format!("{what} by {}", author.escape_debug());
        let change = engine.change(&mut memory, Instant::now(), (state, mode), reason, Actor::Operator(author));
        drop(memory);
        engine.announce(Some(change));
    }
}
