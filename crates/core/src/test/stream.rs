//! A response that continues after the caller has received it.

use std::fmt;

use crate::{Classify, Contextual, Follow, Mark, Outcome, Plain, Refusal, Replay, RequestCopy};

/// A response that continues until [`end`](Self::end). A drop before that is a cancellation by the caller.
#[derive(Default)]
pub struct Stream(Vec<Box<dyn FnOnce(Outcome) + Send + Sync>>);

/// A policy that follows a [`Stream`] and otherwise acts as [`Plain`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Streaming;

// === impl Stream ===

impl Stream {
    /// Ends the stream with this outcome, for each layer that follows it.
    pub fn end(mut self, outcome: Outcome) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: Outcome) {
        self.0.drain(..).for_each(|on_end| on_end(outcome));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.finish(Outcome::ignored());
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("followed_by", &self.0.len()).finish()
    }
}

// === impl Streaming ===

impl<E: Refusal> Classify<Stream, E> for Streaming {
    fn classify(&self, result: Result<&Stream, &E>) -> Outcome {
        Plain.classify(result)
    }
}

impl Follow<Stream> for Streaming {
    fn is_streaming(&self, _: &Stream) -> bool {
        true
    }

    fn follow<F>(&self, mut response: Stream, on_end: F) -> Stream
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        response.0.push(Box::new(on_end));
        response
    }
}

#[diagnostic::do_not_recommend]
impl<Req: Clone> Replay<Req> for Streaming {
    type Kept = Req;

    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl<Req> Contextual<Req> for Streaming {}

impl Mark<Stream> for Streaming {}
