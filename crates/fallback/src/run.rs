//! Fallbacks for a plain async function.

use std::future::poll_fn;

use mainstay_core::{BoxError, Classify, Mark, Plain};

use crate::{
    Answers, FallbackHandle,
    execution::{Decision, Executor},
};

// === impl FallbackHandle ===

impl FallbackHandle {
    /// Runs an async operation with these steps as its fallback. [`Plain`] classifies the result: every error is a
    /// failure, unless a layer rejected the request.
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
        self.run_with(&Plain, steps, request, |request| async { operation(request).await.map_err(Into::into) }).await
    }

    /// Like [`run`](Self::run), with a custom policy and any error type.
    ///
    /// # Errors
    /// The operation's error, if every step failed or the steps did not run.
    pub async fn run_with<Req, Res, E, C, P, Fut>(
        &self,
        policy: &P,
        steps: &C,
        request: Req,
        operation: impl FnOnce(Req) -> Fut,
    ) -> Result<Res, E>
    where
        C: Answers<Req, Res, E, P>,
        P: Classify<Res, E> + Mark<Res>,
        Fut: Future<Output = Result<Res, E>>,
    {
        let executor = Executor { chain: steps, policy, handle: self };
        let kept = steps.keep(policy, &request, false);
        let result = operation(request).await;
        let outcome = policy.classify(result.as_ref());
        match executor.record(result, outcome, kept) {
            Decision::Return(result) => result,
            Decision::RunSteps(mut execution) => poll_fn(|cx| execution.poll(cx, &executor)).await,
        }
    }
}
