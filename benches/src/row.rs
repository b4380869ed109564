//! A row of the table: a layer, its state, and its inner service.

use crate::{
    drive::Drive,
    measure::{Measured, Subject},
};

/// The bare service whose time is subtracted from a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// Responds in the first poll.
    Echo,
    /// Responds in the second poll.
    Later,
    /// Responds to an HTTP request.
    Site,
    /// Is cloned for each HTTP request, and responds with a boxed body.
    Page,
}

/// A measured layer or stack.
pub struct Row {
    pub(crate) pattern: &'static str,
    pub(crate) who: &'static str,
    pub(crate) bare: Bare,
    /// Whether each call must succeed; otherwise each must be refused.
    pub(crate) answers: bool,
    /// The position on a curve, if the row is a point of one.
    pub(crate) at: Option<u64>,
    /// Whether calls change the position on the curve, so that the service is created anew for every round.
    pub(crate) grows: bool,
    /// Whether calls sleep, so that wall time is measured.
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
            Self::Page => "answers an HTTP request with a boxed body",
        }
    }
}

// === impl Row ===

impl Row {
    /// Creates a row whose calls succeed, around [`Bare::Echo`].
    pub fn new(pattern: &'static str, who: &'static str, drive: impl Drive) -> Self {
        Self::made_by(pattern, who, move || drive.clone())
    }

    /// Creates a point of a curve that calls do not change.
    pub fn point(pattern: &'static str, who: &'static str, at: u64, drive: impl Drive) -> Self {
        Self { at: Some(at), ..Self::new(pattern, who, drive) }
    }

    /// Creates a point of a curve that calls change: the service is created anew for every round.
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

    /// Sets the bare service.
    #[must_use]
    pub fn over(self, bare: Bare) -> Self {
        Self { bare, ..self }
    }

    /// Sets that every call is refused.
    #[must_use]
    pub fn refusing(self) -> Self {
        Self { answers: false, ..self }
    }

    /// Sets that every call sleeps.
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
