//! Fallbacks for a plain async function.

use std::future::poll_fn;

use mainstay_core::{
    BoxError, Classify, Mark, Plain, Reason, Rejected,
    run::{blocking, boxed},
};

use crate::{
    Answers, FallbackHandle,
    execution::{Decision, Executor},
};

// === impl FallbackHandle ===

impl FallbackHandle {
    /// Runs the operation with these steps as its fallback. Every error is a failure, except a rejection by a handle or a
    /// layer inside. The error is boxed; [`run_with`](Self::run_with) keeps its type.
    ///
    /// The handle must have been created for these steps: its switches and figures are those of the steps that it was
    /// created for.
    ///
    /// # Errors
    /// The operation's error, if every step failed or the steps did not run.
    ///
    /// ```
    /// use mainstay_core::BoxError;
    /// use mainstay_fallback::{FallbackHandle, value};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let steps = value("stranger");
    /// let names = FallbackHandle::new("names", &steps);
    ///
    /// let find = |id: u32| async move { Err::<String, _>(format!("no user {id}")) };
    /// assert_eq!(names.run(&steps, 7, find).await?, "stranger");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<Req, Res, E, C, Fut>(
        &self,
        steps: &C,
        request: Req,
        operation: impl FnOnce(Req) -> Fut,
    ) -> Result<Res, BoxError>
    where
        C: Answers<Req, Res, BoxError, Plain>,
        Fut: Future<Output = Result<Res, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, steps, request, |request| boxed(operation(request))).await
    }

    /// Does the same as [`run`](Self::run), with a policy that classifies the results, and without boxing the error.
    ///
    /// # Errors
    /// The operation's error, if every step failed or the steps did not run.
    pub async fn run_with<Req, Res, E, C, P, Fut>(
        &self,
        policy: P,
        steps: &C,
        request: Req,
        operation: impl FnOnce(Req) -> Fut,
    ) -> Result<Res, E>
    where
        C: Answers<Req, Res, E, P>,
        P: Classify<Res, E> + Mark<Res>,
        Fut: Future<Output = Result<Res, E>>,
    {
        let executor = Executor { chain: steps, policy: &policy, handle: self };
        let kept = steps.keep(&policy, &request, false);
        let result = operation(request).await;
        let outcome = policy.classify(result.as_ref());
        match executor.record(result, outcome, kept) {
            Decision::Return(result) => result,
            Decision::RunSteps(mut execution) => poll_fn(|cx| execution.poll(cx, &executor)).await,
        }
    }

    /// Does the same as [`run`](Self::run), for a blocking operation, which runs on Tokio's threads for blocking work. It
    /// cannot be stopped: it runs to its end even if the caller is gone.
    ///
    /// # Errors
    /// The operation's error, if every step failed or the steps did not run; a rejection (draining) if the runtime shuts
    /// down.
    ///
    /// # Panics
    /// If the operation does.
    pub async fn run_blocking<Req, Res, E, C>(
        &self,
        steps: &C,
        request: Req,
        operation: impl FnOnce(Req) -> Result<Res, E> + Send + 'static,
    ) -> Result<Res, BoxError>
    where
        C: Answers<Req, Res, BoxError, Plain>,
        Req: Send + 'static,
        Res: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.run_blocking_with(Plain, steps, request, |request| operation(request).map_err(Into::into)).await
    }

    /// Does the same as [`run_blocking`](Self::run_blocking), with a policy that classifies the results, and without
    /// boxing the error.
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    ///
    /// # Panics
    /// If the operation does.
    pub async fn run_blocking_with<Req, Res, E, C, P>(
        &self,
        policy: P,
        steps: &C,
        request: Req,
        operation: impl FnOnce(Req) -> Result<Res, E> + Send + 'static,
    ) -> Result<Res, E>
    where
        C: Answers<Req, Res, E, P>,
        P: Classify<Res, E> + Mark<Res>,
        Req: Send + 'static,
        Res: Send + 'static,
        E: From<Rejected> + Send + 'static,
    {
        let draining = || Err(Rejected::new(Reason::Draining, self.name()).into());
        let operation = |request| async { blocking(|| operation(request)).await.unwrap_or_else(draining) };
        self.run_with(policy, steps, request, operation).await
    }
}
