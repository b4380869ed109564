//! For tests of layers, ours and users' own.
