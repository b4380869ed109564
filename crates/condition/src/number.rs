//! Numbers, compared exactly.

use std::{cmp::Ordering, fmt};

/// An integer or a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Integer(i128),
    Float(f64),
}

/// 2^127, the first float above all integers.
const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

// === impl Number ===

impl Number {
    /// Compares two numbers without rounding. `None` if one is not a number.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(&right)),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(&right),
            (Self::Integer(left), Self::Float(right)) => compare_with_float(left, right),
            (Self::Float(left), Self::Integer(right)) => compare_with_float(right, left).map(Ordering::reverse),
        }
    }
}

fn compare_with_float(integer: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float >= BEYOND {
        return Some(Ordering::Less);
    }
    if float < -BEYOND {
        return Some(Ordering::Greater);
    }
    // Exact: a float in this range has an integral part that is an `i128`.
    let whole = integer.cmp(&(float.trunc() as i128));
    Some(whole.then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(f, "{integer}"),
            // Large floats with an exponent, not with 300 digits.
            Self::Float(float) => write!(f, "{float:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::*;

    #[test]
    fn integers_and_floats_compare_exactly() {
        let cases = [
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Some(Greater)),
            (9_007_199_254_740_993, 9_007_199_254_740_994.0, Some(Less)),
            (i128::MAX, BEYOND, Some(Less)),
            (i128::MIN, -BEYOND, Some(Equal)),
            (i128::MIN, f64::NEG_INFINITY, Some(Greater)),
            (i128::MAX, f64::INFINITY, Some(Less)),
            (2, 2.5, Some(Less)),
            (-2, -2.5, Some(Greater)),
            (0, -0.0, Some(Equal)),
            (0, 5e-324, Some(Less)),
            (0, -5e-324, Some(Greater)),
            (0, f64::NAN, None),
        ];
        for (integer, float, expected) in cases {
            let (integer, float) = (Number::Integer(integer), Number::Float(float));
            assert_eq!(integer.compare(float), expected, "{integer} {float}");
            assert_eq!(float.compare(integer), expected.map(Ordering::reverse), "{float} {integer}");
        }
    }
}
