//! The share of traffic that returns to a recovered dependency.

/// Returns the share of requests to admit, `elapsed` into a ramp of `length`: 0.1 at the start, 1 or more at the end.
///
/// The ramp is linear. It starts at a tenth so that the dependency gets real traffic at once. Both arguments have the
/// same unit.
#[must_use]
pub fn ramp_share(elapsed: u64, length: u64) -> f64 {
    0.1 + 0.9 * elapsed as f64 / length.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_grows_from_a_tenth_to_all() {
        assert_eq!(ramp_share(0, 1_000), 0.1);
        assert_eq!(ramp_share(500, 1_000), 0.55);
        assert_eq!(ramp_share(1_000, 1_000), 1.0);
        assert!(ramp_share(1, 0) >= 1.0 && ramp_share(0, 0) == 0.1);
    }
}
