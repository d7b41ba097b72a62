//! The requirement of one sold option.
//!
//! All prices are fractions of the index S, so that one formula serves options paid in coin (where that is their price) and in
//! currency (where every coefficient is multiplied by the index). With the out-of-the-money amount over the reference price
//! o = max(K - R, 0)/R for calls and max(R - K, 0)/R for puts, the option's mark v and the tier's factor w, per coin:
//!
//! ```text
//! initial     = max(initial - o, initial_min) w + v0
//! maintenance = max(maintenance - o, maintenance_min) m w + v + liquidation_fee
//! ```
//!
//! | key | words | meaning |
//! |---|---|---|
//! | `reference` | `index`, `forward` | R |
//! | `initial_price` | `mark`, `entry-or-mark` | v0 = v, or the larger of v and the entry price |
//! | `mark_scales_maintenance` | `never`, `puts`, `always` | m = max(1, v) where it applies, else 1 |
//! | `initial_floor` | `none`, `maintenance` | whether initial is at least maintenance |
//! | `liquidation_fee` | number | fraction of the index, in maintenance |
//!
//! `maintenance_min` is absent where the venue does not lower maintenance out of the money; it then equals `maintenance`. The factor
//! is that of the tier of all coins sold on one underlying in one settlement currency, and applies to the whole position.
//! Source: reference note `exchange-margin.md`, sections 2, 5.2, 6, 7 and 10; each rulebook names the venue's own page.

use crate::report::Levels;
use crate::state::{Leg, Mark};
use std::collections::BTreeMap;
use units::{Asset, OptionKind};

/// What all underlyings share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ShortOptionRule {
    pub(super) reference: Reference,
    pub(super) initial_price: InitialPrice,
    pub(super) mark_scales_maintenance: MarkScales,
    pub(super) initial_floor: InitialFloor,
    /// Fraction of the index.
    pub(super) liquidation_fee: f64,
}

/// The price that the strike is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference {
    Index,
    Forward,
}

/// The option price inside the initial requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InitialPrice {
    Mark,
    EntryOrMark,
}

/// Whose maintenance coefficient is multiplied by a mark above the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkScales {
    Never,
    Puts,
    Always,
}

/// What initial may not fall below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InitialFloor {
    None,
    Maintenance,
}

/// Coefficients of one underlying, as fractions of the index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coefficients {
    pub(super) initial: f64,
    pub(super) initial_min: f64,
    pub(super) maintenance: f64,
    pub(super) maintenance_min: f64,
    /// Ascending from zero coins; empty is a factor of one.
    pub(super) tiers: Vec<FactorTier>,
}

/// From this many coins sold on, this factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FactorTier {
    pub(super) above_coin: f64,
    pub(super) factor: f64,
}

/// Multiplies the coefficients of a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factor(f64);

/// Coins sold in options, by underlying and settlement asset.
#[derive(Debug)]
pub(super) struct ShortSizes<'a>(BTreeMap<(&'a Asset, &'a Asset), f64>);

/// One option in fractions of the index.
struct Relative {
    out_of_the_money: f64,
    mark: f64,
    entry: Option<f64>,
    kind: OptionKind,
    /// USD of one coin's index in the settlement currency, times coins.
    usd: f64,
}

impl<'a> ShortSizes<'a> {
    pub(super) fn of(legs: &'a [Leg]) -> Self {
        let mut sizes = BTreeMap::new();
        for leg in legs.iter().filter(|leg| leg.is_option() && leg.quantity < 0.0) {
            let size: &mut f64 = sizes.entry(Self::family(leg)).or_default();
            *size += leg.size_coin().abs();
        }
        Self(sizes)
    }

    /// Of the family that a sold leg belongs to.
    pub(super) fn size_coin(&self, leg: &Leg) -> f64 {
        // A leg that is not sold belongs to no family: nothing is sold there.
        self.0.get(&Self::family(leg)).copied().unwrap_or_default()
    }

    fn family(leg: &Leg) -> (&Asset, &Asset) {
        (&leg.contract.underlying, leg.contract.settlement_asset())
    }
}

impl Coefficients {
    /// Of the tier that holds so many coins.
    pub(super) fn factor(&self, sold_coin: f64) -> Factor {
        let tier = self.tiers.iter().rev().find(|tier| sold_coin >= tier.above_coin);
        Factor(tier.map_or(1.0, |tier| tier.factor))
    }
}

impl ShortOptionRule {
    /// True when the rule wants an entry price of a sold option and there is none.
    pub(super) fn misses_entry(&self, leg: &Leg) -> bool {
        let wanted = self.initial_price == InitialPrice::EntryOrMark;
        wanted && leg.is_option() && leg.quantity < 0.0 && leg.entry_value.is_none()
    }

    /// Of a sold option, USD.
    pub(super) fn requirement(&self, leg: &Leg, coefficients: &Coefficients, factor: Factor) -> Levels {
        let Some(option) = self.relative(leg) else { return Levels::default() };
        let Factor(factor) = factor;
        let scaled = match (self.mark_scales_maintenance, option.kind) {
            (MarkScales::Never, _) | (MarkScales::Puts, OptionKind::Call) => 1.0,
            (MarkScales::Puts, OptionKind::Put) | (MarkScales::Always, _) => option.mark.max(1.0),
        };
        let lowered = (coefficients.maintenance - option.out_of_the_money).max(coefficients.maintenance_min);
        let maintenance = lowered * scaled * factor + option.mark + self.liquidation_fee;
        let price = match self.initial_price {
            InitialPrice::Mark => option.mark,
            InitialPrice::EntryOrMark => option.entry.map_or(option.mark, |entry| entry.max(option.mark)),
        };
        let lowered = (coefficients.initial - option.out_of_the_money).max(coefficients.initial_min);
        let alone = lowered * factor + price;
        let initial = match self.initial_floor {
            InitialFloor::None => alone,
            InitialFloor::Maintenance => alone.max(maintenance),
        };
        Levels { initial, maintenance }.times(option.usd)
    }

    fn relative(&self, leg: &Leg) -> Option<Relative> {
        let Mark::Option { forward, strike, kind, .. } = leg.mark else { return None };
        let index = leg.index_usd / leg.quote_usd;
        let reference = match self.reference {
            Reference::Index => index,
            Reference::Forward => forward.get(),
        };
        let beyond = match kind {
            OptionKind::Call => strike.get() - reference,
            OptionKind::Put => reference - strike.get(),
        };
        let coins = leg.size_coin().abs();
        let price = leg.option_price();
        let entry = leg.entry_value.map(|value| value.abs() / coins);
        let out_of_the_money = beyond.max(0.0) / reference;
        Some(if leg.is_inverse() {
            let mark = price / forward.get();
            Relative { out_of_the_money, mark, entry, kind, usd: coins * leg.settlement_usd }
        } else {
            let entry = entry.map(|entry| entry / index);
            Relative {
                out_of_the_money,
                mark: price / index,
                entry,
                kind,
                usd: coins * index * leg.settlement_usd,
            }
        })
    }
}
