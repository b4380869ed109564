use std::collections::VecDeque;

use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Empty, Full};
use proptest::prelude::*;

use super::*;
use Step::{Data, Fail, Trailers, Wait};

/// A body made of steps; `Wait` is pending until the test wakes nobody: the next poll goes on.
struct Script(VecDeque<Step>);

#[derive(Clone, Debug)]
enum Step {
    Data(&'static [u8]),
    Trailers,
    Fail,
    Wait,
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(match self.0.pop_front() {
            Some(Data(data)) => Some(Ok(Frame::data(Bytes::from_static(data)))),
            Some(Trailers) => Some(Ok(Frame::trailers(trailers()))),
            Some(Fail) => Some(Err("the client went away".into())),
            Some(Wait) => return Poll::Pending,
            None => None,
        })
    }
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))])
}

fn script(steps: &[Step]) -> Script {
    Script(steps.iter().cloned().collect())
}

fn poll<B>(body: &mut Replayable<B>) -> Poll<Option<Result<Frame<Bytes>, ReplayableError>>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
}

fn data(body: &mut Replayable<Script>) -> Bytes {
    match poll(body) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap(),
        other => panic!("no data: {other:?}"),
    }
}

fn error(body: &mut Replayable<Script>) -> String {
    match poll(body) {
        Poll::Ready(Some(Err(error))) => error.to_string(),
        other => panic!("no error: {other:?}"),
    }
}

#[test]
fn chunks_stream_and_a_later_attempt_gets_them_and_the_rest() {
    let mut first = Replayable::new(script(&[Data(b"ab"), Data(b"cd"), Wait, Data(b"ef"), Trailers]));
    let mut second = first.replay().unwrap();
    assert_eq!(data(&mut first), "ab");
    assert_eq!(data(&mut first), "cd");
    assert!(poll(&mut first).is_pending());
    drop(first);
    let third = second.replay().unwrap();
    assert_eq!(data(&mut second), "abcd");
    assert_eq!(data(&mut second), "ef");
    assert!(!second.is_end_stream());
    let frame = poll(&mut second);
    assert!(matches!(frame, Poll::Ready(Some(Ok(frame))) if frame.trailers_ref() == Some(&trailers())));
    assert!(second.is_end_stream() && matches!(poll(&mut second), Poll::Ready(None)));
    let all = block_on(third.collect());
    assert_eq!(all.trailers(), Some(&trailers()));
    assert_eq!(all.to_bytes(), "abcdef");
}

fn block_on<T, E: fmt::Debug>(future: impl Future<Output = Result<T, E>>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future).unwrap()
}

#[test]
fn over_the_limit_is_the_commit_point() {
    let mut first = Replayable::with_limit(script(&[Data(b"abc"), Data(b"d"), Data(b"e")]), 4);
    let mut second = first.replay().unwrap();
    assert_eq!((data(&mut first), data(&mut first)), ("abc".into(), "d".into()));
    assert!(second.is_intact() && second.replay().is_some());
    assert_eq!(data(&mut first), "e");
    assert!(!second.is_intact() && second.replay().is_none() && first.replay().is_none());
    // The attempt that is under way is not disturbed by a copy that is used all the same.
    assert_eq!(error(&mut second), "the request's body cannot be sent again");
    assert!(matches!(poll(&mut first), Poll::Ready(None)));
}

#[test]
fn what_is_announced_over_the_limit_is_not_begun() {
    assert!(Replayable::with_limit(Full::new(Bytes::from("abcde")), 4).replay().is_none());
    assert!(Replayable::with_limit(Full::new(Bytes::from("abcd")), 4).replay().is_some());
}

