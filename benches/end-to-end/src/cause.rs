//! What an instruction belongs to: by the source file of its line, so that inlined code is not counted as its caller's.

use std::fmt;

/// A part of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    Allocator,
    Copies,
    Heads,
    Hyper,
    Axum,
    Timers,
    Tokio,
    Stack,
    Http,
    Drain,
    Program,
    Std,
    Other,
}

// === impl Cause ===

impl Cause {
    /// `home` is the file of the function, `file` that of the line.
    pub(crate) fn of(function: &str, home: &str, file: &str) -> Self {
        // The C library has no line table on most systems.
        let function = function.split_once('\'').map_or(function, |(name, _)| name);
        match function.trim_start_matches("__rustc::") {
            "malloc"
            | "free"
            | "calloc"
            | "realloc"
            | "unlink_chunk"
            | "unlink_chunk.constprop.0"
            | "alloc_perturb" => {
                return Self::Allocator;
            }
            name if name.starts_with("_int_") || name.starts_with("malloc_") || name.starts_with("tcache_") => {
                return Self::Allocator;
            }
            name if name.starts_with("__rust_") || name.starts_with("__rdl_") => return Self::Allocator,
            name if ["__mem", "memcpy", "memmove"].iter().any(|copy| name.starts_with(copy)) => return Self::Copies,
            _ => {}
        }
        // Code of the standard library that is inlined is work of the function that contains it.
        Self::of_file(file).or_else(|| Self::of_file(home)).unwrap_or_else(|| match function.contains("::") {
            true => Self::Std,
            false => Self::Other,
        })
    }

    fn of_file(file: &str) -> Option<Self> {
        // `registry/src/<index>/<package>-<version>/..`
        let package = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split('/').nth(1));
        if let Some(package) = package.and_then(|package| package.rsplit_once('-')) {
            return Some(match package.0 {
                "bytes" | "http" | "http-body" | "http-body-util" | "httparse" | "httpdate" => Self::Heads,
                "h2" | "hyper" | "hyper-util" | "smallvec" => Self::Hyper,
                "axum" | "axum-core" | "matchit" | "tower" | "tower-layer" | "tower-service" => Self::Axum,
                "tokio" if file.contains("/time/") => Self::Timers,
                "mio" | "socket2" | "tokio" => Self::Tokio,
                _ => Self::Other,
            });
        }
        let is_below = |folder: &str| file.starts_with(folder) || file.contains(&format!("/{folder}"));
        match () {
            () if is_below("crates/http/") => Some(Self::Http),
            () if is_below("crates/drain/") => Some(Self::Drain),
            () if is_below("crates/") => Some(Self::Stack),
            () if is_below("examples/gateway/") || is_below("benches/end-to-end/") => Some(Self::Program),
            () => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allocator => "allocator",
            Self::Copies => "copied and compared memory (memcpy, memcmp)",
            Self::Heads => "heads, bodies and bytes (http, httparse, bytes)",
            Self::Hyper => "connections and pool (hyper, hyper-util, h2)",
            Self::Axum => "routes and services (axum, tower)",
            Self::Timers => "clock and timers (tokio)",
            Self::Tokio => "tasks and sockets (tokio, mio)",
            Self::Stack => "layers (retry, failover, bulkhead, timeout, core)",
            Self::Http => "rules for proxies, policies and bodies (mainstay-http)",
            Self::Drain => "server (mainstay-drain)",
            Self::Program => "the program itself",
            Self::Std => "clones, drops, hash maps (std)",
            Self::Other => "other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_the_package_of_their_file() {
        let registry = |path: &str| format!("/home/x/.cargo/registry/src/index.crates.io-1949/{path}");
        let (hyper, vec) =
            (registry("hyper-util-0.1.21/src/client.rs"), "/rustc/59807616/library/alloc/src/vec/mod.rs");
        let cases = [
            ("malloc", "???", "???", Cause::Allocator),
            ("_int_free'2", "???", "???", Cause::Allocator),
            ("__rustc::__rust_alloc", "???", "???", Cause::Allocator),
            ("__memcpy_avx_unaligned_erms", "???", "???", Cause::Copies),
            ("epoll_wait", "???", "???", Cause::Other),
            ("hyper_util::client::send", &hyper, &hyper, Cause::Hyper),
            ("hyper_util::client::send", &hyper, vec, Cause::Hyper),
            ("hyper_util::client::send", &hyper, "/work/crates/http/src/client/io.rs", Cause::Http),
            ("<T as hyper::Service>::call", vec, "crates/drain/src/request.rs", Cause::Drain),
            ("mainstay_failover::call", vec, "crates/failover/src/call.rs", Cause::Stack),
            ("gateway::forward", vec, "examples/gateway/src/forward.rs", Cause::Program),
            ("alloc::vec::Vec<T>::clone", vec, vec, Cause::Std),
            ("tokio::time", vec, &registry("tokio-1.54.1/src/runtime/time/entry.rs"), Cause::Timers),
        ];
        for (function, home, file, cause) in cases {
            assert_eq!(Cause::of(function, home, file), cause, "{function} of {home} in {file}");
        }
    }
}
