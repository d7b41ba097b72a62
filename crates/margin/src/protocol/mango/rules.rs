//! Parameters of Mango v4 from a rulebook. Weights are fractions; liability weights are one or more.
//!
//! ```toml
//! quote = "USDC"                       # values are in its native units; it needs a section of its own
//! [tokens.SOL]
//! decimals = 9
//! initial_asset_weight = 0.8
//! maintenance_asset_weight = 0.9
//! initial_liability_weight = 1.2
//! maintenance_liability_weight = 1.1
//! [perps.SOL]                          # settle in the quote token
//! base_decimals = 9
//! initial_asset_weight = 0.9
//! maintenance_asset_weight = 0.95
//! initial_liability_weight = 1.1
//! maintenance_liability_weight = 1.05
//! initial_overall_asset_weight = 0.95  # of a perpetual whose health is above zero
//! maintenance_overall_asset_weight = 1
//! ```

use super::fixed::Fixed48;
use super::health::Weights;
use crate::protocol;
use crate::rulebook::section::{Bound, Section};
use std::collections::BTreeMap;
use units::Asset;

/// The model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mango {
    pub(super) quote: Asset,
    pub(super) tokens: BTreeMap<Asset, Market>,
    pub(super) perps: BTreeMap<Asset, Perp>,
}

/// Decimals and weights of a token, or of the base of a perpetual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Market {
    pub(super) decimals: i32,
    pub(super) asset: Weights,
    pub(super) liability: Weights,
}

/// A perpetual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Perp {
    pub(super) base: Market,
    pub(super) overall_asset: Weights,
}

impl Mango {
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        let quote = Asset::new(&root.text("quote"));
        if let Err(error) = &quote {
            root.mistake("quote", &error.to_string());
        }
        let mut tokens = BTreeMap::new();
        for (name, section) in root.named_children("tokens") {
            let token = market(&section, "decimals");
            insert(&mut tokens, &Named { root, key: "tokens", name: &name }, token);
        }
        let mut perps = BTreeMap::new();
        for (name, section) in root.named_children("perps") {
            let perp = perp(&section);
            insert(&mut perps, &Named { root, key: "perps", name: &name }, perp);
        }
        let quote = quote.ok()?;
        if !tokens.contains_key(&quote) {
            root.mistake("quote", "must name a section of [tokens] without mistakes");
        }
        Some(Self { quote, tokens, perps })
    }
}

/// A section by the name of its asset.
struct Named<'a, 'b> {
    root: &'a Section<'b>,
    key: &'a str,
    name: &'a str,
}

fn insert<T>(all: &mut BTreeMap<Asset, T>, named: &Named<'_, '_>, market: Option<T>) {
    match Asset::new(named.name) {
        Ok(asset) => all.extend(market.map(|market| (asset, market))),
        Err(error) => named.root.mistake(named.key, &error.to_string()),
    }
}

fn perp(section: &Section<'_>) -> Option<Perp> {
    let base = market(section, "base_decimals");
    let overall = |key| fixed(section, key, Bound::Fraction);
    let (initial, maintenance) =
        (overall("initial_overall_asset_weight"), overall("maintenance_overall_asset_weight"));
    if protocol::is_above(initial, maintenance) {
        section.mistake("initial_overall_asset_weight", "must not be above maintenance_overall_asset_weight");
    }
    Some(Perp { base: base?, overall_asset: Weights { initial: initial?, maintenance: maintenance? } })
}

fn market(section: &Section<'_>, decimals_key: &str) -> Option<Market> {
    let decimals = i32::try_from(section.integer(decimals_key)).ok().filter(|d| (0..=18).contains(d));
    if decimals.is_none() {
        section.mistake(decimals_key, "must be from 0 to 18");
    }
    let asset = |key| fixed(section, key, Bound::Fraction);
    let liability = |key| fixed(section, key, Bound::Within(1.0, 100.0));
    let asset = (asset("initial_asset_weight"), asset("maintenance_asset_weight"));
    let liability = (liability("initial_liability_weight"), liability("maintenance_liability_weight"));
    if protocol::is_above(asset.0, asset.1) {
        section.mistake("initial_asset_weight", "must not be above maintenance_asset_weight");
    }
    if protocol::is_above(liability.1, liability.0) {
        section.mistake("initial_liability_weight", "must not be below maintenance_liability_weight");
    }
    Some(Market {
        decimals: decimals?,
        asset: Weights { initial: asset.0?, maintenance: asset.1? },
        liability: Weights { initial: liability.0?, maintenance: liability.1? },
    })
}

/// A number of the file as the nearest fixed-point number.
fn fixed(section: &Section<'_>, key: &str, bound: Bound) -> Option<Fixed48> {
    if !section.has(key) {
        // Reports that it is missing.
        section.number(key, bound);
        return None;
    }
    section.optional_number(key, bound).and_then(Fixed48::nearest)
}
