//! A client of HTTP/2 that writes frames as they are, valid or not.

pub(crate) mod connection;
pub(crate) mod hpack;
pub(crate) mod huffman;
