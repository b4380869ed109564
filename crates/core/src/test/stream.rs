//! An answer that goes on after its caller has it.

use std::fmt;

use crate::{Classify, Contextual, Follow, Mark, Outcome, Plain, Refusal, Replay};

/// An answer that goes on until it is [ended](Self::end); dropped before, its caller gave up waiting.
#[derive(Default)]
pub struct Stream(Vec<Box<dyn FnOnce(Outcome) + Send + Sync>>);

/// The policy that follows a [`Stream`]; in all else as [`Plain`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Streaming;

// === impl Stream ===

impl Stream {
    /// Ends it with this verdict, for every layer that follows it.
    pub fn end(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        self.0.drain(..).for_each(|settle| settle(outcome));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.settle(Outcome::Ignored);
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

    fn follow<F>(&self, mut response: Stream, settle: F) -> Stream
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        response.0.push(Box::new(settle));
        response
    }
}

#[diagnostic::do_not_recommend]
impl<Req: Clone> Replay<Req> for Streaming {
    fn replay(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

impl<Req> Contextual<Req> for Streaming {}

impl Mark<Stream> for Streaming {}
