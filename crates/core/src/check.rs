//! A compile-time check of a stack's types.

use tower_service::Service;

/// Returns the stack unchanged, and requires at compile time that it is a service of these types.
///
/// The compiler's message for `stack.ready()` on an incomplete stack says only that bounds are not met. The message for
/// this function names the missing conversion or policy. Name the request and infer the rest:
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
