//! Walking an error and its sources, and what that finds.

use std::{error::Error, io};

/// Iterates over an error and then over its sources, outermost first.
///
/// ```
/// use mainstay_core::{BoxError, causes};
///
/// let error: BoxError = std::io::Error::other("connection reset").into();
/// let reset = causes(error.as_ref()).any(|cause| cause.is::<std::io::Error>());
/// assert!(reset);
/// ```
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Returns whether an error was caused by a limit of open files: of this process, or of its system. Such an error says
/// nothing about the peer of a connection.
#[must_use]
pub fn is_out_of_files(error: &(dyn Error + 'static)) -> bool {
    /// `ENFILE` and `EMFILE`, which have these numbers on every Unix.
    const OUT_OF_FILES: [i32; 2] = [23, 24];
    let number = |error: &(dyn Error + 'static)| error.downcast_ref::<io::Error>()?.raw_os_error();
    cfg!(unix) && causes(error).any(|cause| number(cause).is_some_and(|number| OUT_OF_FILES.contains(&number)))
}

/// Returns the error of a name lookup that failed, or that of the system if no file descriptor is left: the system's
/// resolver then reports, as of a wrong name, that the name is not known. See [`is_out_of_files`].
///
/// It opens a file to find out.
#[must_use]
pub fn lookup_error(error: io::Error) -> io::Error {
    match std::fs::File::open("/") {
        Err(own) if is_out_of_files(&own) => own,
        _ => error,
    }
}
