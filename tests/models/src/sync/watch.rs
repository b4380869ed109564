//! A copy of tokio's watch channel: a value, its version, and the tasks that wait for the next version.

use std::{
    convert::Infallible,
    ops::Deref,
    sync::Arc,
    task::{Poll, Waker},
};

use shuttle::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub struct Sender<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
pub struct Receiver<T> {
    state: Arc<Mutex<State<T>>>,
    seen: u64,
}

#[derive(Debug)]
pub struct Ref<'a, T>(MutexGuard<'a, State<T>>);

#[derive(Debug)]
struct State<T> {
    value: T,
    version: u64,
    waiting: Vec<Waker>,
}

impl<T> Sender<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(State { value, version: 0, waiting: Vec::new() })))
    }

    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let mut state = self.0.lock().unwrap();
        let modified = modify(&mut state.value);
        if modified {
            state.version += 1;
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
        modified
    }

    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { state: self.0.clone(), seen: self.0.lock().unwrap().version }
    }

    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.0.lock().unwrap())
    }
}

impl<T> Receiver<T> {
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref(self.state.lock().unwrap())
    }

    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let state = self.state.lock().unwrap();
        self.seen = state.version;
        Ref(state)
    }

    /// The model drops no sender before its receivers.
    pub async fn changed(&mut self) -> Result<(), Infallible> {
        std::future::poll_fn(|cx| {
            let mut state = self.state.lock().unwrap();
            if state.version == self.seen {
                state.waiting.push(cx.waker().clone());
                return Poll::Pending;
            }
            self.seen = state.version;
            Poll::Ready(())
        })
        .await;
        Ok(())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), seen: self.seen }
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}
