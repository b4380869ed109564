//! Asks the compiler about a stack, so that it answers with the reason.

use tower_service::Service;

/// Pins a stack's types and gives it back unchanged.
///
/// `stack.ready()` on an incomplete stack says only that the method's bounds are not met. This says which
/// conversion or which policy is missing. Name the request, and leave the rest to inference:
///
/// ```
/// use mainstay_core::{BoxError, check};
/// # use std::task::{Context, Poll};
/// # #[derive(Clone)] struct Client;
/// # impl tower_service::Service<String> for Client {
/// #     type Response = usize; type Error = BoxError; type Future = std::future::Ready<Result<usize, BoxError>>;
/// #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> { Poll::Ready(Ok(())) }
/// #     fn call(&mut self, req: String) -> Self::Future { std::future::ready(Ok(req.len())) }
/// # }
/// # let stack = Client;
/// let stack = check::<String, usize, BoxError, _>(stack);
/// let stack = check::<String, _, _, _>(stack);
/// ```
pub fn check<Req, Res, E, S>(stack: S) -> S
where
    S: Service<Req, Response = Res, Error = E>,
{
    stack
}
