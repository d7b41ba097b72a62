//! Parameters of dYdX v4 from a rulebook.
//!
//! ```toml
//! [liquidity_tiers.large]
//! initial_margin_ppm = 20_000
//! maintenance_fraction_ppm = 600_000
//! open_interest_lower_cap_usd = 0      # both zero or absent: the margin does not rise with open interest
//! open_interest_upper_cap_usd = 0
//!
//! [markets.BTC]
//! liquidity_tier = "large"
//! atomic_resolution = -10
//! price_exponent = -5
//! pool = "cross"                       # or "isolated"
//! open_interest_coins = 0              # raises the margin between the caps; zero or absent: the base margin
//! ```

use super::risk::{LiquidityTier, Ppm, QuoteQuantums};
use crate::protocol::exact;
use crate::rulebook::section::{Bound, Section};
use std::collections::BTreeMap;
use units::Asset;

/// The model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dydx {
    pub(super) markets: BTreeMap<Asset, Market>,
}

/// A perpetual of the rulebook.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Market {
    pub(super) tier: LiquidityTier,
    pub(super) atomic_resolution: i32,
    pub(super) price_exponent: i32,
    pub(super) pool: Pool,
    pub(super) open_interest_coins: f64,
}

/// Which collateral a market shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    Cross,
    Isolated,
}

impl Dydx {
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        let tiers: BTreeMap<String, LiquidityTier> = root
            .named_children("liquidity_tiers")
            .into_iter()
            .filter_map(|(name, section)| Some((name, tier(&section)?)))
            .collect();
        let mut markets = BTreeMap::new();
        for (name, section) in root.named_children("markets") {
            let found = market(&section, &tiers);
            match Asset::new(&name) {
                Ok(asset) => markets.extend(found.map(|market| (asset, market))),
                Err(error) => root.mistake("markets", &error.to_string()),
            }
        }
        Some(Self { markets })
    }
}

fn tier(section: &Section<'_>) -> Option<LiquidityTier> {
    let ppm = |key| share(section, key);
    let (initial_margin, maintenance_fraction) = (ppm("initial_margin_ppm"), ppm("maintenance_fraction_ppm"));
    let cap = |key| section.number_or(key, Bound::NotNegative, 0.0);
    let (lower, upper) = (cap("open_interest_lower_cap_usd"), cap("open_interest_upper_cap_usd"));
    if lower > upper {
        section.mistake("open_interest_lower_cap_usd", "must not be above open_interest_upper_cap_usd");
    }
    let quantums = |usd| exact::units_of(usd, 6).map(QuoteQuantums);
    Some(LiquidityTier {
        initial_margin: initial_margin?,
        maintenance_fraction: maintenance_fraction?,
        open_interest_lower_cap: quantums(lower)?,
        open_interest_upper_cap: quantums(upper)?,
    })
}

fn market(section: &Section<'_>, tiers: &BTreeMap<String, LiquidityTier>) -> Option<Market> {
    let name = section.text("liquidity_tier");
    let tier = tiers.get(&name).cloned();
    if tier.is_none() && !name.is_empty() {
        let known: Vec<&str> = tiers.keys().map(String::as_str).collect();
        let rule = format!("must name a section of [liquidity_tiers] without mistakes: {}", known.join(", "));
        section.mistake("liquidity_tier", &rule);
    }
    let (atomic_resolution, price_exponent) =
        (power(section, "atomic_resolution"), power(section, "price_exponent"));
    let sum = atomic_resolution.zip(price_exponent).map(|(resolution, exponent)| resolution + exponent);
    if sum.is_some_and(|sum| sum != RESOLUTION_AND_EXPONENT) {
        let rule = format!(
            "plus price_exponent must be {RESOLUTION_AND_EXPONENT}, as in every market of the chain: sizes are then as fine as \
             the price asks"
        );
        section.mistake("atomic_resolution", &rule);
    }
    let pool = section.word("pool", &[("cross", Pool::Cross), ("isolated", Pool::Isolated)]);
    let open_interest_coins = section.number_or("open_interest_coins", Bound::NotNegative, 0.0);
    Some(Market {
        tier: tier?,
        atomic_resolution: atomic_resolution?,
        price_exponent: price_exponent?,
        pool: pool?,
        open_interest_coins,
    })
}

fn share(section: &Section<'_>, key: &str) -> Option<Ppm> {
    let ppm = u32::try_from(section.integer(key)).ok().map(Ppm).filter(|ppm| *ppm <= Ppm::ONE);
    if ppm.is_none() {
        section.mistake(key, "must be from 0 to 1000000 parts per million (1000000 is 100 %)");
    }
    ppm
}

/// Of every market of the chain's genesis.
const RESOLUTION_AND_EXPONENT: i32 = -15;

/// A power of ten of the chain. Real ones are between -20 and 0; the bound keeps every scale in range.
fn power(section: &Section<'_>, key: &str) -> Option<i32> {
    let power = i32::try_from(section.integer(key)).ok().filter(|power| (-20..=20).contains(power));
    if power.is_none() {
        section.mistake(key, "must be from -20 to 20");
    }
    power
}