#[test]
fn nothing_is_kept_for_nobody() {
    let mut only = Replayable::new(script(&[Data(b"ab"), Data(b"cd")]));
    assert!(only.is_intact());
    data(&mut only);
    assert!(!only.is_intact() && only.replay().is_none());
    assert_eq!(data(&mut only), "cd");
    // A last attempt lets go of what earlier ones were sent.
    let mut first = Replayable::new(script(&[Data(b"ab"), Data(b"cd"), Data(b"ef")]));
    let mut last = first.replay().unwrap();
    data(&mut first);
    drop(first);
    assert_eq!((data(&mut last), data(&mut last), data(&mut last)), ("ab".into(), "cd".into(), "ef".into()));
    assert_eq!(lock(last.shared.as_ref().unwrap()).kept(), 0);
}

#[test]
fn an_attempt_that_still_holds_its_body_is_overtaken() {
    let mut first = Replayable::new(script(&[Data(b"ab"), Wait, Data(b"cd")]));
    let mut second = first.replay().unwrap();
    data(&mut first);
    let woken = Arc::new(Woken::default());
    let pending = Pin::new(&mut first).poll_frame(&mut Context::from_waker(&woken.clone().into()));
    assert!(pending.is_pending());
    assert_eq!(data(&mut second), "ab");
    assert!(woken.0.load(std::sync::atomic::Ordering::Relaxed), "the first attempt hangs for ever");
    assert_eq!(error(&mut first), "a later attempt reads the request's body");
    assert_eq!(data(&mut second), "cd");
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_failure_of_the_source_is_remembered() {
    let mut first = Replayable::new(script(&[Data(b"ab"), Fail]));
    let mut second = first.replay().unwrap();
    data(&mut first);
    assert_eq!(error(&mut first), "the request's body failed");
    assert!(!second.is_intact() && second.replay().is_none());
    assert_eq!(data(&mut second), "ab");
    assert_eq!(error(&mut second), "the request's body failed");
    let Poll::Ready(Some(Err(error))) = poll(&mut second) else { panic!("not remembered") };
    assert_eq!(error.source().unwrap().to_string(), "the client went away");
}

#[test]
fn sizes_are_exact_from_the_first_byte_on() {
    let exact = |body: &Replayable<Full<Bytes>>| body.size_hint().exact();
    let mut first = Replayable::new(Full::new(Bytes::from("abcdef")));
    let second = first.replay().unwrap();
    assert_eq!((exact(&first), exact(&second)), (Some(6), Some(6)));
    assert!(poll(&mut first).is_ready());
    assert_eq!((exact(&first), exact(&second)), (Some(0), Some(6)));
    assert!(first.is_end_stream() && !second.is_end_stream());
}

#[test]
fn an_empty_body_costs_nothing() {
    let body = Replayable::new(Empty::<Bytes>::new());
    assert!(body.shared.is_none() && body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.replay().unwrap().is_intact());
}

#[test]
fn sendable_whatever_the_source() {
    fn send_and_sync<T: Send + Sync>(_: &T) {}
    send_and_sync(&Replayable::new(Empty::<Bytes>::new().map_err(BoxError::from).boxed_unsync()));
}

proptest! {
    /// Whatever the attempts read before they give up, the last one gets the whole, or an error and never less.
    #[test]
    fn never_short(chunks in proptest::collection::vec(0_usize..20, 0..12), reads in proptest::collection::vec(0_usize..12, 0..5), limit in 0_usize..120) {
        const TEXT: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
        let steps: Vec<_> = chunks.iter().map(|&n| Data(&TEXT[..n])).collect();
        let whole: Vec<u8> = chunks.iter().flat_map(|&n| &TEXT[..n]).copied().collect();
        let mut attempt = Replayable::with_limit(script(&steps), limit);
        for reads in reads {
            let copy = attempt.replay();
            for _ in 0..reads {
                let _ = poll(&mut attempt);
            }
            let Some(copy) = copy.filter(ReplayBody::is_intact) else { return Ok(()) };
            attempt = copy;
            prop_assert!(lock(attempt.shared.as_ref().unwrap()).kept() <= limit);
        }
        let all = block_on(attempt.collect()).to_bytes();
        prop_assert_eq!(&all[..], &whole[..]);
    }
}
