use std::{collections::VecDeque, error::Error as _};

use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Empty, Full};
use proptest::prelude::*;

use super::*;
use Step::{Data, Fail, Trailers, Wait};

/// A body made of steps. `Wait` is one pending poll, without a wake-up.
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

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
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
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
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
fn later_attempt_gets_kept_chunks_and_the_rest() {
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
fn body_over_the_limit_cannot_be_sent_again() {
    let mut first = Replayable::with_limit(script(&[Data(b"abc"), Data(b"d"), Data(b"e")]), 4);
    let mut second = first.replay().unwrap();
    assert_eq!((data(&mut first), data(&mut first)), ("abc".into(), "d".into()));
    assert!(second.is_intact() && second.replay().is_some());
    assert_eq!(data(&mut first), "e");
    assert!(!second.is_intact() && second.replay().is_none() && first.replay().is_none());
    // A copy that is polled all the same does not disturb the active attempt.
    assert_eq!(error(&mut second), "the request's body cannot be sent again");
    assert!(matches!(poll(&mut first), Poll::Ready(None)));
}

#[test]
fn body_announced_over_the_limit_has_no_copy() {
    assert!(Replayable::with_limit(Full::new(Bytes::from("abcde")), 4).replay().is_none());
    assert!(Replayable::with_limit(Full::new(Bytes::from("abcd")), 4).replay().is_some());
}

#[test]
fn only_copy_keeps_nothing() {
    let mut only = Replayable::new(script(&[Data(b"ab"), Data(b"cd")]));
    assert!(only.is_intact());
    data(&mut only);
    assert!(!only.is_intact() && only.replay().is_none());
    assert_eq!(data(&mut only), "cd");
    // The last copy frees the bytes that it has read.
    let mut first = Replayable::new(script(&[Data(b"ab"), Data(b"cd"), Data(b"ef")]));
    let mut last = first.replay().unwrap();
    data(&mut first);
    drop(first);
    assert_eq!((data(&mut last), data(&mut last), data(&mut last)), ("ab".into(), "cd".into(), "ef".into()));
    assert_eq!(last.shared.as_ref().unwrap().lock().kept_len(), 0);
}

/// A second attempt does not end the first: both send the body.
#[test]
fn two_copies_are_sent_at_the_same_time() {
    let mut first = Replayable::new(script(&[Data(b"ab"), Data(b"cd"), Data(b"ef"), Trailers]));
    let mut second = first.replay().unwrap();
    assert_eq!(data(&mut first), "ab");
    assert_eq!((data(&mut second), data(&mut second)), ("ab".into(), "cd".into()));
    assert_eq!((data(&mut first), data(&mut first)), ("cd".into(), "ef".into()));
    assert_eq!(data(&mut second), "ef");
    for mut body in [first, second] {
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(frame))) if frame.is_trailers()));
        assert!(body.is_end_stream() && matches!(poll(&mut body), Poll::Ready(None)));
    }
}

#[test]
fn past_the_limit_only_the_latest_reader_continues() {
    let body = || Replayable::with_limit(script(&[Data(b"ab"), Data(b"cd"), Data(b"ef")]), 3);
    // The earlier reader reaches the limit.
    let mut first = Replayable::with_limit(script(&[Data(b"ab"), Data(b"cd")]), 3);
    let mut second = first.replay().unwrap();
    assert_eq!((data(&mut first), data(&mut second)), ("ab".into(), "ab".into()));
    assert_eq!(error(&mut first), "the request's body goes to another attempt");
    assert_eq!(second.size_hint().lower(), 2);
    assert!(!second.is_end_stream(), "the data that the earlier reader polled is still to be sent");
    assert_eq!(data(&mut second), "cd");
    assert!(second.is_end_stream());
    // A later reader that is behind gets the kept bytes first, which are then freed.
    let mut first = body();
    let mut second = first.replay().unwrap();
    assert!(poll(&mut first).is_ready());
    second.reader = Some(second.shared.as_ref().unwrap().lock().begin().unwrap());
    error(&mut first);
    assert_eq!(data(&mut second), "ab");
    assert_eq!(second.shared.as_ref().unwrap().lock().kept_len(), 0);
    assert_eq!((data(&mut second), data(&mut second)), ("cd".into(), "ef".into()));
    // The later reader reaches the limit while the earlier one is behind. A third copy cannot be used any more.
    let mut first = body();
    let mut second = first.replay().unwrap();
    let third = first.replay().unwrap();
    assert!(!matches!(poll(&mut first), Poll::Pending));
    assert_eq!((data(&mut second), data(&mut second)), ("ab".into(), "cd".into()));
    assert_eq!(error(&mut first), "the request's body goes to another attempt");
    assert!(!third.is_intact() && !first.is_end_stream());
    assert_eq!(data(&mut second), "ef");
    // The later reader was dropped before the limit: the earlier one continues.
    let mut first = body();
    let mut second = first.replay().unwrap();
    let _third = first.replay();
    assert!(poll(&mut first).is_ready() && poll(&mut second).is_ready());
    drop(second);
    assert_eq!((data(&mut first), data(&mut first)), ("cd".into(), "ef".into()));
}

