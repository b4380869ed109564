//! What HTTP and gRPC add to Mainstay's vocabulary.

pub mod proxy;
