//! Changes of a state that what-if, fragmentation and faults share: adding a leg, closing one, moving a balance.
//!
//! The order of legs and balances stays that of contracts and assets. Adding nets exactly: quantities and entry values of
//! one contract add up, and the entry is unknown as soon as that of one part is. Prices of a contract that is already
//! there stay; a market has one price for a contract.

use crate::state::{AccountState, Holding, Leg};

impl AccountState {
    /// Nets a leg in. What cancels to nothing leaves the state; a future whose gain is left stays with size zero.
    pub(crate) fn add_leg(&mut self, leg: &Leg) {
        let Some(place) = self.legs.iter().position(|other| other.contract == leg.contract) else {
            let place = self.legs.partition_point(|other| other.contract < leg.contract);
            self.legs.insert(place, leg.clone());
            return;
        };
        let Some(held) = self.legs.get_mut(place) else { return };
        held.quantity += leg.quantity;
        held.entry_value = held.entry_value.zip(leg.entry_value).map(|(one, other)| one + other);
        let gain_left = !held.is_option() && held.entry_value.is_some_and(|value| value != 0.0);
        if held.quantity == 0.0 && !gain_left {
            self.legs.remove(place);
        }
    }

    /// Nets a balance in; one of zero stays, so that an asset that was held is still named.
    pub(crate) fn add_balance(&mut self, holding: &Holding) {
        match self.balances.iter_mut().find(|other| other.asset == holding.asset) {
            Some(held) => held.amount += holding.amount,
            None => {
                let place = self.balances.partition_point(|other| other.asset < holding.asset);
                self.balances.insert(place, holding.clone());
            }
        }
    }

    /// Closes a leg at its mark: the gain of a future, the value of an option, goes to the balance it settles in.
    pub(crate) fn close_leg(&mut self, place: usize) {
        if place >= self.legs.len() {
            return;
        }
        let leg = self.legs.remove(place);
        self.add_proceeds(&leg, leg.gain_usd() + leg.option_value_usd());
    }

    /// Trades a leg at its entry value: the premium of an option is paid, or received, in its settlement asset.
    pub(crate) fn fill(&mut self, leg: &Leg) {
        if let (true, Some(premium)) = (leg.is_option(), leg.entry_value) {
            self.add_proceeds(leg, -premium * leg.settlement_usd);
        }
        self.add_leg(leg);
    }

    /// Books USD of a leg in the asset it settles in.
    fn add_proceeds(&mut self, leg: &Leg, usd: f64) {
        // A settlement asset without a price pays nothing.
        if usd != 0.0 && leg.settlement_usd > 0.0 {
            self.add_balance(&Holding {
                asset: leg.contract.settlement_asset().clone(),
                amount: usd / leg.settlement_usd,
                price_usd: leg.settlement_usd,
            });
        }
    }
}

impl Leg {
    /// The same as if traded at its mark: no gain, and the value of an option as its premium.
    #[must_use]
    pub fn at_mark(&self) -> Self {
        let mark = self.mark.price().get();
        let entry_value = match (self.is_option(), self.is_inverse()) {
            (false, true) => self.quantity / mark,
            (false, false) => self.quantity * self.coins_per_unit() * mark,
            (true, true) => self.quantity * self.option_price() / mark,
            (true, false) => self.quantity * self.coins_per_unit() * self.option_price(),
        };
        Self { entry_value: Some(entry_value), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{OptionCase, inverse_perpetual, linear_perpetual, option, state};
    use units::OptionKind;

    fn equity(state: &AccountState) -> f64 {
        state.balances.iter().map(Holding::value_usd).sum::<f64>()
            + state.legs.iter().map(|leg| leg.gain_usd() + leg.option_value_usd()).sum::<f64>()
    }

    fn call(quantity: f64) -> Leg {
        let case = OptionCase {
            quantity,
            strike: 100_000,
            kind: OptionKind::Call,
            days: 30,
            vol: 0.5,
            forward: 100_500.0,
            index: 100_000.0,
        };
        option("BTC", None, case)
    }

    #[test]
    fn legs_net_exactly_with_their_entries() {
        let long = linear_perpetual("BTC", "USDT", 3.0, 90_000.0, 100_000.0);
        let mut netted = state("v", vec![long.clone()], &[]);
        netted.add_leg(&linear_perpetual("BTC", "USDT", -1.0, 95_000.0, 100_000.0));
        assert_eq!(netted.legs.len(), 1);
        assert_eq!((netted.legs[0].quantity, netted.legs[0].entry_value), (2.0, Some(270_000.0 - 95_000.0)));
        // Flat, but 2 x 90,000 - 175,000 is still owed: the gain stays until it is settled.
        netted.add_leg(&linear_perpetual("BTC", "USDT", -2.0, 90_000.0, 100_000.0));
        assert_eq!(netted.legs[0].quantity.to_bits(), 0.0f64.to_bits());
        assert!((netted.legs[0].gain_usd() - 5_000.0).abs() < 1e-9);
        let mut cancelled = state("v", vec![long], &[]);
        cancelled.add_leg(&linear_perpetual("BTC", "USDT", -3.0, 90_000.0, 100_000.0));
        assert!(cancelled.legs.is_empty());
        let unknown = Leg { entry_value: None, ..inverse_perpetual("BTC", 100.0, 1.0, 100_000.0) };
        let mut inverse = state("v", vec![inverse_perpetual("BTC", 100.0, 90_000.0, 100_000.0)], &[]);
        inverse.add_leg(&unknown);
        assert_eq!((inverse.legs[0].quantity, inverse.legs[0].entry_value), (200.0, None));
    }

    #[test]
    fn a_close_at_mark_keeps_the_equity() {
        let legs = vec![
            inverse_perpetual("BTC", -50_000.0, 90_000.0, 100_000.0),
            linear_perpetual("BTC", "USDT", 2.0, 91_000.0, 100_000.0),
        ];
        let mut before = state("v", legs, &[("USDT", 10.0, 1.0)]);
        before.add_leg(&call(-1.5));
        for place in 0..3 {
            let mut after = before.clone();
            after.close_leg(place);
            assert_eq!(after.legs.len(), 2);
            // Rounding of sums near 30,000 USD.
            assert!((equity(&after) - equity(&before)).abs() < 1e-8, "{place}");
        }
    }

    #[test]
    fn a_leg_at_its_mark_has_no_gain() {
        for leg in [
            inverse_perpetual("BTC", -50_000.0, 90_000.0, 100_000.0),
            linear_perpetual("BTC", "USDT", 2.0, 91_000.0, 100_000.0),
        ] {
            assert!(leg.gain_usd().abs() > 1_000.0 && leg.at_mark().gain_usd().abs() < 1e-9);
        }
        let bought = call(2.0);
        let premium = bought.at_mark().entry_value.unwrap() * bought.settlement_usd;
        assert!((premium - bought.option_value_usd()).abs() < 1e-9 && premium > 0.0);
    }
}
