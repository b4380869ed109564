//! Decides when a file has changed, and what to do then. No clock, no task: the reloader has these.

use mainstay_core::InvalidSetting;
use serde::de::DeserializeOwned;

use crate::{Error, Sources, node::Node};

/// What a look at the file found.
pub(crate) type Look = Result<String, Error>;

/// A file under watch.
///
/// Its content is compared, not its time of change: times have a grain that quick edits fall through, and a mounted
/// directory that is swapped as a whole may bring an older one.
pub(crate) struct Watched<F> {
    sources: Sources,
    apply: F,
    /// The last look that was acted upon, whatever came of it.
    seen: Look,
    /// One that differs, until the next look shows that it was not half-written.
    unsettled: Option<Look>,
    /// What holds.
    tree: Node,
}

// === impl Watched ===

impl<F> Watched<F> {
    /// Applies what is there now.
    pub(crate) fn start<T>(sources: Sources, mut apply: F) -> Result<Self, Error>
    where
        T: DeserializeOwned,
        F: FnMut(T) -> Result<(), InvalidSetting>,
    {
        let text = sources.text()?;
        let tree = take(&sources, &text, &mut apply)?;
        Ok(Self { sources, apply, seen: Ok(text), unsettled: None, tree })
    }

    /// Acts upon a look, at once when somebody asked for it, or when two in a row found the same.
    pub(crate) fn look<T>(&mut self, look: Look, asked: bool)
    where
        T: DeserializeOwned,
        F: FnMut(T) -> Result<(), InvalidSetting>,
    {
        if !asked {
            if look == self.seen {
                self.unsettled = None;
                return;
            }
            if self.unsettled.as_ref() != Some(&look) {
                self.unsettled = Some(look);
                return;
            }
        }
        self.unsettled = None;
        self.seen = look.clone();
        match look.and_then(|text| take(&self.sources, &text, &mut self.apply)) {
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

fn take<T: DeserializeOwned>(
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
