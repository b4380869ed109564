//! Reads the files of the repository: tracked ones, and new ones that git does not ignore.

use std::fs;
use std::io;
use std::process::Command;

use crate::cargo::root;

/// A file of the repository.
pub(crate) struct File {
    /// The path relative to the root of the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Returns the files whose path `chosen` accepts, sorted by path.
pub(crate) fn files(chosen: impl Fn(&str) -> bool) -> io::Result<Vec<File>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(list).current_dir(root()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let mut paths: Vec<&str> = names.split('\0').filter(|path| !path.is_empty() && chosen(path)).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut found = Vec::new();
    for path in paths {
        match fs::read_to_string(root().join(path)) {
            Ok(text) => found.push(File { path: path.to_owned(), text }),
            // Deleted, but the deletion is not staged.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::other(format!("{path}: {error}"))),
        }
    }
    Ok(found)
}
