//! Request bodies that can be sent again, response bodies that report their end, and bodies that fail after a pause.

pub(crate) mod guard;
pub(crate) mod guarded;
mod idle_timeout;
pub(crate) mod replay;
pub(crate) mod replayable;
mod replayable_layer;

pub use guard::{GuardBody, box_body, guard_body};
pub use guarded::{BodyEnd, GuardedBody};
pub use idle_timeout::{IdleTimeout, IdleTimeoutBody};
pub use replay::ReplayBody;
pub use replayable::{Replayable, ReplayableError};
pub use replayable_layer::{BoxBodies, HoldReplayable, ReplayableLayer, WrapBodies};
