//! Walking an error and its sources.

use std::error::Error;

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
