//! Request bodies that can be sent again, and response bodies that report their end.

pub(crate) mod guard;
pub(crate) mod guarded;
pub(crate) mod replay;
pub(crate) mod replayable;

pub use guard::{GuardBody, box_body, guard_body};
pub use guarded::{BodyEnd, GuardedBody};
pub use replay::ReplayBody;
pub use replayable::{Replayable, ReplayableError};
