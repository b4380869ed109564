//! Runs a user's future where a blocked thread is only its own.
//!
//! A future that blocks its thread (a synchronous client, a lock, a network file system) can stall the whole process,
//! with any number of workers: one worker waits for sockets and timers, and if the task that it wakes blocks, no other
//! worker takes over the wait. Code that runs in the background and that a user provides is therefore polled on tokio's
//! threads for blocking work. A thread for the whole run was rejected: the paused clock of a test does not advance while
//! such a thread runs, so that a function that hangs would hang the test.

use std::{
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    task::{JoinError, spawn_blocking},
};

/// Runs a future on tokio's threads for blocking work: each poll, and its drop, has a thread of its own while it runs.
///
/// A panic of the future passes to the caller. If the returned future is dropped during a poll, the poll ends on its
/// thread, and the future is then dropped. Without a runtime it panics, as tokio's timers do.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::timeout;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (unblock, blocked) = std::sync::mpsc::channel::<()>();
/// let stuck = mainstay_core::isolated(async move { blocked.recv() });
/// assert!(timeout(Duration::from_millis(10), stuck).await.is_err(), "the timeout of a blocked future works");
/// # drop(unblock);
/// # }
/// ```
pub async fn isolated<F>(future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let wakes = Arc::new(Wakes::default());
    let mut parked = Parked(Some(Box::pin(future)));
    loop {
        let Some(mut future) = parked.0.take() else { return std::future::pending().await };
        let waker = Waker::from(Arc::clone(&wakes));
        let poll = spawn_blocking(move || match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => Err(future),
        });
        match poll.await.map_err(JoinError::try_into_panic) {
            Ok(Ok(output)) => return output,
            Ok(Err(future)) => parked.0 = Some(future),
            Err(Ok(payload)) => resume_unwind(payload),
            // The runtime shuts down.
            Err(Err(_cancelled)) => {}
        }
        wakes.0.notified().await;
    }
}

/// A future between two polls.
struct Parked<F: Send + 'static>(Option<Pin<Box<F>>>);

/// Stores a wake-up that arrives during a poll.
#[derive(Default)]
struct Wakes(Notify);

impl<F: Send + 'static> Drop for Parked<F> {
    fn drop(&mut self) {
        // Destructors can block, too.
        if let (Some(future), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(future));
        }
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::AssertUnwindSafe,
        sync::{Mutex, mpsc},
        time::Duration,
    };

    use tokio::{
        sync::oneshot,
        time::{Instant, sleep, timeout},
    };

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn paused_clock_advances_while_the_future_waits() {
        let start = Instant::now();
        let output = isolated(async {
            sleep(S).await;
            tokio::task::yield_now().await;
            tokio::spawn(sleep(S)).await.unwrap();
            7
        });
        assert_eq!((output.await, start.elapsed()), (7, 2 * S));
        assert!(timeout(S, isolated(std::future::pending::<()>())).await.is_err());
        assert_eq!(start.elapsed(), 3 * S);
    }

    #[tokio::test]
    async fn wake_up_during_a_poll_is_not_lost() {
        for _ in 0..100 {
            let mut polls = 0;
            let twice = std::future::poll_fn(move |cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
            });
            assert_eq!(isolated(twice).await, 3);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn panic_passes_to_the_caller() {
        let panics = tokio::spawn(isolated(async { std::panic::panic_any("no") as u32 }));
        let payload = panics.await.unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref(), Some(&"no"));
    }

    /// Reports the thread on which it is dropped, after that thread is released.
    struct BlocksOnDrop(Mutex<mpsc::Receiver<()>>, Option<oneshot::Sender<()>>);

    impl Drop for BlocksOnDrop {
        fn drop(&mut self) {
            let _ = self.0.lock().unwrap().recv();
            let _ = self.1.take().unwrap().send(());
        }
    }

    #[tokio::test]
    async fn blocked_drop_delays_no_other_task() {
        let (unblock, blocked) = mpsc::channel();
        let (dropped, is_dropped) = oneshot::channel();
        let held = BlocksOnDrop(Mutex::new(blocked), Some(dropped));
        let mut waiting = Box::pin(isolated(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
        assert!(timeout(Duration::from_millis(20), &mut waiting).await.is_err());
        drop(waiting);
        unblock.send(()).unwrap();
        is_dropped.await.unwrap();
    }

    #[test]
    fn future_that_outlives_its_runtime_is_dropped_without_a_panic() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut left = Box::pin(isolated(std::future::pending::<()>()));
        runtime.block_on(async {
            assert!(timeout(Duration::from_millis(20), &mut left).await.is_err());
        });
        runtime.shutdown_background();
        assert!(std::panic::catch_unwind(AssertUnwindSafe(|| drop(left))).is_ok());
    }
}
