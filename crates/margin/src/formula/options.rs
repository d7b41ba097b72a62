//! Options margined one by one, and futures by a rate that grows with size: the standard margin of Deribit and its relatives.
//!
//! No position helps another. A bought option asks nothing (it is paid for), a sold one asks what [`short_option`] says, a
//! future what [`future`] says; requirements add up by the wallet of the settlement currency. All figures are USD.
//!
//! | `[account]` key | words | meaning |
//! |---|---|---|
//! | `wallets` | `separate` | each settlement currency stands alone; see [`wallet`] for the account's surplus |
//! | | `pooled` | all currencies listed under `[collateral.ASSET]`, after `haircut_initial` and `haircut_maintenance` |
//! | `option_value` | `excluded` | the counted equity is balances and gains of futures |
//! | | `counted` | and the value of all options, sold ones negative |
//!
//! A sold option's requirement contains its mark, so a venue that counted the negative value of that option as well would ask for
//! it twice: the venues that say how they count exclude option values (each file names its source or says that it has none).
//! `equity_usd` always contains everything at full price.
//!
//! Left out: margin of open orders, trading fees, interest, collateral fees, isolated positions, and netting in the last half hour
//! before delivery. Legs without a rule in the file are in `unmargined`; their value and gain are in the equity all the same,
//! because they are known, and a loss must not disappear.

mod future;
mod read;
mod short_option;
#[cfg(test)]
mod tests;
mod wallet;

use crate::report::{Levels, Outcome, Unmargined};
use crate::state::{AccountState, Leg};
use future::FutureRule;
use short_option::{Coefficients, ShortOptionRule, ShortSizes};
use std::collections::BTreeMap;
use units::Asset;
use wallet::{Part, Pooling, Wallets};

/// Parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OptionsMargin {
    pooling: Pooling,
    option_value: OptionValue,
    short_option: ShortOptionRule,
    coefficients: BTreeMap<Asset, Coefficients>,
    futures: BTreeMap<Asset, FutureRule>,
}

/// Whether option values are equity that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OptionValue {
    Excluded,
    Counted,
}

impl OptionsMargin {
    pub(crate) fn margin(&self, state: &AccountState) -> Outcome {
        let mut outcome = Outcome::default();
        let mut wallets = Wallets::holding(&state.balances);
        let sizes = ShortSizes::of(&state.legs);
        for leg in &state.legs {
            wallets.add_value(leg, self.option_value);
            let asked = if leg.is_option() { self.option(leg, &sizes) } else { self.future(leg) };
            match asked {
                Ok(levels) => {
                    wallets.ask(leg, if leg.is_option() { Part::Options } else { Part::Futures }, levels);
                }
                Err(reason) => outcome.unmargined.push(Unmargined { symbol: leg.symbol.clone(), reason }),
            }
            if self.short_option.misses_entry(leg) {
                outcome.notes.push(format!(
                    "{}: entry price unknown, so its initial margin takes the mark where the venue takes the larger of the two",
                    leg.symbol
                ));
            }
        }
        wallets.report(&self.pooling, &state.balances, &mut outcome);
        outcome
    }

    fn option(&self, leg: &Leg, sizes: &ShortSizes<'_>) -> Result<Levels, String> {
        if leg.quantity >= 0.0 {
            return Ok(Levels::default());
        }
        let underlying = &leg.contract.underlying;
        let Some(coefficients) = self.coefficients.get(underlying) else {
            return Err(format!(
                "sold option on {underlying}, for which the rulebook has no coefficients: add \
                 [short_option.coefficients.{underlying}]"
            ));
        };
        let factor = coefficients.factor(sizes.size_coin(leg));
        Ok(self.short_option.requirement(leg, coefficients, factor))
    }

    fn future(&self, leg: &Leg) -> Result<Levels, String> {
        let underlying = &leg.contract.underlying;
        match self.futures.get(underlying) {
            Some(rule) => Ok(rule.requirement(leg)),
            None if self.futures.is_empty() => Err(format!(
                "{} on {underlying}: this rulebook margins options only; its gain is counted, its requirement is not: margin it \
                 with the venue's rulebook for futures",
                leg.contract.kind_word()
            )),
            None => Err(format!(
                "{} on {underlying}, for which the rulebook has no rate: its gain is counted, its requirement is not; add \
                 [future.{underlying}]",
                leg.contract.kind_word()
            )),
        }
    }
}
