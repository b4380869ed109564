//! Logs go to stderr: a line per state change for people, or JSON for machines. What the person at the terminal asked
//! for goes to stdout.

use std::{
    fmt::Display,
    io::{self, Write},
};

use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, registry};

use crate::settings::{LogFormat, Settings};

/// Installs the subscriber for the whole process.
pub(crate) fn install(settings: &Settings) {
    let filter = Targets::new()
        // Below warnings, a client library's log is about sockets, not about state.
        .with_default(Level::WARN)
        .with_target("gateway", settings.log_level)
        .with_target("mainstay", settings.log_level);
    let filter = match settings.log_level {
        Level::DEBUG => filter,
        // What the failover's engines and its health component say, the failover says too, with the consequence.
        _ => filter
            .with_target("mainstay_circuit_breaker", Level::ERROR)
            .with_target("mainstay_health::refresh", Level::ERROR),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let lines = match settings.log_format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    // Fails only if there is a subscriber already: then somebody else has the log.
    let _ = tracing::subscriber::set_global_default(registry().with(lines.with_filter(filter)));
}

/// Tells whoever started the program. That nobody reads it any more is no reason to end, as it is for `println!`.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}
