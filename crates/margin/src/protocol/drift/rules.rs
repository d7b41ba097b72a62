//! Parameters of Drift v2 from a rulebook. Weights and ratios are in 1e-4, growth factors in 1e-6, as on the chain.
//!
//! ```toml
//! quote = "USDC"                       # its deposits and borrows weigh one
//! quote_decimals = 6
//! [spot_markets.SOL]
//! decimals = 9
//! initial_asset_weight = 8_000
//! maintenance_asset_weight = 9_000
//! initial_liability_weight = 12_000
//! maintenance_liability_weight = 11_000
//! imf_factor = 0
//! [perp_markets.SOL]
//! initial_margin_ratio = 1_000
//! maintenance_margin_ratio = 500
//! imf_factor = 0
//! initial_gain_weight = 10_000
//! maintenance_gain_weight = 10_000
//! gain_imf_factor = 0
//! ```

use super::weights::{Decimals, Imf, PerpMarket, SpotWeights, Weight};
use crate::protocol;
use crate::rulebook::section::Section;
use std::collections::BTreeMap;
use units::Asset;

/// The model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drift {
    pub(super) quote: Asset,
    pub(super) quote_decimals: Decimals,
    pub(super) spots: BTreeMap<Asset, SpotMarket>,
    pub(super) perps: BTreeMap<Asset, PerpMarket>,
}

/// A token of the rulebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpotMarket {
    pub(super) decimals: Decimals,
    pub(super) weights: SpotWeights,
}

impl Drift {
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        let quote = Asset::new(&root.text("quote"));
        if let Err(error) = &quote {
            root.mistake("quote", &error.to_string());
        }
        let quote_decimals = decimals(root, "quote_decimals");
        let spots = by_asset(root, "spot_markets", spot_market);
        let perps = by_asset(root, "perp_markets", perp_market);
        if quote.as_ref().is_ok_and(|quote| spots.contains_key(quote)) {
            root.mistake("spot_markets", "must not hold the quote currency, which weighs one");
        }
        Some(Self { quote: quote.ok()?, quote_decimals: quote_decimals?, spots, perps })
    }
}

fn by_asset<T>(
    root: &Section<'_>,
    key: &str,
    read: impl Fn(&Section<'_>) -> Option<T>,
) -> BTreeMap<Asset, T> {
    let mut markets = BTreeMap::new();
    for (name, section) in root.named_children(key) {
        let market = read(&section);
        match Asset::new(&name) {
            Ok(asset) => markets.extend(market.map(|market| (asset, market))),
            Err(error) => root.mistake(key, &error.to_string()),
        }
    }
    markets
}

fn spot_market(section: &Section<'_>) -> Option<SpotMarket> {
    let at_most_one = |key| weight(section, key, 0..=10_000, "from 0 to 10000 (10000 is 1)");
    let at_least_one = |key| weight(section, key, 10_000..=1_000_000, "from 10000 to 1000000 (10000 is 1)");
    let (initial_asset, maintenance_asset) =
        (at_most_one("initial_asset_weight"), at_most_one("maintenance_asset_weight"));
    let (initial_liability, maintenance_liability) =
        (at_least_one("initial_liability_weight"), at_least_one("maintenance_liability_weight"));
    let (imf, decimals) = (imf(section, "imf_factor"), decimals(section, "decimals"));
    if protocol::is_above(initial_asset, maintenance_asset) {
        section.mistake("initial_asset_weight", "must not be above maintenance_asset_weight");
    }
    if protocol::is_above(maintenance_liability, initial_liability) {
        section.mistake("initial_liability_weight", "must not be below maintenance_liability_weight");
    }
    let weights = SpotWeights {
        initial_asset: initial_asset?,
        maintenance_asset: maintenance_asset?,
        initial_liability: initial_liability?,
        maintenance_liability: maintenance_liability?,
        imf: imf?,
    };
    Some(SpotMarket { decimals: decimals?, weights })
}

fn perp_market(section: &Section<'_>) -> Option<PerpMarket> {
    let share = |key| weight(section, key, 0..=10_000, "from 0 to 10000 (10000 is 1)");
    let (initial, maintenance) = (share("initial_margin_ratio"), share("maintenance_margin_ratio"));
    if protocol::is_above(maintenance, initial) {
        section.mistake("initial_margin_ratio", "must not be below maintenance_margin_ratio");
    }
    let (initial_gain, maintenance_gain) = (share("initial_gain_weight"), share("maintenance_gain_weight"));
    if protocol::is_above(initial_gain, maintenance_gain) {
        section.mistake("initial_gain_weight", "must not be above maintenance_gain_weight");
    }
    let (own, gain_imf) = (imf(section, "imf_factor"), imf(section, "gain_imf_factor"));
    Some(PerpMarket {
        initial: initial?,
        maintenance: maintenance?,
        imf: own?,
        initial_gain: initial_gain?,
        maintenance_gain: maintenance_gain?,
        gain_imf: gain_imf?,
    })
}

fn weight(
    section: &Section<'_>,
    key: &str,
    range: std::ops::RangeInclusive<u32>,
    rule: &str,
) -> Option<Weight> {
    let weight = u32::try_from(section.integer(key)).ok().filter(|weight| range.contains(weight));
    // A key that is absent has been reported as such.
    if !section.has(key) {
        return None;
    }
    if weight.is_none() {
        section.mistake(key, &format!("must be {rule}"));
    }
    weight.map(Weight)
}

fn imf(section: &Section<'_>, key: &str) -> Option<Imf> {
    let factor = u32::try_from(section.integer(key)).ok();
    if factor.is_none() {
        section.mistake(key, "must be zero or more millionths");
    }
    factor.map(Imf)
}

fn decimals(section: &Section<'_>, key: &str) -> Option<Decimals> {
    let decimals = u32::try_from(section.integer(key)).ok().filter(|decimals| *decimals <= 18);
    if decimals.is_none() {
        section.mistake(key, "must be from 0 to 18");
    }
    decimals.map(Decimals)
}
