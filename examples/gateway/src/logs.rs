//! The log goes to stderr, as text or JSON. Output that the user asked for, such as `--help`, goes to stdout.

use std::{
    fmt::Display,
    io::{self, Write},
};

use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, registry};

use crate::settings::{LogFormat, LogLevel, LogSettings};

/// Installs the subscriber for the whole process.
pub(crate) fn install(settings: &LogSettings) {
    let level = match settings.level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let filter = Targets::new()
        // Of libraries, warnings only: below, they log single connections.
        .with_default(Level::WARN)
        .with_target("gateway", level)
        .with_target("mainstay", level);
    let filter = match level {
        Level::DEBUG => filter,
        // h2 and hyper warn of single connections and messages: clients would decide how much is logged.
        // The failover logs each change of its breakers and of its health component, with the consequence. Logging them
        // here, too, would show each change three times.
        _ => filter
            .with_target("h2", Level::ERROR)
            .with_target("hyper", Level::ERROR)
            .with_target("mainstay_circuit_breaker", Level::ERROR)
            .with_target("mainstay_health::runner", Level::ERROR),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    // This fails only if there is a subscriber already, which is then used.
    let _ = tracing::subscriber::set_global_default(registry().with(lines.with_filter(filter)));
}

/// Prints a line to stdout. Unlike `println!`, it does not panic if stdout is closed.
pub(crate) fn print_line(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}
