//! The fault script: which fault a server has at which time.

use crate::arrivals::Ms;

/// A fault of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The process stands still: work goes on afterwards, and requests wait.
    Stall,
    /// Work takes this many times as long.
    Slow(f64),
    /// Every request is answered 500 at once. Health checks are good.
    Error,
    /// Connections are refused at once, and those in use break.
    Refuse,
    /// Requests vanish, those in progress too.
    BlackHole,
    /// This share of the requests is answered 500 at once. Health checks are good.
    Gray(f64),
    /// Only the health check is answered 500.
    UnhealthyProbe,
}

/// Windows of faults, in the order of their starts, without overlaps.
#[derive(Clone, Debug, Default)]
pub struct Script(Vec<(Ms, Ms, Fault)>);

// === impl Script ===

impl Script {
    /// One fault from `from` to `until`.
    #[must_use]
    pub fn one(fault: Fault, from: Ms, until: Ms) -> Self {
        Self(vec![(from, until, fault)])
    }

    /// A fault that lasts `on`, then is absent for `off`, from `from` to `until`.
    #[must_use]
    pub fn flapping(fault: Fault, on: Ms, off: Ms, from: Ms, until: Ms) -> Self {
        let starts = (from..until).step_by((on + off) as usize);
        Self(starts.map(|start| (start, (start + on).min(until), fault)).collect())
    }

    /// These windows, which must be in order.
    #[must_use]
    pub fn windows(windows: Vec<(Ms, Ms, Fault)>) -> Self {
        Self(windows)
    }

    /// Returns the fault at this time.
    #[must_use]
    pub fn at(&self, at: Ms) -> Option<Fault> {
        let next = self.0.partition_point(|(_, until, _)| *until <= at);
        self.0.get(next).filter(|(from, ..)| *from <= at).map(|(.., fault)| *fault)
    }

    /// Returns the end of the last fault.
    #[must_use]
    pub fn end(&self) -> Ms {
        self.0.last().map_or(0, |(_, until, _)| *until)
    }

    /// Returns when work that begins at `start` and needs `need` ms of an undisturbed worker ends.
    pub(super) fn end_of_work(&self, start: Ms, need: f64) -> Ms {
        let (mut at, mut left) = (start as f64, need);
        let next = self.0.partition_point(|(_, until, _)| *until <= start);
        for &(from, until, fault) in &self.0[next..] {
            let speed = match fault {
                Fault::Stall => 0.0,
                Fault::Slow(factor) => 1.0 / factor,
                _ => continue,
            };
            let before = (from as f64 - at).max(0.0);
            if left <= before {
                break;
            }
            left -= before;
            at = at.max(from as f64);
            let within = (until as f64 - at) * speed;
            if left <= within {
                return round(at + left / speed, start);
            }
            left -= within;
            at = until as f64;
        }
        round(at + left, start)
    }

    /// Returns the first fault that begins after `start` and before `end`, and breaks what is in progress.
    pub(super) fn interruption(&self, start: Ms, end: Ms) -> Option<(Ms, Fault)> {
        let next = self.0.partition_point(|(from, ..)| *from <= start);
        let begun = self.0[next..].iter().take_while(|(from, ..)| *from < end);
        let mut breaking = begun.filter(|(.., fault)| matches!(fault, Fault::BlackHole | Fault::Refuse));
        breaking.next().map(|(from, _, fault)| (*from, *fault))
    }
}

/// Rounds to a whole millisecond, at least one after the start.
fn round(at: f64, start: Ms) -> Ms {
    (at.round() as Ms).max(start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stall_delays_work_and_slowness_stretches_it() {
        let script = Script::windows(vec![(100, 200, Fault::Stall), (300, 400, Fault::Slow(2.0))]);
        assert_eq!(script.end_of_work(0, 50.0), 50);
        assert_eq!(script.end_of_work(90, 20.0), 210);
        assert_eq!(script.end_of_work(150, 10.0), 210);
        assert_eq!(script.end_of_work(300, 25.0), 350);
        assert_eq!(script.end_of_work(290, 70.0), 410);
    }

    #[test]
    fn fault_is_found_within_its_window() {
        let script = Script::flapping(Fault::Refuse, 2_000, 2_000, 10_000, 20_000);
        let down = |at| script.at(at).is_some();
        assert_eq!([9_999, 10_000, 11_999, 12_000, 14_000, 19_999].map(down), [false, true, true, false, true, true]);
        assert_eq!(script.end(), 20_000);
        assert_eq!(script.interruption(9_990, 10_010), Some((10_000, Fault::Refuse)));
        assert_eq!(script.interruption(12_010, 12_100), None);
    }
}
