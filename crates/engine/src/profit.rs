//! What was earned since the ledger was opened, by cause, exact: the sum of the entries of each kind, per place and asset.
//!
//! ```text
//! gain of a place and asset since open = trading + fees + funding + settlements (+ what reconciliation found)     exact, in the asset
//! balance                              = opening + deposits - withdrawals + transfers + the above                 exact, an identity
//! ```
//!
//! Premiums and the exchange of spot are cash against something held, so the whole result is these plus what is held at its value now.
//! Prices of coins that were brought in are not earned here: a deposit counts in its own asset.

use book::{Change, Entry, EntryKind, Place};
use std::collections::BTreeMap;
use units::{Asset, Decimal, exact_sum};

/// Money by place, kind of entry and asset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profit {
    pub(crate) of: BTreeMap<(Place, EntryKind, Asset), Decimal>,
    /// Gains that moved no cash, because a premium had: of closed options and spot.
    pub(crate) noted: BTreeMap<(Place, Asset), Decimal>,
}

impl Profit {
    /// Cash that came or went, by place, cause and asset.
    #[must_use]
    pub const fn cash(&self) -> &BTreeMap<(Place, EntryKind, Asset), Decimal> {
        &self.of
    }

    /// Gains of what was closed and paid for by premium, by place and asset: part of the cash above, told apart.
    #[must_use]
    pub const fn noted(&self) -> &BTreeMap<(Place, Asset), Decimal> {
        &self.noted
    }

    /// Takes entries; one that does not fit 28 digits is named, and the sum stays without it.
    pub(crate) fn add(&mut self, entry: &Entry) -> Result<(), String> {
        let (money, sum) = match &entry.change {
            Change::Balance(money) => {
                let key = (entry.place.clone(), entry.kind, money.asset.clone());
                (money, self.of.entry(key).or_default())
            }
            Change::Noted(money) => {
                let key = (entry.place.clone(), money.asset.clone());
                (money, self.noted.entry(key).or_default())
            }
            Change::Position { .. } => return Ok(()),
        };
        let Some(total) = exact_sum(*sum, money.amount) else {
            return Err(format!(
                "{}: the sum of {} {} since open needs over 28 digits",
                entry.place, money.amount, money.asset
            ));
        };
        *sum = total.normalize();
        Ok(())
    }
}
