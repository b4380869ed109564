//! The warnings that a test logs.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{Event, Level, Metadata, Subscriber, field, span, subscriber::DefaultGuard};

/// The warnings and errors that this thread has logged, each as its fields and message.
///
/// ```
/// use mainstay_core::test::Warnings;
///
/// let (warnings, _guard) = Warnings::collect();
/// tracing::warn!(n = 7, "too few");
/// assert_eq!(warnings.only(), "message=too few n=7 ");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

struct Text(String);

// === impl Warnings ===

impl Warnings {
    /// Collects until the guard is dropped.
    #[must_use]
    pub fn collect() -> (Self, DefaultGuard) {
        let warnings = Self::default();
        (warnings.clone(), tracing::subscriber::set_default(warnings))
    }

    /// Returns the only warning so far, and forgets it.
    ///
    /// # Panics
    /// There is none, or there are several.
    #[must_use]
    #[track_caller]
    pub fn only(&self) -> String {
        let mut warnings = self.take();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        warnings.remove(0)
    }

    /// Returns the warnings so far, and forgets them.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl field::Visit for Text {
    fn record_debug(&mut self, field: &field::Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
