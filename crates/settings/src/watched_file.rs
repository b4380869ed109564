//! Decides whether a file has changed, and applies the change. The task belongs to the reloader.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use mainstay_core::{InvalidSetting, escaped};
use serde::de::DeserializeOwned;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    Error, Sources,
    node::{Node, Origin},
    results::Results,
};

/// What one reading of the file returned.
pub(crate) type Content = Result<String, Error>;

/// A file under watch.
///
/// Contents are compared, not modification times: two quick edits may have the same time, and a mounted directory that
/// is swapped as a whole may bring an older one.
pub(crate) struct WatchedFile<F> {
    sources: Sources,
    /// Absent while it runs.
    apply: Option<F>,
    /// The last content that was handled, whether it was applied or refused.
    handled: Content,
    /// A content that differs from `handled`. It is handled if the next reading returns the same, because a first
    /// reading may find a half-written file.
    unconfirmed: Option<Content>,
    in_force: InForce,
    /// Why `handled` is not in force, and when the log last said so.
    refused: Option<(Error, Instant)>,
    results: Arc<Results>,
}

/// The settings in force.
struct InForce {
    tree: Node,
    /// Whether they were read from an empty file.
    is_empty: bool,
}

/// The time between two log lines about a file that stays refused.
const BETWEEN_REMINDERS: Duration = Duration::from_secs(60);

// === impl WatchedFile ===

impl<F> WatchedFile<F> {
    /// Applies the present content.
    pub(crate) fn start<T>(sources: Sources, mut apply: F) -> Result<Self, Error>
    where
        T: DeserializeOwned,
        F: FnMut(T) -> Result<(), InvalidSetting>,
    {
        let text = sources.text()?;
        let in_force = read_and_apply(&sources, &text, &mut apply)?;
        let results = Arc::new(Results::new());
        Ok(Self { sources, apply: Some(apply), handled: Ok(text), unconfirmed: None, in_force, refused: None, results })
    }

    /// Returns the results, which are shared with the handle of the reloader.
    pub(crate) fn results(&self) -> Arc<Results> {
        Arc::clone(&self.results)
    }

    /// Handles one reading: at once if forced, else if two readings in a row returned the same.
    pub(crate) async fn update<T>(&mut self, content: Content, forced: bool)
    where
        T: DeserializeOwned + 'static,
        F: FnMut(T) -> Result<(), InvalidSetting> + Send + 'static,
    {
        if !forced {
            if content == self.handled {
                self.unconfirmed = None;
                return self.remind();
            }
            if self.unconfirmed.as_ref() != Some(&content) {
                self.unconfirmed = Some(content);
                return;
            }
        }
        self.unconfirmed = None;
        self.handled = content.clone();
        let applied = match content {
            Ok(text) => self.apply(text).await,
            Err(error) => Err(error),
        };
        match applied {
            Ok(now) => {
                let changes = self.in_force.tree.changes(&now.tree);
                (self.in_force, self.refused) = (now, None);
                let changes = if changes.is_empty() { "nothing".to_owned() } else { changes.join(", ") };
                tracing::info!(file = self.file(), changed = %escaped(changes), "settings reloaded");
                self.results.applied();
            }
            Err(error) => {
                self.results.refused(&error);
                self.log_refusal(&error);
                self.refused = Some((error, Instant::now()));
            }
        }
    }

    /// Applies the text on a thread for blocking work, because the closure may block.
    async fn apply<T>(&mut self, text: String) -> Result<InForce, Error>
    where
        T: DeserializeOwned + 'static,
        F: FnMut(T) -> Result<(), InvalidSetting> + Send + 'static,
    {
        if is_empty(&text) && self.sources.path().is_some() && !self.in_force.is_empty {
            // A full disk or a truncation looks the same as "all defaults".
            let fault = "is empty, while settings from it are in force; for the defaults, write a comment into it";
            return Err(Error::message(Origin::Unknown, fault).in_file(self.sources.path()));
        }
        let (sources, apply) = (self.sources.clone(), self.apply.take());
        let applying = spawn_blocking(move || {
            let mut apply = apply?;
            let applied = read_and_apply(&sources, &text, &mut apply);
            Some((apply, applied))
        });
        match applying.await {
            Ok(Some((apply, applied))) => {
                self.apply = Some(apply);
                applied
            }
            // The runtime shuts down, and the task with it.
            _ => std::future::pending().await,
        }
    }

    /// Logs that the file is still refused: the settings in force are not those that the file shows, and a restart would
    /// fail.
    fn remind(&mut self) {
        let now = Instant::now();
        if let Some((error, logged)) = self.refused.take() {
            let is_due = now.saturating_duration_since(logged) >= BETWEEN_REMINDERS;
            if is_due {
                self.log_refusal(&error);
            }
            self.refused = Some((error, if is_due { now } else { logged }));
        }
    }

    fn log_refusal(&self, error: &Error) {
        tracing::warn!(file = self.file(), error = %escaped(error), "settings not reloaded: the old ones stay");
    }

    fn file(&self) -> Option<String> {
        self.sources.path().map(|path| path.display().to_string())
    }
}

/// A panic of the closure, or of the types of the settings, is an error, so that it does not end the reloading.
fn read_and_apply<T: DeserializeOwned>(
    sources: &Sources,
    text: &str,
    apply: &mut impl FnMut(T) -> Result<(), InvalidSetting>,
) -> Result<InForce, Error> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let tree = sources.tree(text)?;
        let settings = sources.settings(&tree)?;
        apply(settings).map_err(|wrong| sources.locate(&tree, wrong))?;
        Ok(InForce { tree, is_empty: is_empty(text) })
    }));
    // The panic hook has reported the payload.
    result.unwrap_or_else(|_payload| {
        let fault = "the closure that applies the settings panicked; they may be applied in part";
        Err(Error::message(Origin::Unknown, fault).in_file(sources.path()))
    })
}

/// Whether a file has no content. A file system may fill a lost block with zeros, and an editor may leave a byte order
/// mark.
fn is_empty(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || matches!(character, '\0' | '\u{feff}'))
}
