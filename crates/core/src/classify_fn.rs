//! Policies of closures.

use std::fmt;

use crate::{
    CacheByKey, Classify, Contextual, Degraded, Follow, Mark, Outcome, Plain, Replay, RequestContext, RequestCopy,
};

/// A policy of closures: see [`classify_fn`]. What has no closure is the same as in [`Plain`].
///
/// The parameters are the closure that classifies, and the parts that replay, follow, keep the context and mark.
#[derive(Clone, Copy)]
pub struct ClassifyFn<F, R = Plain, W = Plain, C = Plain, M = Plain> {
    classify: F,
    replay: R,
    follow: W,
    context: C,
    mark: M,
}

/// The end of a response that is followed: see [`ClassifyFn::follow`].
pub type OnEnd = Box<dyn FnOnce(Outcome) + Send + Sync>;

/// Copies requests by a closure: see [`ClassifyFn::replay`].
#[derive(Clone, Copy, Debug)]
pub struct ReplayFn<F>(F);

/// Follows responses by a closure: see [`ClassifyFn::follow`].
#[derive(Clone, Copy, Debug)]
pub struct FollowFn<F>(F);

/// Reads and writes the context by closures: see [`ClassifyFn::context`].
#[derive(Clone, Copy, Debug)]
pub struct ContextFn<G, S> {
    get: G,
    set: S,
}

/// Marks responses by a closure: see [`ClassifyFn::mark`].
#[derive(Clone, Copy, Debug)]
pub struct MarkFn<F>(F);

/// Creates a policy from a function of the result. Everything else is handled as by [`Plain`], or by the functions that
/// are added: [`replay`](ClassifyFn::replay), [`context`](ClassifyFn::context), [`follow`](ClassifyFn::follow),
/// [`mark`](ClassifyFn::mark).
///
/// Pass a named function rather than a closure if the stack moves into a spawned task and is called there with
/// `oneshot`: the compiler rejects a closure that names `BoxError` ("implementation of `FnOnce` is not general enough").
///
/// ```
/// use mainstay_core::{
///     BoxError, Classify, Contextual, FailureKind, Outcome, Refusal, Replay, RequestContext, RequestCopy, classify_fn,
/// };
///
/// #[derive(Clone)]
/// struct Command {
///     line: String,
///     context: Option<RequestContext>,
/// }
///
/// fn by_first_word(result: Result<&String, &BoxError>) -> Outcome {
///     match result {
///         Ok(reply) if reply.starts_with("BUSY") => Outcome::overloaded(None),
///         Ok(_) => Outcome::Success,
///         Err(error) => error.rejected().map_or(Outcome::failure(FailureKind::Network), |rejected| rejected.outcome()),
///     }
/// }
///
/// let policy = classify_fn(by_first_word)
///     // A command that changes data is sent again only if it was not sent.
///     .replay(|command: &Command| match command.line.starts_with("GET ") {
///         true => Some(RequestCopy::new(command.clone())),
///         false => Some(RequestCopy::only_if_unsent(command.clone())),
///     })
///     .context(|command: &Command| command.context.as_ref(), |command, context| command.context = Some(context));
///
/// assert!(policy.classify(Ok(&"BUSY".to_owned())).is_failure());
/// let set = Command { line: "SET answer 7".to_owned(), context: None };
/// assert!(Replay::replay(&policy, &set).is_some_and(|copy| copy.is_only_if_unsent()));
/// assert!(Contextual::<Command>::carries_context(&policy));
/// ```
pub fn classify_fn<F, Res, E>(classify: F) -> ClassifyFn<F>
where
    F: Fn(Result<&Res, &E>) -> Outcome,
{
    ClassifyFn { classify, replay: Plain, follow: Plain, context: Plain, mark: Plain }
}

// === impl ClassifyFn ===

impl<F, R, W, C, M> ClassifyFn<F, R, W, C, M> {
    /// Copies requests by this function, which returns `None` for one that must not be sent again; see
    /// [`Replay::replay`]. Without it, requests must be `Clone`, and each one may be sent again.
    pub fn replay<Req, G>(self, replay: G) -> ClassifyFn<F, ReplayFn<G>, W, C, M>
    where
        G: Fn(&Req) -> Option<RequestCopy<Req>>,
    {
        let Self { classify, follow, context, mark, .. } = self;
        ClassifyFn { classify, replay: ReplayFn(replay), follow, context, mark }
    }

    /// Follows responses by this function: it stores the [`OnEnd`] in the response, whose code calls it once, at the end;
    /// see [`Follow::follow`]. Without it, responses are complete when they arrive.
    pub fn follow<Res, G>(self, follow: G) -> ClassifyFn<F, R, FollowFn<G>, C, M>
    where
        G: Fn(Res, OnEnd) -> Res,
    {
        let Self { classify, replay, context, mark, .. } = self;
        ClassifyFn { classify, replay, follow: FollowFn(follow), context, mark }
    }