/// In another library wake-ups are lost when clones poll one shared future.
#[test]
fn every_waiting_copy_is_woken() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut first = Replayable::new(Channel(receiver));
    let (mut second, mut third) = (first.replay().unwrap(), first.replay().unwrap());
    let waits = |body: &mut Replayable<Channel>| {
        let woken = Arc::new(Woken::default());
        assert!(Pin::new(body).poll_frame(&mut Context::from_waker(&woken.clone().into())).is_pending());
        woken
    };
    let (a, b) = (waits(&mut first), waits(&mut second));
    drop(second);
    sender.try_send(Bytes::from("x")).unwrap();
    assert!(a.is_woken() && b.is_woken());
    // A source that is ready on the next poll wakes no task.
    let mut silent = Replayable::new(script(&[Wait, Data(b"x")]));
    let mut other = silent.replay().unwrap();
    let woken = Arc::new(Woken::default());
    assert!(Pin::new(&mut silent).poll_frame(&mut Context::from_waker(&woken.clone().into())).is_pending());
    assert_eq!(data(&mut other), "x");
    assert!(woken.is_woken());
    // The end of the body wakes the waiting copies.
    assert!(poll(&mut first).is_ready());
    let a = waits(&mut first);
    drop(sender);
    assert!(poll(&mut third).is_ready());
    assert!(matches!(poll(&mut third), Poll::Ready(None)));
    assert!(a.is_woken());
}

struct Channel(tokio::sync::mpsc::Receiver<Bytes>);

impl Body for Channel {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicBool);

impl Woken {
    fn is_woken(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn failure_of_the_source_is_repeated_to_each_copy() {
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
fn size_hint_is_exact_for_each_copy() {
    let exact = |body: &Replayable<Full<Bytes>>| body.size_hint().exact();
    let mut first = Replayable::new(Full::new(Bytes::from("abcdef")));
    let second = first.replay().unwrap();
    assert_eq!((exact(&first), exact(&second)), (Some(6), Some(6)));
    assert!(poll(&mut first).is_ready());
    assert_eq!((exact(&first), exact(&second)), (Some(0), Some(6)));
    assert!(first.is_end_stream() && !second.is_end_stream());
}

#[test]
fn empty_body_allocates_nothing() {
    let body = Replayable::new(Empty::<Bytes>::new());
    assert!(body.shared.is_none() && body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.replay().unwrap().is_intact());
}

#[test]
fn body_is_send_and_sync_for_any_source() {
    fn send_and_sync<T: Send + Sync>(_: &T) {}
    send_and_sync(&Replayable::new(Empty::<Bytes>::new().map_err(BoxError::from).boxed_unsync()));
}

proptest! {
    /// Two copies that are read in any order each get the whole body or an error. One always gets the whole body.
    #[test]
    fn copies_read_in_any_order_are_whole_or_fail(chunks in proptest::collection::vec(0_usize..20, 1..12), turns: Vec<bool>, limit in 0_usize..120) {
        const TEXT: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
        let steps: Vec<_> = chunks.iter().map(|&n| Data(&TEXT[..n])).collect();
        let whole: Vec<u8> = chunks.iter().flat_map(|&n| &TEXT[..n]).copied().collect();
        let first = Replayable::with_limit(script(&steps), limit);
        let Some(second) = first.replay() else { return Ok(()) };
        let mut copies = [(first, Vec::new(), None), (second, Vec::new(), None)];
        let turns = turns.into_iter().map(usize::from).chain([0, 1].into_iter().cycle());
        for turn in turns {
            let (body, got, end) = &mut copies[turn];
            if end.is_none() {
                match poll(body) {
                    Poll::Ready(Some(Ok(frame))) => got.extend_from_slice(frame.data_ref().unwrap()),
                    Poll::Ready(Some(Err(_))) => *end = Some(false),
                    Poll::Ready(None) => *end = Some(true),
                    Poll::Pending => panic!("no step is pending"),
                }
            }
            prop_assert!(copies[0].0.shared.as_ref().unwrap().lock().kept_len() <= limit);
            if copies.iter().all(|(.., end)| end.is_some()) {
                break;
            }
        }
        prop_assert!(copies.iter().any(|(.., end)| *end == Some(true)));
        for (_, got, end) in copies {
            let enough = if end == Some(true) { got == whole } else { whole.starts_with(&got) };
            prop_assert!(enough);
        }
    }

    /// The last attempt gets the whole body or an error, however much the earlier attempts read.
    #[test]
    fn last_attempt_is_whole_or_fails(chunks in proptest::collection::vec(0_usize..20, 1..12), reads in proptest::collection::vec(0_usize..12, 0..5), limit in 0_usize..120) {
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
            prop_assert!(attempt.shared.as_ref().unwrap().lock().kept_len() <= limit);
        }
        let all = block_on(attempt.collect()).to_bytes();
        prop_assert_eq!(&all[..], &whole[..]);
    }
}
