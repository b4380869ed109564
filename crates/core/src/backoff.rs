//! The delay between attempts: a pure function of the retry's number, the previous delay and one random draw.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    InvalidSetting, Jitter, Random,
    jitter::scale,
    settings::{self, LONGEST, human},
};

/// The delay before the n-th retry: `min(cap, base * factor^(n-1))`, then jitter.
///
/// The cap applies *before* the jitter; otherwise capped delays would be in step. All arithmetic saturates. Defaults: 100 ms, factor 2, cap 20 s, full jitter (Brooker, "Exponential Backoff And Jitter",
/// AWS Architecture Blog, 2015; 100 clients contending for one row finish in 4.9 s with it, in 62.7 s without).
///
/// Instead of `tower::retry::backoff::ExponentialBackoff`, whose clones repeat each other's jitter.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::{Backoff, Jitter, Random};
///
/// let backoff = Backoff::exponential(Duration::from_millis(100)).with_jitter(Jitter::None);
/// let random = Random::new();
/// assert_eq!(backoff.delay(3, Duration::ZERO, &random), Duration::from_millis(400));
/// assert_eq!(backoff.delay(u32::MAX, Duration::ZERO, &random), Duration::from_secs(20));
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Backoff {
    /// The growth of the delay.
    pub shape: Shape,
    /// The delay before the first retry. With zero, no timer is armed.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub base: Duration,
    /// The longest delay, before jitter.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub cap: Duration,
    /// The randomisation of the delay.
    pub jitter: Jitter,
}

/// The growth of the delay with the number of the retry.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Shape {
    /// `base * factor^(n-1)`.
    Exponential {
        /// The growth from one retry to the next, at least 1.
        factor: f64,
    },
    /// `base * n`.
    Linear,
    /// `base`.
    Constant,
    /// A custom function of the retry's number (1 for the first). With serde it is written as `{ custom = "function" }`,
    /// and cannot be read.
    #[cfg_attr(feature = "serde", serde(serialize_with = "write_function", skip_deserializing))]
    Custom(Arc<dyn Fn(u32) -> Duration + Send + Sync>),
}

#[cfg(feature = "serde")]
fn write_function<S: serde::Serializer>(
    _: &Arc<dyn Fn(u32) -> Duration + Send + Sync>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("function")
}

// === impl Backoff ===

impl Backoff {
    /// Creates a backoff that starts at `base` and doubles.
    #[must_use]
    pub fn exponential(base: Duration) -> Self {
        Self { base, ..Self::default() }
    }

    /// Creates a backoff that grows by `base` with each retry.
    #[must_use]
    pub fn linear(base: Duration) -> Self {
        Self { base, shape: Shape::Linear, ..Self::default() }
    }

    /// Creates a backoff that always waits for `base`.
    #[must_use]
    pub fn constant(base: Duration) -> Self {
        Self { base, shape: Shape::Constant, ..Self::default() }
    }

    /// Creates a backoff without delay, for tests, or if the next attempt goes to another replica.
    #[must_use]
    pub fn none() -> Self {
        Self { base: Duration::ZERO, shape: Shape::Constant, jitter: Jitter::None, ..Self::default() }
    }

    /// Creates a backoff from a function of the retry's number (1 for the first). Cap and jitter still apply.
    #[must_use]
    pub fn custom(delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self { shape: Shape::Custom(Arc::new(delay)), ..Self::default() }
    }

    /// Sets the growth factor, and the shape to exponential.
    #[must_use]
    pub fn with_factor(mut self, factor: f64) -> Self {
        self.shape = Shape::Exponential { factor };
        self
    }

    /// Sets the cap.
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the jitter.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Returns the delay before the n-th retry (1 for the first; 0 counts as 1). Only decorrelated jitter reads the
    /// previous delay.
    #[must_use]
    pub fn delay(&self, retry: u32, previous: Duration, random: &Random) -> Duration {
        let upper = self.upper(retry);
        match self.jitter {
            Jitter::None => upper,
            Jitter::Decorrelated => self.jitter.apply(self.base, previous, self.cap, random.unit()),
            _ => self.jitter.apply(upper, previous, self.cap, random.unit()),
        }
    }

