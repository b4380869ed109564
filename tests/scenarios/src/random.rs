//! Random draws of a simulation. Each purpose has a source of its own, so that a change in one leaves the others alone.

use mainstay_core::Random;

/// Returns the source for one purpose of a simulation.
pub(crate) fn source(seed: u64, purpose: u64) -> Random {
    // The sequence of `Random` is a function of its seed, and neighbouring seeds differ in every draw.
    Random::seeded(seed.wrapping_mul(0x0100_0000_01B3).wrapping_add(purpose).wrapping_mul(0xD134_2543_DE82_EF95))
}

/// Draws from the exponential distribution with this mean.
pub(crate) fn exponential(random: &Random, mean: f64) -> f64 {
    -(1.0 - random.unit()).ln() * mean
}

/// Draws from the standard normal distribution (Box and Muller, 1958).
pub(crate) fn normal(random: &Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}
