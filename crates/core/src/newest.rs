//! The newest of several values that threads set at once, applied without a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value that takes several steps to apply, such as the settings of several handles.
///
/// A lock around the steps would deadlock: each may run code of the program, which may set another value. Without a lock
/// two threads may mix their values. Here a thread begins again if another value was set meanwhile, so that the newest
/// one is applied last, as a whole.
#[derive(Debug)]
pub struct Newest<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    generation: u64,
}

// === impl Newest ===

impl<T: Clone> Newest<T> {
    /// Sets the value, and applies the newest one until no other is set meanwhile.
    ///
    /// # Errors
    /// The first error of `apply`.
    pub fn set<E>(&self, value: T, mut apply: impl FnMut(&T) -> Result<(), E>) -> Result<(), E> {
        let mut state = self.state();
        state.generation += 1;
        state.value = Some(value);
        loop {
            let (newest, generation) = (state.value.clone(), state.generation);
            drop(state);
            if let Some(newest) = &newest {
                apply(newest)?;
            }
            state = self.state();
            if state.generation == generation {
                return Ok(());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(Mutex::new(State { value: None, generation: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[test]
    fn value_that_is_set_while_another_is_applied_is_applied_last() {
        let (newest, steps, is_first) = (Newest::default(), RefCell::new(Vec::new()), Cell::new(true));
        let step = |value: &u32, number| steps.borrow_mut().push((*value, number));
        let result: Result<(), ()> = newest.set(1, |value| {
            step(value, 1);
            if is_first.replace(false) {
                newest.set(2, |value| {
                    step(value, 1);
                    step(value, 2);
                    Ok(())
                })?;
            }
            step(value, 2);
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert_eq!(*steps.borrow(), [(1, 1), (2, 1), (2, 2), (1, 2), (2, 1), (2, 2)]);
    }
}
