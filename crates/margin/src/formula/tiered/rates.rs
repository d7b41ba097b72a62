//! Rates that a venue computes from published numbers: hourly funding, and lending under portfolio margin.
//!
//! ```text
//! funding = [P + clamp(i - P, -c, c)] / h, within +-cap      P premium, i interest, h payments of the rate's period
//! borrow  = base + slope max(0, u - kink)                    per year; u borrowed / supplied
//! supply  = borrow u (1 - reserve)
//! ```
//!
//! No requirement depends on them; conformance compares them and carry uses them.

use crate::rulebook::section::{Bound, Section};

/// Funding of perpetuals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FundingRule {
    interest_rate: f64,
    clamp: f64,
    payments: f64,
    cap: f64,
}

/// Lending rates by utilisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LendingRule {
    base_rate: f64,
    slope: f64,
    kink: f64,
    reserve: f64,
}

impl FundingRule {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            interest_rate: section.number("interest_rate", Bound::Finite),
            clamp: section.number("clamp", Bound::NotNegative),
            payments: section.number("payments", Bound::Positive),
            cap: section.number("cap", Bound::Positive),
        }
    }

    /// Rate of one payment for the mean premium of its period; positive is paid by longs.
    #[must_use]
    pub fn rate(&self, premium: f64) -> f64 {
        let pull = (self.interest_rate - premium).max(-self.clamp).min(self.clamp);
        ((premium + pull) / self.payments).max(-self.cap).min(self.cap)
    }
}

impl LendingRule {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            base_rate: section.number("base_rate", Bound::NotNegative),
            slope: section.number("slope", Bound::NotNegative),
            kink: section.number("kink", Bound::Fraction),
            reserve: section.number("reserve", Bound::Fraction),
        }
    }

    /// Paid by borrowers, per year.
    #[must_use]
    pub fn borrow_rate(&self, utilisation: f64) -> f64 {
        self.base_rate + self.slope * (utilisation - self.kink).max(0.0)
    }

    /// Earned by suppliers, per year.
    #[must_use]
    pub fn supply_rate(&self, utilisation: f64) -> f64 {
        self.borrow_rate(utilisation) * utilisation * (1.0 - self.reserve)
    }
}
