//! Whether there is a tokio runtime, without which tokio's timers and tasks panic.

use tokio::{runtime::Handle, task::try_id};

/// Returns whether this thread is inside of a tokio runtime.
///
/// Costs two locked operations, so it is not for the happy path. It does not tell whether the runtime has a timer
/// (`enable_time`).
#[must_use]
pub fn has_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// Returns whether a timer can be armed here, for the first pending poll of a call.
///
/// In a task of tokio, where nearly all calls are polled, it costs one read of a thread-local variable. Elsewhere, such as in
/// the future of `block_on`, it costs what [`has_runtime`] does. A task of a `LocalSet` that another executor polls is taken
/// for one in a runtime.
#[inline]
#[must_use]
pub fn can_arm_timer() -> bool {
    try_id().is_some() || has_runtime()
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn timer_can_be_armed_in_a_task_and_in_the_future_of_block_on() {
        assert!(!can_arm_timer() && !has_runtime());
        let runtime = Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(async { can_arm_timer() }));
        assert!(runtime.block_on(runtime.spawn(async { can_arm_timer() })).unwrap());
        let _entered = runtime.enter();
        assert!(can_arm_timer());
    }
}
