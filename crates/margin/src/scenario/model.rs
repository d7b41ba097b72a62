//! Parameters of the scenario engine. Rates and moves are fractions, times in days or years as named.

use std::collections::BTreeMap;
use units::Asset;

/// All parameters of one scenario rulebook.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioModel {
    /// Underlyings that it covers; empty covers any.
    pub underlyings: Vec<Asset>,
    /// What nets with what.
    pub unit_by: UnitBy,
    /// How units add up to the account.
    pub combine: Combine,
    /// In what P&L is measured.
    pub numeraire: Numeraire,
    /// The grid.
    pub scenarios: Vec<Scenario>,
    /// Width of the grid: scenarios with a move of the range scale with it.
    pub price_range: ByAsset,
    /// Shock law of vols.
    pub vol_shock: VolShock,
    /// Smile scenarios, if the grid has any.
    pub skew: Option<Skew>,
    /// Discount of shocked option values by expiry.
    pub static_discount: Option<StaticDiscount>,
    /// Forward moves by expiry without netting across expiries, a scenario of its own.
    pub forward_contingency: Option<ForwardContingency>,
    /// What becomes of gains and far losses after netting.
    pub offset: Offset,
    /// Contingencies, in the order of the file.
    pub charges: Vec<ChargeRule>,
    /// Factors on the worst case.
    pub factor: Factors,
    /// Balances.
    pub collateral: CollateralRule,
    /// Rates on what an account owes in an asset; none where debts only lower the equity.
    pub borrow: Option<Rates>,
}

/// What nets with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitBy {
    /// All contracts on one underlying.
    Underlying,
    /// Contracts on one underlying that settle in one asset.
    Settlement,
}

/// How units add up to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// Requirements add up; one pool of collateral stands for all.
    Sum,
    /// P&L adds up scenario by scenario before the worst is taken.
    Joint,
    /// Each settlement currency has a wallet of its own, whose surplus does not help another.
    Segregated,
}

/// In what P&L is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numeraire {
    /// USD.
    Usd,
    /// The settlement asset at the shocked price: coins for inverse contracts.
    Settlement,
}

/// One number by underlying.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ByAsset {
    /// For underlyings that are not named.
    pub default: Option<f64>,
    /// For those that are.
    pub of: BTreeMap<Asset, f64>,
}

impl ByAsset {
    /// The same for all.
    #[must_use]
    pub const fn all(value: f64) -> Self {
        Self { default: Some(value), of: BTreeMap::new() }
    }

    /// The number of an underlying, if the file gives one.
    #[must_use]
    pub fn get(&self, asset: &Asset) -> Option<f64> {
        self.of.get(asset).copied().or(self.default)
    }
}

/// One joint move.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Short name, as reports show it.
    pub name: String,
    /// Of the price.
    pub spot: SpotMove,
    /// Of the vols.
    pub vol: VolMove,
    /// Days that pass.
    pub days: f64,
    /// What its P&L counts.
    pub weight: Weight,
    /// Group for offsets and damping.
    pub table: Table,
}

/// Move of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpotMove {
    /// Relative, the same for every underlying: -0.18.
    Relative(f64),
    /// In multiples of the underlying's price range: -0.75.
    OfRange(f64),
}

/// Move of the vols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolMove {
    /// None.
    Same,
    /// Up by the relative law.
    Up,
    /// Down by the relative law.
    Down,
    /// Up by points.
    UpPoints,
    /// Down by points.
    DownPoints,
    /// Rotation: vol up on one side of the smile and down on the other; each expiry's P&L counts as a loss.
    SkewLinear,
    /// Wings up or down together; each expiry's P&L counts as a loss.
    SkewAbsolute,
}

impl VolMove {
    /// True for smile scenarios.
    #[must_use]
    pub const fn is_skew(self) -> bool {
        matches!(self, Self::SkewLinear | Self::SkewAbsolute)
    }
}

/// What a scenario's P&L counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weight {
    /// A fixed part.
    Fixed(f64),
    /// factor x range / |move|, and for coins (1 + move)/(1 + sign x range): a far loss counts as if the edge of the grid had
    /// been reached at the same pace.
    EdgeScaled(f64),
}

/// Group of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The grid.
    Standard,
    /// Beyond the grid.
    Extended,
}

