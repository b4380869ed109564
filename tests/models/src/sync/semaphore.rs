//! A copy of tokio's `Semaphore`: permits go to the waiter that came first, and from a waiter that gives up to the next.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use shuttle::sync::Mutex;

#[derive(Debug)]
pub struct Semaphore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    permits: usize,
    queue: VecDeque<(u64, Waker)>,
    /// The waiters that a permit was given to.
    given: Vec<u64>,
    next: u64,
}

/// A permit, which returns when it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<Semaphore>);

/// A permit that is borrowed.
#[derive(Debug)]
pub struct BorrowedPermit<'a>(&'a Semaphore);

struct Acquire {
    semaphore: Arc<Semaphore>,
    id: Option<u64>,
}

impl Semaphore {
    pub fn new(permits: usize) -> Self {
        Self(Mutex::new(State { permits, ..State::default() }))
    }

    pub fn add_permits(&self, n: usize) {
        let mut state = self.0.lock().unwrap();
        let mut woken = Vec::new();
        for _ in 0..n {
            match state.queue.pop_front() {
                Some((id, waker)) => {
                    state.given.push(id);
                    woken.push(waker);
                }
                None => state.permits += 1,
            }
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    pub fn available_permits(&self) -> usize {
        self.0.lock().unwrap().permits
    }

    pub fn try_acquire(&self) -> Result<BorrowedPermit<'_>, ()> {
        let mut state = self.0.lock().unwrap();
        state.permits = state.permits.checked_sub(1).ok_or(())?;
        Ok(BorrowedPermit(self))
    }

    pub async fn acquire_owned(self: Arc<Self>) -> Result<Permit, ()> {
        Acquire { semaphore: self.clone(), id: None }.await;
        Ok(Permit(self))
    }
}

impl Permit {
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl BorrowedPermit<'_> {
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for BorrowedPermit<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Future for Acquire {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let semaphore = self.semaphore.clone();
        let mut state = semaphore.0.lock().unwrap();
        let Some(id) = self.id else {
            if state.permits > 0 {
                state.permits -= 1;
                return Poll::Ready(());
            }
            let id = state.next;
            state.next += 1;
            state.queue.push_back((id, cx.waker().clone()));
            self.id = Some(id);
            return Poll::Pending;
        };
        if let Some(at) = state.given.iter().position(|given| *given == id) {
            state.given.swap_remove(at);
            self.id = None;
            return Poll::Ready(());
        }
        state.queue.iter_mut().filter(|(other, _)| *other == id).for_each(|(_, waker)| waker.clone_from(cx.waker()));
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut state = self.semaphore.0.lock().unwrap();
        state.queue.retain(|(other, _)| *other != id);
        if let Some(at) = state.given.iter().position(|given| *given == id) {
            state.given.swap_remove(at);
            drop(state);
            self.semaphore.add_permits(1);
        }
    }
}
