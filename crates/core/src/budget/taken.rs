//! The tokens of one reservation, and where they came from.

use super::{allowance::Allowance, earned::Earned};

#[derive(Clone, Copy, Debug)]
pub(super) enum Taken {
    Earned { slice: u64, hundredths: u32 },
    Allowance { hundredths: u32 },
    Nothing,
}

// === impl Taken ===

impl Taken {
    /// Returns the tokens to where they came from.
    pub(super) fn give_back(self, earned: &Earned, allowance: &Allowance) {
        match self {
            Self::Earned { slice, hundredths } => earned.give_back(slice, hundredths),
            Self::Allowance { hundredths } => allowance.give_back(hundredths),
            Self::Nothing => {}
        }
    }
}
