//! What must be done before the process ends.

use std::{panic::AssertUnwindSafe, pin::Pin, sync::PoisonError, time::Duration};

use futures_util::FutureExt;
use mainstay_core::Name;
use tokio::time::timeout;

use super::{Drain, Phase, Report, Served};

/// One thing to do, and how long it may take.
pub(super) struct Hook {
    name: Name,
    limit: Duration,
    run: Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>,
}

// === impl Drain ===

impl Drain {
    /// Adds something to do once no request is left: flush, deregister, close a pool. The last added runs first, as
    /// what was built last leans on what was built before it. One that takes longer than `limit` or panics is given
    /// up, and the exit code says so.
    pub fn on_shutdown<F, Fut>(&self, name: impl Into<Name>, limit: Duration, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let run = Box::new(|| Box::pin(async { hook().await }) as Pin<Box<dyn Future<Output = ()> + Send>>);
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(Hook { name: name.into(), limit, run });
    }

    /// Runs the shutdown hooks and ends the drain. Call it once, when all servers have stopped, with the sum of what
    /// they served; `serve` does so by itself.
    pub async fn finish(&self, served: Served) -> Report {
        self.advance_to(Phase::Finishing);
        let mut report = Report { served, unfinished_hooks: Vec::new() };
        while let Some(hook) = self.last_hook() {
            let name = hook.name.clone();
            let finished = tokio::select! {
                biased;
                () = self.reached(Phase::Done) => false,
                finished = hook.run() => finished,
            };
            if !finished {
                report.unfinished_hooks.push(name);
            }
        }
        self.advance_to(Phase::Done);
        report.log();
        report
    }

    fn last_hook(&self) -> Option<Hook> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

// === impl Hook ===

impl Hook {
    async fn run(self) -> bool {
        let Self { name: hook, limit, run } = self;
        match timeout(limit, AssertUnwindSafe(run()).catch_unwind()).await {
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

// === impl Report ===

impl Report {
    fn log(&self) {
        match self.is_clean() {
            true => tracing::info!("drained: {self}"),
            false => tracing::warn!("drained by force: {self}"),
        }
    }
}
