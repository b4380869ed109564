//! A copy of tokio's `Notify`, as far as it wakes all tasks: each waits for the first call after its future was made.

use std::{
    future::{Future, poll_fn},
    task::{Poll, Waker},
};

use shuttle::sync::Mutex;

#[derive(Debug, Default)]
pub struct Notify(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: u64,
    waiting: Vec<Waker>,
}

impl Notify {
    pub fn notify_waiters(&self) {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub fn notified(&self) -> impl Future<Output = ()> {
        let seen = self.0.lock().unwrap().calls;
        poll_fn(move |cx| {
            let mut state = self.0.lock().unwrap();
            if state.calls > seen {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
    }
}