    /// Returns the delay without jitter, capped.
    #[must_use]
    pub fn upper(&self, retry: u32) -> Duration {
        let retry = retry.max(1);
        let grown = match &self.shape {
            Shape::Exponential { factor } => scale(self.base, factor.powf(f64::from(retry - 1))),
            Shape::Linear => self.base.saturating_mul(retry),
            Shape::Constant => self.base,
            Shape::Custom(delay) => delay(retry),
        };
        grown.min(self.cap)
    }

    /// Validates every field.
    ///
    /// # Errors
    /// A base above the cap, a cap above a year, a factor below 1 or not finite, a jitter share outside 0..=1.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("cap", self.cap, Duration::ZERO..=LONGEST)?;
        if !matches!(self.shape, Shape::Custom(_)) {
            settings::at_most("base", self.base, "cap", self.cap)?;
        }
        if let Shape::Exponential { factor } = self.shape
            && !(1.0..=1_000.0).contains(&factor)
        {
            return Err(InvalidSetting::new("shape.exponential.factor", factor, "must be 1 to 1000"));
        }
        self.jitter.validate()
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            shape: Shape::Exponential { factor: 2.0 },
            base: Duration::from_millis(100),
            cap: Duration::from_secs(20),
            jitter: Jitter::Full,
        }
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cap = human(self.cap);
        match &self.shape {
            Shape::Custom(_) => write!(f, "custom up to {cap}, jitter {:?}", self.jitter),
            shape => write!(f, "{shape:?} from {} up to {cap}, jitter {:?}", human(self.base), self.jitter),
        }
    }
}

// === impl Shape ===

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exponential { factor } => write!(f, "exponential x{factor}"),
            Self::Linear => f.write_str("linear"),
            Self::Constant => f.write_str("constant"),
            Self::Custom(_) => f.write_str("custom"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn delay_grows_to_the_cap() {
        let backoff = Backoff::exponential(100 * MS).with_cap(MS * 500).with_jitter(Jitter::None);
        let delays: Vec<_> = (1..=4).map(|n| backoff.upper(n)).collect();
        assert_eq!(delays, [100 * MS, 200 * MS, 400 * MS, 500 * MS]);
        assert_eq!(Backoff::linear(100 * MS).upper(3), 300 * MS);
        assert_eq!(Backoff::constant(100 * MS).upper(3), 100 * MS);
        assert_eq!(Backoff::custom(|n| n * MS).upper(7), 7 * MS);
    }

    #[test]
    fn invalid_settings_name_the_field() {
        let wrong = |backoff: Backoff| backoff.validate().unwrap_err().field().to_owned();
        assert_eq!(wrong(Backoff::default().with_factor(f64::NAN)), "shape.exponential.factor");
        assert_eq!(wrong(Backoff::default().with_factor(0.5)), "shape.exponential.factor");
        assert_eq!(wrong(Backoff::default().with_cap(MS)), "base");
        assert_eq!(wrong(Backoff::default().with_cap(Duration::MAX)), "cap");
        let jitter = Jitter::Proportional { share: 1.5 };
        assert_eq!(wrong(Backoff::default().with_jitter(jitter)), "jitter.proportional.share");
        assert!(Backoff::default().validate().is_ok() && Backoff::none().validate().is_ok());
    }

    /// In a peer, eight clients got eight identical series because the generator was copied with the backoff.
    #[test]
    fn clones_draw_different_delays() {
        let (backoff, random) = (Backoff::default(), Random::seeded(3));
        let delays: Vec<_> = (0..8).map(|_| backoff.clone().delay(1, Duration::ZERO, &random)).collect();
        let distinct: std::collections::HashSet<_> = delays.iter().collect();
        assert_eq!(distinct.len(), 8);
    }

    proptest! {
        #[test]
        fn delay_never_exceeds_the_cap(
            retry: u32, base in 0_u64..100_000, cap in 0_u64..100_000, factor in 1.0_f64..1000.0, seed: u64,
        ) {
            let backoff = Backoff::exponential(Duration::from_millis(base))
                .with_cap(Duration::from_millis(cap)).with_factor(factor);
            for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None] {
                let delay = backoff.clone().with_jitter(jitter).delay(retry, backoff.cap, &Random::seeded(seed));
                prop_assert!(delay <= backoff.cap.max(backoff.base), "{delay:?}");
            }
        }
    }
}
