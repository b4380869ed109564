//! Decides whether a file has changed, and applies the change. The clock and the task belong to the reloader.

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{Error, Sources, node::Node};

/// What one reading of the file returned.
pub(crate) type Content = Result<String, Error>;

/// A file under watch.
///
/// Contents are compared, not modification times: two quick edits may have the same time, and a mounted directory that
/// is swapped as a whole may bring an older one.
pub(crate) struct WatchedFile<F> {
    sources: Sources,
    apply: F,
    /// The last content that was handled, whether it was applied or refused.
    handled: Content,
    /// A content that differs from `handled`. It is handled if the next reading returns the same, because a first
    /// reading may find a half-written file.
    unconfirmed: Option<Content>,
    /// The settings in force.
    tree: Node,
}

// === impl WatchedFile ===

impl<F> WatchedFile<F> {
    /// Applies the present content.
    pub(crate) fn start<T>(sources: Sources, mut apply: F) -> Result<Self, Error>
    where
        T: DeserializeOwned,
        F: FnMut(T) -> Result<(), InvalidSetting>,
    {
        let text = sources.text()?;
        let tree = read_and_apply(&sources, &text, &mut apply)?;
        Ok(Self { sources, apply, handled: Ok(text), unconfirmed: None, tree })
    }

    /// Handles one reading: at once if forced, else if two readings in a row returned the same.
    pub(crate) fn update<T>(&mut self, content: Content, forced: bool)
    where
        T: DeserializeOwned,
        F: FnMut(T) -> Result<(), InvalidSetting>,
    {
        if !forced {
            if content == self.handled {
                self.unconfirmed = None;
                return;
            }
            if self.unconfirmed.as_ref() != Some(&content) {
                self.unconfirmed = Some(content);
                return;
            }
        }
        self.unconfirmed = None;
        self.handled = content.clone();
        match content.and_then(|text| read_and_apply(&self.sources, &text, &mut self.apply)) {
            Ok(tree) => {
                let changes = self.tree.changes(&tree);
                self.tree = tree;
                let changes = if changes.is_empty() { "nothing".to_owned() } else { changes.join(", ") };
                tracing::info!(file = self.file(), changed = changes, "settings reloaded");
            }
            Err(error) => tracing::warn!(file = self.file(), %error, "settings not reloaded: the old ones stay"),
        }
    }

    fn file(&self) -> Option<String> {
        self.sources.path().map(|path| path.display().to_string())
    }
}

fn read_and_apply<T: DeserializeOwned>(
    sources: &Sources,
    text: &str,
    apply: &mut impl FnMut(T) -> Result<(), InvalidSetting>,
) -> Result<Node, Error> {
    let tree = sources.tree(text)?;
    let settings = sources.settings(&tree)?;
    match apply(settings) {
        Ok(()) => Ok(tree),
        Err(wrong) => Err(sources.locate(&tree, wrong)),
    }
}
