//! Whether the end of a runtime drops a call, or its caller.

use tokio::runtime::Handle;

/// Returns whether the current runtime ends, which drops all its tasks, or the current thread ends. For the `Drop` of a
/// call: a call that is dropped then says nothing about its dependency.
///
/// A runtime that ends cancels a task in the moment in which it is spawned. Spawns one, so it is not for the happy path.
/// Returns false outside of a runtime.
#[must_use]
#[cold]
pub fn is_runtime_ending() -> bool {
    match Handle::try_current() {
        Ok(runtime) => {
            // Never completes, so that another thread cannot finish it before it is looked at.
            let task = runtime.spawn(std::future::pending::<()>());
            let is_cancelled = task.is_finished();
            task.abort();
            is_cancelled
        }
        Err(error) => error.is_thread_local_destroyed(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::mpsc::{Sender, channel},
        time::Duration,
    };

    use tokio::{
        runtime::{Builder, Runtime},
        task::yield_now,
    };

    use super::is_runtime_ending;

    /// Sends what a call finds that is dropped.
    struct Call(Sender<bool>);

    impl Drop for Call {
        fn drop(&mut self) {
            let _ = self.0.send(is_runtime_ending());
        }
    }

    fn runtimes() -> [Runtime; 2] {
        [Builder::new_current_thread().build().unwrap(), Builder::new_multi_thread().worker_threads(2).build().unwrap()]
    }

    #[test]
    fn end_of_a_runtime_is_found_and_an_aborted_task_is_not() {
        let ends: [fn(Runtime); 3] =
            [drop, Runtime::shutdown_background, |runtime| runtime.shutdown_timeout(Duration::from_secs(10))];
        for end in ends {
            for runtime in runtimes() {
                let (sender, found) = channel();
                let start = |runtime: &Runtime| {
                    let call = Call(sender.clone());
                    runtime.spawn(async move {
                        let _call = call;
                        pending::<()>().await;
                    })
                };
                let (given_up, _kept) = (start(&runtime), start(&runtime));
                runtime.block_on(async {
                    yield_now().await;
                    given_up.abort();
                    assert!(given_up.await.unwrap_err().is_cancelled());
                });
                assert!(!found.recv().unwrap(), "the caller gave up");
                runtime.block_on(async { drop(Call(sender.clone())) });
                assert!(!found.recv().unwrap(), "the call was dropped by the code that made it");
                end(runtime);
                assert!(found.recv().unwrap(), "the runtime has ended");
            }
        }
    }

    /// The runtime that ends is not the one in which its end is ordered.
    #[test]
    fn end_of_another_runtime_is_found() {
        let [outer, inner] = runtimes();
        let (sender, found) = channel();
        let call = Call(sender.clone());
        inner.spawn(async move {
            let _call = call;
            pending::<()>().await;
        });
        outer.block_on(async { inner.shutdown_background() });
        assert!(found.recv().unwrap());
        outer.block_on(async { drop(Call(sender)) });
        assert!(!found.recv().unwrap());
    }

    #[test]
    fn no_runtime_is_no_end() {
        assert!(!is_runtime_ending());
    }
}
