//! Whether there is a tokio runtime, without which tokio's timers and tasks panic.

use tokio::runtime::Handle;

/// Returns whether this thread is inside of a tokio runtime.
///
/// Costs two locked operations, so it is not for the happy path. It does not tell whether the runtime has a timer
/// (`enable_time`).
#[must_use]
pub fn has_runtime() -> bool {
    Handle::try_current().is_ok()
}