/// Shock law of vols, by days to expiry d. The relative law is a formula or bands, not both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VolShock {
    /// vol x (1 + range_up x (30/d)^p), at least `least_vol_up`; vol x max(0, 1 - range_down x (30/d)^p).
    pub relative: Option<RelativeVol>,
    /// Bands of the relative law: vol x (1 + up), vol x max(0, 1 - down).
    pub percent: Vec<VolBand>,
    /// Bands of points: vol + up, max(0, vol - down).
    pub points: Vec<VolBand>,
}

/// The relative law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelativeVol {
    /// Up at 30 days.
    pub range_up: f64,
    /// Down at 30 days.
    pub range_down: f64,
    /// p up to 30 days.
    pub short_term_power: f64,
    /// p beyond.
    pub long_term_power: f64,
    /// d is at least this.
    pub floor_days: f64,
    /// A vol shocked up is at least this.
    pub least_vol_up: f64,
}

/// Shock for one band of tenors; the last band also holds beyond its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolBand {
    /// Up to and including this many days.
    pub up_to_days: f64,
    /// Up, as a fraction: 0.30 is 30 points, or 30 % of the vol.
    pub up: f64,
    /// Down.
    pub down: f64,
}

/// Smile scenarios: multiplier 1 + clamp(k cap/k*, -cap, cap) with k = ln(K/F) (or its magnitude),
/// cap = cap_base + cap_per_root_year √T, k* = max(least_width, √T width (static_vol + vol_per_root_year √T)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skew {
    /// Cap of the rotation at T = 0.
    pub linear_cap: f64,
    /// Its change by √T.
    pub linear_cap_per_root_year: f64,
    /// Cap of the wings at T = 0.
    pub absolute_cap: f64,
    /// Its change by √T.
    pub absolute_cap_per_root_year: f64,
    /// Least k*.
    pub least_width: f64,
    /// Multiple of the standard deviation.
    pub width: f64,
    /// Vol of that deviation at T = 0.
    pub vol_static: f64,
    /// Its change by √T.
    pub vol_per_root_year: f64,
}

/// Discount of an expiry's shocked option value: longs are worth less, shorts cost more, never more than undiscounted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StaticDiscount {
    /// base x exp(-T (rate multiple + add)) on values above zero.
    pub long: DiscountLaw,
    /// min(1/D, base / exp(-T (rate multiple + add))) on values below zero; none leaves them.
    pub short: Option<DiscountLaw>,
}

/// One side of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiscountLaw {
    /// At T = 0.
    pub base: f64,
    /// Multiple of the rate.
    pub rate_multiple: f64,
    /// Added to the rate.
    pub rate_add: f64,
}

/// Sum over expiries of min(P&L up, P&L down, 0) x (add + per_year T), without static discount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardContingency {
    /// Relative move up.
    pub up: f64,
    /// Relative move down, negative.
    pub down: f64,
    /// At T = 0.
    pub add: f64,
    /// By year.
    pub per_year: f64,
}

/// What becomes of a unit's P&L after netting: first gains, then far scenarios.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Offset {
    /// Part of a gain that counts after netting; assets without a number count gains in full.
    pub gain: ByAsset,
    /// The most that counts, USD; without a number there is no limit.
    pub most_gain_usd: ByAsset,
    /// Extended scenarios lose (max(|move|/range, 1) - 1) x this / ((1 + sign range) x index) of their magnitude, in coins.
    pub dampener_usd: ByAsset,
}

/// A contingency.
#[derive(Debug, Clone, PartialEq)]
pub struct ChargeRule {
    /// As reports show it.
    pub name: String,
    /// Inside the factor, beside it, or as a floor.
    pub place: Place,
    /// What it charges.
    pub kind: ChargeKind,
}

/// Where a charge stands in the requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Added to the worst case before the factors.
    Scaled,
    /// Added after the factors.
    Added,
    /// The worst case with scaled charges is at least this.
    Floor,
}