    /// Reads the request's context by the first function, and sets it by the second; see [`Contextual`]. Without them,
    /// requests have none: no deadline, attempt number or attempt quota reaches the layers below.
    pub fn context<Req, G, S>(self, get: G, set: S) -> ClassifyFn<F, R, W, ContextFn<G, S>, M>
    where
        G: Fn(&Req) -> Option<&RequestContext>,
        S: Fn(&mut Req, RequestContext),
    {
        let Self { classify, replay, follow, mark, .. } = self;
        ClassifyFn { classify, replay, follow, context: ContextFn { get, set }, mark }
    }

    /// Marks a fallback's responses by this function; see [`Mark::mark`]. Without it, they have no mark.
    pub fn mark<Res, G>(self, mark: G) -> ClassifyFn<F, R, W, C, MarkFn<G>>
    where
        G: Fn(&mut Res, &Degraded),
    {
        let Self { classify, replay, follow, context, .. } = self;
        ClassifyFn { classify, replay, follow, context, mark: MarkFn(mark) }
    }
}

#[diagnostic::do_not_recommend]
impl<F, R, W, C, M, Res, E> Classify<Res, E> for ClassifyFn<F, R, W, C, M>
where
    F: Fn(Result<&Res, &E>) -> Outcome,
{
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        (self.classify)(result)
    }
}

impl<F, R, W, C, M> CacheByKey for ClassifyFn<F, R, W, C, M> {}

#[diagnostic::do_not_recommend]
impl<F, R: Replay<Req>, W, C, M, Req> Replay<Req> for ClassifyFn<F, R, W, C, M> {
    type Kept = R::Kept;

    fn replay(&self, request: &Req) -> Option<RequestCopy<R::Kept>> {
        self.replay.replay(request)
    }

    fn is_intact(&self, copy: &R::Kept) -> bool {
        self.replay.is_intact(copy)
    }
}

#[diagnostic::do_not_recommend]
impl<F, R, W: Follow<Res>, C, M, Res> Follow<Res> for ClassifyFn<F, R, W, C, M> {
    fn is_streaming(&self, response: &Res) -> bool {
        self.follow.is_streaming(response)
    }

    fn follow<G>(&self, response: Res, on_end: G) -> Res
    where
        G: FnOnce(Outcome) + Send + Sync + 'static,
    {
        self.follow.follow(response, on_end)
    }
}

#[diagnostic::do_not_recommend]
impl<F, R, W, C: Contextual<Req>, M, Req> Contextual<Req> for ClassifyFn<F, R, W, C, M> {
    fn carries_context(&self) -> bool {
        self.context.carries_context()
    }

    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        self.context.context(request)
    }

    fn set_context(&self, request: &mut Req, context: RequestContext) {
        self.context.set_context(request, context);
    }
}

#[diagnostic::do_not_recommend]
impl<F, R, W, C, M: Mark<Res>, Res> Mark<Res> for ClassifyFn<F, R, W, C, M> {
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        self.mark.mark(response, degraded);
    }
}

impl<F, R, W, C, M> fmt::Debug for ClassifyFn<F, R, W, C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifyFn").finish_non_exhaustive()
    }
}

// === impl ReplayFn ===

#[diagnostic::do_not_recommend]
impl<F, Req> Replay<Req> for ReplayFn<F>
where
    F: Fn(&Req) -> Option<RequestCopy<Req>>,
{
    type Kept = Req;

    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>> {
        (self.0)(request)
    }
}

// === impl FollowFn ===

#[diagnostic::do_not_recommend]
impl<F, Res> Follow<Res> for FollowFn<F>
where
    F: Fn(Res, OnEnd) -> Res,
{
    fn is_streaming(&self, _: &Res) -> bool {
        true
    }

    fn follow<G>(&self, response: Res, on_end: G) -> Res
    where
        G: FnOnce(Outcome) + Send + Sync + 'static,
    {
        (self.0)(response, Box::new(on_end))
    }
}

// === impl ContextFn ===

#[diagnostic::do_not_recommend]
impl<G, S, Req> Contextual<Req> for ContextFn<G, S>
where
    G: Fn(&Req) -> Option<&RequestContext>,
    S: Fn(&mut Req, RequestContext),
{
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        (self.get)(request)
    }

    fn set_context(&self, request: &mut Req, context: RequestContext) {
        (self.set)(request, context);
    }
}

// === impl MarkFn ===

#[diagnostic::do_not_recommend]
impl<F, Res> Mark<Res> for MarkFn<F>
where
    F: Fn(&mut Res, &Degraded),
{
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        (self.0)(response, degraded);
    }
}
