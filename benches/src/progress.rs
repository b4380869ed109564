//! Prints the progress of a run on stderr: one line that is rewritten on a terminal, otherwise a line every ten seconds.

use std::io::{IsTerminal, Write, stderr};

use crate::{clock, row::Row};

pub(crate) struct Progress {
    rounds: usize,
    rows: usize,
    row: usize,
    rewrites: bool,
    printed_at: f64,
}

/// The time between two lines, in seconds.
const PAUSE: f64 = 10.0;

// === impl Progress ===

impl Progress {
    pub(crate) fn new(rounds: usize, rows: usize) -> Self {
        Self { rounds, rows, row: 0, rewrites: stderr().is_terminal(), printed_at: clock::wall() }
    }

    /// Prints that `row` is next.
    pub(crate) fn at(&mut self, round: usize, row: &Row) {
        self.row = self.row % self.rows + 1;
        let words = format!("round {} of {}, row {} of {}", round + 1, self.rounds, self.row, self.rows);
        if self.rewrites {
            eprint!("\r\x1b[K{words}: {}", row.name());
            let _ = stderr().flush();
        } else if clock::wall() - self.printed_at > PAUSE {
            eprintln!("{words}");
            self.printed_at = clock::wall();
        }
    }

    pub(crate) fn done(&self) {
        if self.rewrites {
            eprint!("\r\x1b[K");
        }
    }
}
