//! The messages of `stock.v1.Stock`.

/// A kind of goods.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Item {
    /// The name of the goods.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// The amount in stock.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Level {
    /// The amount in pieces.
    #[prost(uint32, tag = "1")]
    pub pieces: u32,
    /// The time to the caller's deadline when the call arrived, in milliseconds.
    #[prost(uint64, optional, tag = "2")]
    pub time_left_ms: Option<u64>,
}
