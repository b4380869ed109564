//! Prints a line for each event, and one for each second.

use std::{
    io::{self, Write},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    event::{Answer, Event, EventKind},
    plan::Fault,
    replica::Replica,
};

/// Prints events as they arrive, and records them for the summary.
#[derive(Debug)]
pub(crate) struct Timeline<W> {
    pub(crate) out: W,
    start: Instant,
    pub(crate) replicas: Vec<Replica>,
    has_fault: bool,
    /// Whether the primary had a fault since the last whole second.
    had_fault: bool,
    /// One letter for each second of the primary.
    pub(crate) primary: String,
}

/// The width of a column: the letters of a second.
const SECOND: usize = 24;

// === impl Timeline ===

impl<W: Write> Timeline<W> {
    pub(crate) fn new(out: W, start: Instant, replicas: usize) -> Self {
        let replicas = (0..replicas).map(|_| Replica::default()).collect();
        Self { out, start, replicas, has_fault: false, had_fault: false, primary: String::new() }
    }

    /// Prints the meaning of the letters, and the columns.
    pub(crate) fn heading(&mut self) -> io::Result<()> {
        let columns: String = (0..self.replicas.len()).map(|replica| format!("  {:<SECOND$}", name(replica))).collect();
        writeln!(
            self.out,
            "\nA letter is an answer: P by the primary, B by the backup, ! an error. A line of them is a second.\n"
        )?;
        writeln!(self.out, "          {}", columns.trim_end())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn is_settled(&self) -> bool {
        !self.has_fault && self.replicas.iter().all(|replica| !replica.is_away())
    }

    pub(crate) fn note(&mut self, event: Event) -> io::Result<()> {
        let at = event.at.saturating_duration_since(self.start);
        match event.kind {
            EventKind::Fault(fault) => {
                self.has_fault = fault != Fault::Recovers;
                self.had_fault |= self.has_fault;
                self.line(at, "primary", fault.description())
            }
            EventKind::Answer { replica, answer } => {
                self.replicas[replica].answered(&answer);
                match answer {
                    Answer::Failure { avoidable, error } => {
                        let which = if avoidable { "a request" } else { "a POST, which must not be repeated" };
                        self.line(at, &name(replica), &format!("a client got an error to {which}: {error}"))
                    }
                    _ => Ok(()),
                }
            }
            EventKind::Route { replica, route } => {
                let away = self.replicas[replica].is_away();
                self.replicas[replica].routed(&route, at);
                let what = match (route.on_primary, away, route.hold) {
                    (true, true, _) => {
                        let stays = &self.replicas[replica];
                        let stay = stays.left.last().map_or(Duration::ZERO, |left| at.saturating_sub(*left));
                        format!("returned to the primary after {}", seconds(stay))
                    }
                    (false, false, Some(hold)) => {
                        format!("left the primary: {}; hold {}", route.reason, seconds(hold))
                    }
                    (false, false, None) => format!("left the primary: {}", route.reason),
                    (..) => format!("changed its route: {}", route.reason),
                };
                self.line(at, &name(replica), &what)
            }
            EventKind::Recovery { replica, have, need, hold_left } => {
                let hold =
                    hold_left.map_or("the hold is over".to_owned(), |left| format!("hold {} more", seconds(left)));
                self.line(at, &name(replica), &format!("probes {have} of {need}; {hold}"))
            }
        }
    }

    /// Ends a second, and prints the letters of its answers.
    pub(crate) fn end_second(&mut self) -> io::Result<()> {
        let number = self.primary.len() + 1;
        self.primary.push(if self.had_fault { 'x' } else { '.' });
        self.had_fault = self.has_fault;
        let columns = self.replicas.iter_mut().map(|replica| format!("  {:<SECOND$}", replica.end_second()));
        let columns: String = columns.collect();
        writeln!(self.out, "{number:>8} s{}", columns.trim_end())
    }

    fn line(&mut self, at: Duration, source: &str, what: &str) -> io::Result<()> {
        writeln!(self.out, "{:>8.2} s  {source:<9}  {what}", at.as_secs_f64())
    }
}

/// Returns the name of a replica. The first is `replica 1`.
pub(crate) fn name(replica: usize) -> String {
    format!("replica {}", replica + 1)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
