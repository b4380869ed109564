//! Responses are over when their bodies are: guards learn how, once, and types stay what they were.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty, Full, combinators::UnsyncBoxBody};
use mainstay_core::{FailureKind, Follow, HeadOnly, Outcome, Repeat};
use mainstay_http::{Grpc, Http};

type Boxed = UnsyncBoxBody<Bytes, &'static str>;
type Frames = VecDeque<Result<Frame<Bytes>, &'static str>>;

/// Gives these frames, and does not know where it ends; `"pending"` hangs.
struct Script(Frames);

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        match self.0.front() {
            Some(Err("pending")) => Poll::Pending,
            _ => Poll::Ready(self.0.pop_front()),
        }
    }
}

fn data() -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(b"x")))
}

fn trailers(fields: &[(&'static str, &'static str)]) -> Result<Frame<Bytes>, &'static str> {
    let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    Ok(Frame::trailers(HeaderMap::from_iter(fields)))
}

fn script<const N: usize>(frames: [Result<Frame<Bytes>, &'static str>; N]) -> Response<Boxed> {
    Response::new(Script(frames.into()).boxed_unsync())
}

/// Reads up to this many frames, lets go, and gives what was settled, in order.
async fn read<P: Follow<Response<Boxed>>>(policy: &P, response: Response<Boxed>, frames: usize) -> Vec<Outcome> {
    let settled = Arc::<Mutex<Vec<Outcome>>>::default();
    let followed = {
        let settled = settled.clone();
        policy.follow(response, move |outcome| settled.lock().unwrap().push(outcome))
    };
    let mut body = followed.into_body();
    for _ in 0..frames {
        // A caller that has waited long enough.
        let _ = body.frame().now_or_never();
    }
    drop(body);
    let settled = settled.lock().unwrap();
    settled.clone()
}

#[tokio::test]
async fn http_bodies_settle_once_by_how_they_end() {
    let network = Outcome::failure(FailureKind::Network);
    assert_eq!(read(&Http::new(), script([data(), data()]), 9).await, [Outcome::Success]);
    assert_eq!(read(&Http::new(), script([data(), trailers(&[])]), 9).await, [Outcome::Success]);
    assert_eq!(read(&Http::new(), script([data(), Err("reset")]), 9).await, [network]);
}

/// Who looks at the status only, or at the first messages, has had a good answer. Who waited and gave up says nothing.
#[tokio::test]
async fn a_body_that_is_let_go_settles_by_whether_it_was_waited_for() {
    let hangs = || script([data(), Err("pending")]);
    for frames in [0, 1] {
        assert_eq!(read(&Http::new(), hangs(), frames).await, [Outcome::Success]);
        assert_eq!(read(&Grpc::new(), hangs(), frames).await, [Outcome::Success]);
    }
    assert_eq!(read(&Http::new(), hangs(), 2).await, [Outcome::Ignored]);
    assert_eq!(read(&Grpc::new(), hangs(), 2).await, [Outcome::Ignored]);
}

#[tokio::test]
async fn grpc_streams_settle_by_their_trailers() {
    let unknown = Outcome::failure(FailureKind::Unknown);
    assert_eq!(read(&Grpc::new(), script([data(), trailers(&[("grpc-status", "0")])]), 9).await, [Outcome::Success]);
    let pushed = trailers(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "-1")]);
    let unavailable = Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::Never);
    assert_eq!(read(&Grpc::new(), script([data(), pushed]), 9).await, [unavailable]);
    assert_eq!(read(&Grpc::new(), script([data()]), 9).await, [unknown], "cut off without a status");
}

/// The head has said all: no guard need be made.
#[tokio::test]
async fn what_is_whole_at_its_head_does_not_go_on() {
    let empty = || Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    let mut trailers_only = empty();
    trailers_only.headers_mut().insert("grpc-status", HeaderValue::from_static("8"));
    assert!(!Grpc::new().is_streaming(&trailers_only));
    assert!(!Http::new().is_streaming(&empty()));
    assert!(Http::new().is_streaming(&script([])), "a body that does not know its end");
    assert!(!HeadOnly(Http::new()).is_streaming(&script([])));
    // An answer that says nothing at all is none.
    assert!(Grpc::new().is_streaming(&empty()));
    assert_eq!(read(&Grpc::new(), empty(), 0).await, [Outcome::failure(FailureKind::Unknown)]);
}

/// Hyper stops asking when a body says that it is at its end: the permit must not wait for the drop.
#[tokio::test]
async fn the_last_bytes_settle_where_they_are_known_to_be_the_last() {
    let settled = Arc::<Mutex<Vec<Outcome>>>::default();
    let full = Full::new(Bytes::from("hello")).map_err(|never| match never {}).boxed_unsync();
    let seen = settled.clone();
    let response: Response<Boxed> =
        Http::new().follow(Response::new(full), move |outcome| seen.lock().unwrap().push(outcome));
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), SizeHint::with_exact(5).exact());
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(*settled.lock().unwrap(), [Outcome::Success]);
}
