//! The synchronisation of the model: shuttle's atomics and locks, and small copies of tokio's channels over them.

mod notify;
mod semaphore;
pub mod watch;

pub use notify::Notify;
pub use semaphore::Semaphore;
pub use shuttle::sync::{Mutex, MutexGuard, atomic};
pub use std::sync::{Arc, PoisonError, Weak};
