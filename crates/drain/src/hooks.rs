//! Shutdown hooks: work that must be done before the process ends.

use std::{panic::AssertUnwindSafe, pin::Pin, time::Duration};

use futures_util::FutureExt;
use mainstay_core::{Name, isolated};
use tokio::time::timeout;

/// One shutdown hook and its time limit.
pub(crate) struct Hook {
    name: Name,
    limit: Duration,
    run: Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>,
}

// === impl Hook ===

impl Hook {
    pub(crate) fn new<F, Fut>(name: Name, limit: Duration, hook: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        // The function runs inside the future, so that a panic in it is caught, and a blocked thread is only its own, as
        // with the future itself.
        Self { name, limit, run: Box::new(|| Box::pin(async { hook().await })) }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Runs the hook. Returns whether it finished: in time and without a panic.
    pub(crate) async fn run(self) -> bool {
        let Self { name: hook, limit, run } = self;
        match timeout(limit, AssertUnwindSafe(isolated(run())).catch_unwind()).await {
            Ok(Ok(())) => true,
            Ok(Err(_)) => {
                tracing::error!(%hook, "shutdown hook panicked");
                false
            }
            Err(_) => {
                tracing::error!(%hook, ?limit, "shutdown hook took too long");
                false
            }
        }
    }
}