/// What a charge charges. Rates are on the index value of coins.
#[derive(Debug, Clone, PartialEq)]
pub enum ChargeKind {
    /// Rate on each future's and perpetual's size.
    Futures {
        /// At each level.
        rate: Rates,
        /// Only perpetuals.
        perpetuals_only: bool,
    },
    /// Rate on balances that are part of the unit.
    Holdings(Rates),
    /// Rate on short options that no long option of the strike offsets (calls and puts of one strike offset each other).
    NakedOptions(Rates),
    /// Rate on net short options of each strike and kind.
    ShortOptions(Rates),
    /// (1 - confidence) x factor on sizes whose price feeds are below the threshold; initial only.
    Confidence {
        /// Below it.
        threshold: f64,
        /// Multiple.
        factor: f64,
        /// What of balances.
        holdings: DoubtedHoldings,
    },
    /// |net delta| of each expiry x max(f(T), least); perpetuals have T = 0.
    ExpiryDelta {
        /// a in f.
        per_year: ByAsset,
        /// f(T) = a T or exp(a T) - 1.
        growth: Growth,
        /// Least move.
        least: ByAsset,
    },
    /// |delta| x min(max(|delta| - threshold/index, 0) x slope, most): cost of closing a large position.
    DeltaShock {
        /// USD.
        threshold_usd: f64,
        /// Per coin beyond the threshold.
        slope_per_coin: ByAsset,
        /// Largest part of delta.
        most: f64,
    },
    /// Rate x |delta| of each contract, times the multiplier of the band that the raw charge falls in: least cost of closing.
    CloseOut {
        /// Rate on delta.
        rate: ByAsset,
        /// Bands ascending: up to so many USD of raw charge, this multiplier.
        bands: Vec<Band>,
    },
    /// (rate + per_year x years between them) on deltas that offset each other between expiries, nearest expiries first.
    CalendarSpread {
        /// Rate on the offset delta.
        rate: ByAsset,
        /// Its growth with the time between the two expiries.
        per_year: ByAsset,
    },
    /// Deltas that offset each other between quote currencies hedge only while these are worth the same: pairs are matched in
    /// order, what is matched is charged by bands of its USD size.
    QuoteHedge {
        /// Quote currencies, in the order of matching.
        pairs: Vec<QuotePair>,
        /// By the lower price of the pair, falling; the last has no lower bound.
        tables: Vec<HedgeTable>,
    },
}

/// How a charge on doubted feeds sees balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DoubtedHoldings {
    /// By value, at the least confidence of their own price and the index.
    #[default]
    Own,
    /// Their coins are pooled with the perpetuals: at the index, at the least confidence of index and perpetual.
    WithFutures,
}

/// Two quote currencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotePair {
    /// One.
    pub first: Asset,
    /// The other.
    pub second: Asset,
}

/// Rates on a matched size while both currencies are worth at least so much.
#[derive(Debug, Clone, PartialEq)]
pub struct HedgeTable {
    /// USD; zero in the last table.
    pub at_least_usd: f64,
    /// Ascending; each rate is on the part of the size inside its tier.
    pub tiers: Vec<HedgeTier>,
}

/// One tier of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedgeTier {
    /// Up to and including this size.
    pub up_to_usd: f64,
    /// On the part inside.
    pub rate: f64,
}

impl HedgeTable {
    /// Charge on a matched size, USD.
    #[must_use]
    pub fn charge_usd(&self, hedged_usd: f64) -> f64 {
        let mut from = 0.0;
        let mut total = 0.0;
        for tier in &self.tiers {
            let to = if hedged_usd < tier.up_to_usd { hedged_usd } else { tier.up_to_usd };
            if to > from {
                total += (to - from) * tier.rate;
                from = to;
            }
        }
        total
    }
}

/// A rate at each level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Initial.
    pub initial: f64,
    /// Maintenance.
    pub maintenance: f64,
}

/// How a move grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// a T.
    Linear,
    /// exp(a T) - 1.
    Exponential,
}

/// One band of a stepped charge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Up to and including this raw charge, USD.
    pub up_to_usd: f64,
    /// Multiplier on it.
    pub multiplier: f64,
}

/// Factors on the worst case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// Initial.
    pub initial: f64,
    /// Maintenance.
    pub maintenance: f64,
    /// The initial factor grows by `depeg_factor` x (threshold - price) when the settlement currency falls below.
    pub depeg_threshold: f64,
    /// See there.
    pub depeg_factor: f64,
}

/// How balances count.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CollateralRule {
    /// Counted one to one at face value, whatever their USD rate: the protocol's own cash.
    pub cash: Vec<Asset>,
    /// Haircuts by asset; assets that are not named do not count.
    pub haircut: BTreeMap<Asset, Haircut>,
}

/// How one asset counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Haircut {
    /// For the initial requirement.
    pub initial: f64,
    /// For maintenance.
    pub maintenance: f64,
    /// What of it moves with the scenarios of its unit.
    pub in_scenarios: InScenarios,
}

/// What part of a balance moves with the scenarios of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InScenarios {
    /// Nothing: it is collateral only.
    #[default]
    Nothing,
    /// All of it: it can offset a short, and its own fall is charged.
    Whole,
    /// As much as offsets the delta of the unit's contracts ("spot in use"); the rest is collateral only.
    Hedging,
}
