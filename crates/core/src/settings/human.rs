//! Durations as text, in the form in which settings are written.

use std::{fmt, time::Duration};

const UNITS: [(u128, &str); 7] = [
    (86_400_000_000_000, "d"),
    (3_600_000_000_000, "h"),
    (60_000_000_000, "m"),
    (1_000_000_000, "s"),
    (1_000_000, "ms"),
    (1_000, "us"),
    (1, "ns"),
];

/// Returns a duration as text in the form of a settings file, for errors and warnings: `0s`, `250ms`, `1m 30s`, `365d`.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::settings::human;
///
/// assert_eq!(human(Duration::from_millis(90_250)).to_string(), "1m 30s 250ms");
/// assert_eq!(human(Duration::ZERO).to_string(), "0s");
/// ```
#[must_use]
pub fn human(time: Duration) -> impl fmt::Display + fmt::Debug + Copy {
    Human(time)
}

#[derive(Clone, Copy)]
struct Human(Duration);

// === impl Human ===

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_nanos();
        if rest == 0 {
            return f.write_str("0s");
        }
        let mut separator = "";
        for (size, unit) in UNITS {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                write!(f, "{separator}{count}{unit}")?;
                separator = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use humantime_serde::re::humantime::parse_duration;
    use proptest::prelude::*;

    use super::*;
    use crate::settings::LONGEST;

    #[test]
    fn round_times_are_short() {
        let text = |seconds| human(Duration::from_secs(seconds)).to_string();
        assert_eq!([text(0), text(30), text(600), text(7_200)], ["0s", "30s", "10m", "2h"]);
        assert_eq!(human(LONGEST).to_string(), "365d");
        assert_eq!(human(Duration::from_nanos(1_001_001)).to_string(), "1ms 1us 1ns");
    }

    proptest! {
        #[test]
        fn text_is_read_back_as_the_same_duration(nanos in 0_u64..u64::MAX) {
            let time = Duration::from_nanos(nanos);
            prop_assert_eq!(parse_duration(&human(time).to_string()), Ok(time));
        }
    }
}
