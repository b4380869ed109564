//! The synchronisation of the files that `tests/models` checks, which builds them over a model checker's instead.

pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic};

pub(crate) use tokio::sync::{Notify, Semaphore};
