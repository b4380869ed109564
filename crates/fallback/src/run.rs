//! The function form, for code that is no Tower service.

use std::future::poll_fn;

use mainstay_core::{BoxError, Classify, Mark, Plain};

use crate::{
    Answers, Fallbacks,
    walk::{Settled, Steps},
};

// === impl Fallbacks ===

impl Fallbacks {
    /// Runs a plain async operation with these steps as its fallback: the decorator form, judged as
    /// [`Plain`] judges (every error is a failure, unless one of our layers refused).
    ///
    /// Hand in the steps that the handle was made for.
    ///
    /// # Errors
    /// The operation's own error, if every step failed or none was to run.
    ///
    /// ```
    /// use mainstay_core::BoxError;
    /// use mainstay_fallback::{Fallbacks, value};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let steps = value("stranger");
    /// let names = Fallbacks::new("names", &steps);
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

    /// The same, judged by a policy of your own and with the operation's own type of error.
    ///
    /// # Errors
    /// The operation's own error, if every step failed or none was to run.
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
        let steps = Steps { chain: steps, policy, handle: self };
        let kept = steps.chain.keep(policy, &request, false);
        let result = operation(request).await;
        let outcome = policy.classify(result.as_ref());
        match steps.settle(result, outcome, kept) {
            Settled::Done(result) => result,
            Settled::Walk(mut walk) => poll_fn(|cx| walk.poll(cx, &steps)).await,
        }
    }
}
