//! A row of the table: whose layer, in which state, around what.

use crate::{
    drive::Drive,
    measure::{Measured, Subject},
};

/// What a row's figure is taken from: the same calls without a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// The service that answers at once.
    Echo,
    /// The service that answers at the second poll.
    Later,
    /// The service that answers an HTTP request.
    Site,
}

/// One layer or stack under measurement.
pub struct Row {
    pub(crate) pattern: &'static str,
    pub(crate) who: &'static str,
    pub(crate) bare: Bare,
    /// Answered, or refused: what each call must be, or the row would measure something else.
    pub(crate) answers: bool,
    /// A point of the curve of this pattern, which counts this much of something.
    pub(crate) at: Option<u64>,
    /// Calls change what it counts, so it is made anew for every round.
    pub(crate) grows: bool,
    /// It sleeps: its time is read from a clock on the wall.
    pub(crate) sleeps: bool,
    pub(crate) subject: Box<dyn Measured>,
}

// === impl Bare ===

impl Bare {
    pub(crate) const NAME: &'static str = "bare service";

    pub(crate) fn who(self) -> &'static str {
        match self {
            Self::Echo => "answers at once",
            Self::Later => "answers at the second poll",
            Self::Site => "answers an HTTP request",
        }
    }
}

// === impl Row ===

impl Row {
    /// What calls must be answered, over the service that answers at once.
    pub fn new(pattern: &'static str, who: &'static str, drive: impl Drive) -> Self {
        Self::made_by(pattern, who, move || drive.clone())
    }

    /// A point of a curve that calls do not change.
    pub fn point(pattern: &'static str, who: &'static str, at: u64, drive: impl Drive) -> Self {
        Self { at: Some(at), ..Self::new(pattern, who, drive) }
    }

    /// A point of a curve that the calls of a round change: made anew for every round.
    pub fn growing<D: Drive>(
        pattern: &'static str,
        who: &'static str,
        at: u64,
        make: impl Fn() -> D + 'static,
    ) -> Self {
        Self { at: Some(at), grows: true, ..Self::made_by(pattern, who, make) }
    }

    fn made_by<D: Drive>(pattern: &'static str, who: &'static str, make: impl Fn() -> D + 'static) -> Self {
        let subject = Box::new(Subject::new(make));
        Self { pattern, who, bare: Bare::Echo, answers: true, at: None, grows: false, sleeps: false, subject }
    }

    /// Around another service.
    #[must_use]
    pub fn over(self, bare: Bare) -> Self {
        Self { bare, ..self }
    }

    /// What refuses every call.
    #[must_use]
    pub fn refusing(self) -> Self {
        Self { answers: false, ..self }
    }

    /// What sleeps in every call.
    #[must_use]
    pub fn sleeping(self) -> Self {
        Self { sleeps: true, ..self }
    }

    pub(crate) fn name(&self) -> String {
        let at = self.at.map(|at| format!(", {at}")).unwrap_or_default();
        format!("{}, {}{at}", self.pattern, self.who)
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
