//! The layout of the picture: its size, its rows, and the two scales.

pub(super) const WIDTH: f64 = 900.0;
pub(super) const HEIGHT: f64 = 420.0;
pub(super) const LEFT: f64 = 92.0;
pub(super) const RIGHT: f64 = 874.0;
/// The upper end of the lines that mark a change: above the lanes.
pub(super) const TOP: f64 = 64.0;
pub(super) const BOTTOM: f64 = 376.0;

/// Rows, as their upper and lower edges.
pub(super) type Row = (f64, f64);
pub(super) const PRIMARY: Row = (112.0, 142.0);
pub(super) const BACKUP: Row = (148.0, 178.0);
pub(super) const FAILED: Row = (184.0, 200.0);
pub(super) const HOLD: Row = (212.0, 230.0);
pub(super) const GATE: Row = (234.0, 252.0);
const LATENCY: Row = (268.0, BOTTOM);

/// Seconds to x, linear.
#[derive(Clone, Copy)]
pub(super) struct Time {
    pub(super) length: f64,
}

/// Seconds to y within the latency strip, logarithmic: it shows answers after half a millisecond and waits of a quarter
/// of a second.
#[derive(Clone, Copy)]
pub(super) struct Latency {
    /// Powers of ten of a second, at the lower and at the upper edge.
    decades: (i32, i32),
}

// === impl Time ===

impl Time {
    pub(super) fn x(self, at: f64) -> f64 {
        LEFT + (at / self.length).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

// === impl Latency ===

impl Latency {
    /// Returns a scale for all of `times`, at least from a millisecond to a second.
    pub(super) fn of(times: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (-3.0_f64, 0.0_f64);
        for exponent in times.map(|time| time.max(1e-6).log10()) {
            low = low.min(exponent);
            high = high.max(exponent);
        }
        Self { decades: (low.floor() as i32, high.ceil() as i32) }
    }

    pub(super) fn y(self, time: f64) -> f64 {
        let (low, high) = (f64::from(self.decades.0), f64::from(self.decades.1));
        let share = (time.max(1e-6).log10() - low) / (high - low);
        LATENCY.1 - share.clamp(0.0, 1.0) * (LATENCY.1 - LATENCY.0)
    }

    /// Returns the grid lines: times and labels.
    pub(super) fn ticks(self) -> impl Iterator<Item = (f64, String)> {
        (self.decades.0..=self.decades.1).map(|decade| 10_f64.powi(decade)).map(|time| (time, time_in_words(time)))
    }
}

/// Formats seconds as `0.1 ms`, `250 ms` or `1 s`.
pub(super) fn time_in_words(time: f64) -> String {
    match time {
        time if time < 0.000_95 => format!("{:.1} ms", time * 1e3),
        time if time < 0.9995 => format!("{:.0} ms", time * 1e3),
        time if time < 9.95 => format!("{time:.1} s").replace(".0", ""),
        time => format!("{time:.0} s"),
    }
}

pub(super) fn middle((upper, lower): Row) -> f64 {
    f64::midpoint(upper, lower)
}

#[cfg(test)]
mod tests {
    use super::{BOTTOM, LATENCY, LEFT, Latency, RIGHT, Time, time_in_words};

    #[test]
    fn time_is_clamped_to_the_width() {
        let time = Time { length: 10.0 };
        assert_eq!([time.x(0.0), time.x(10.0), time.x(11.0)], [LEFT, RIGHT, RIGHT]);
    }

    #[test]
    fn latency_scale_has_whole_decades() {
        let latency = Latency::of([0.0004, 0.25].into_iter());
        let names: Vec<_> = latency.ticks().map(|(_, name)| name).collect();
        assert_eq!(names, ["0.1 ms", "1 ms", "10 ms", "100 ms", "1 s"]);
        assert!((latency.y(1e-4) - BOTTOM).abs() < 1e-9 && (latency.y(1.0) - LATENCY.0).abs() < 1e-9);
        assert!(Latency::of([0.0].into_iter()).y(0.0).is_finite());
    }

    #[test]
    fn times_are_rounded() {
        assert_eq!([0.0005, 0.2504, 1.0, 6.24, 24.0].map(time_in_words), ["0.5 ms", "250 ms", "1 s", "6.2 s", "24 s"]);
    }
}
