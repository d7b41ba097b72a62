//! One portfolio on a cube: scenario P&L, worst case, charges, requirement.
//!
//! All figures are in the unit's numeraire (USD, or coins for units that settle in coins). The function is the same for one
//! account and for a million: a portfolio is a sparse row of quantities, and what it found beyond the totals stays in
//! the [`Scratch`] until the next call.
//!
//! Entries are in the order of contracts, so that contracts of one expiry and one strike are adjacent; sums run in that order.

use super::cube::{Class, Cube, Row, Segment};
use super::model::{
    ByAsset, ChargeKind, ChargeRule, DoubtedHoldings, Growth, HedgeTable, Place, QuotePair, Rates,
    ScenarioModel,
};
use super::{at_least, positive_part};
use crate::report::Levels;
use pricing::accumulate::{AccumulateError, Matrix, weighted_sum};
use pricing::kernel;
use std::collections::BTreeMap;

pub use pricing::accumulate::Entry;

/// What a portfolio asks, in the numeraire.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct UnitRisk {
    /// The scenario that decides; none when no scenario loses.
    pub worst: Option<usize>,
    /// Loss there, zero or more.
    pub worst_loss: f64,
    /// Value of the options.
    pub mark_to_market: f64,
    /// What is asked.
    pub requirement: Levels,
}

/// Why a portfolio has no risk figures.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RiskError {
    /// An entry that names no contract of the cube.
    #[error(transparent)]
    Shape(#[from] AccumulateError),
    /// A sum that is no number or infinite: it would drop out of the worst case.
    #[error("{what} is {value}: a quantity or a parameter is out of range")]
    NotFinite {
        /// The scenario, or the requirement.
        what: String,
        /// What it comes to.
        value: f64,
    },
}

/// Working memory, and the details of the last portfolio.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    segment: Vec<f64>,
    pnl: Vec<f64>,
    charges: Vec<Levels>,
    expiries: Vec<ExpiryTally>,
}

impl Scratch {
    /// P&L of the last portfolio by scenario; the forward contingency is the last, if the model has one.
    #[must_use]
    pub fn pnl(&self) -> &[f64] {
        &self.pnl
    }

    /// Charges of the last portfolio, in the order of the rules.
    #[must_use]
    pub fn charges(&self) -> &[Levels] {
        &self.charges
    }
}

/// What one expiry holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ExpiryTally {
    expiry: u32,
    /// Net, coins.
    delta: f64,
    /// Options, coins, unsigned.
    gross_options: f64,
    /// Perpetuals and futures, coins, unsigned.
    gross_futures: f64,
}

impl Cube {
    /// P&L, worst case, charges and requirement of a portfolio.
    ///
    /// # Errors
    /// When an entry names a contract that is not in the cube, or a sum is not finite.
    pub fn risk(
        &self,
        model: &ScenarioModel,
        entries: &[Entry],
        scratch: &mut Scratch,
    ) -> Result<UnitRisk, RiskError> {
        let mark_to_market = self.scenario_pnl(model, entries, scratch)?;
        if let Some((column, value)) = scratch.pnl.iter().enumerate().find(|(_, pnl)| !pnl.is_finite()) {
            let what = format!("the P&L under {}", model.column_name(column));
            return Err(RiskError::NotFinite { what, value: *value });
        }
        self.offset(&mut scratch.pnl);
        self.charge_all(model, entries, scratch);
        let (worst, worst_loss) = worst_of(&scratch.pnl);
        let requirement = self.requirement(model, worst_loss, &scratch.charges);
        for (what, value) in [("initial", requirement.initial), ("maintenance", requirement.maintenance)] {
            if !value.is_finite() {
                return Err(RiskError::NotFinite { what: format!("the {what} requirement"), value });
            }
        }
        Ok(UnitRisk { worst, worst_loss, mark_to_market, requirement })
    }

    /// The requirement that a worst loss and charges make.
    pub(super) fn requirement(&self, model: &ScenarioModel, worst_loss: f64, charges: &[Levels]) -> Levels {
        let sum = |place: Place| {
            let rules = model.charges.iter().zip(charges).filter(|(rule, _)| rule.place == place);
            rules.fold(Levels::default(), |total, (_, charge)| total.plus(*charge))
        };
        let (scaled, added, floor) = (sum(Place::Scaled), sum(Place::Added), sum(Place::Floor));
        let factor = &model.factor;
        let depeg = factor.depeg_factor * positive_part(factor.depeg_threshold - self.stable_usd);
        Levels {
            initial: (factor.initial + depeg) * at_least(worst_loss + scaled.initial, floor.initial)
                + added.initial,
            maintenance: factor.maintenance * at_least(worst_loss + scaled.maintenance, floor.maintenance)
                + added.maintenance,
        }
    }

    fn scenario_pnl(
        &self,
        model: &ScenarioModel,
        entries: &[Entry],
        scratch: &mut Scratch,
    ) -> Result<f64, AccumulateError> {
        let scenarios = model.scenarios.len();
        scratch.pnl.clear();
        scratch.pnl.resize(scenarios, 0.0);
        scratch.segment.resize(self.width, 0.0);
        let mut mark_to_market = 0.0;
        let mut forward_loss = 0.0;
        if self.width > 0 {
            let matrix = Matrix::new(&self.cells, self.width)?;
            let mut rest = entries;
            while let Some(first) = rest.first() {
                let segment = self.row(first).map(|row| row.segment);
                let length =
                    rest.iter().take_while(|e| self.row(e).map(|row| row.segment) == segment).count();
                let (own, others) = rest.split_at(length);
                rest = others;
                weighted_sum(&matrix, own, &mut scratch.segment)?;
                let value: f64 =
                    own.iter().map(|e| e.weight * self.row(e).map_or(0.0, |row| row.value)).sum();
                mark_to_market += value;
                let Some(terms) = segment.and_then(|s| self.segments.get(s as usize)) else { continue };
                forward_loss += terms.forward_loss(&scratch.segment, scenarios, value);
                terms.add(model, &mut scratch.segment, value, &mut scratch.pnl);
            }
        }
        if model.forward_contingency.is_some() {
            scratch.pnl.push(forward_loss);
        }
        Ok(mark_to_market)
    }

    fn row(&self, entry: &Entry) -> Option<&Row> {
        self.rows.get(entry.row as usize)
    }

    fn date(&self, expiry: u32) -> Option<(usize, usize)> {
        self.expiries.get(expiry as usize).map(|state| (state.asset, state.date))
    }

    /// Gains count in part, then far scenarios are dampened.
    fn offset(&self, pnl: &mut [f64]) {
        if let Some(gain) = self.gain {
            for value in pnl.iter_mut().filter(|value| **value > 0.0) {
                *value = lower(*value * gain.part, gain.most);
            }
        }
        for (value, dropped) in pnl.iter_mut().zip(&self.dampener) {
            let magnitude = positive_part(value.abs() - dropped);
            *value = if *value < 0.0 { -magnitude } else { magnitude };
        }
    }

    /// Cuts holdings, in order, to what offsets the delta of the contracts.
    pub(super) fn limit_to_hedge(&self, entries: &mut [Entry]) {
        let is_holding = |entry: &Entry| self.row(entry).is_some_and(|row| row.class == Class::Holding);
        // A holding's delta is what it has in coins; its row says zero, because charges on deltas leave holdings out.
        let delta = |entry: &Entry| {
            let of = |row: &Row| if row.class == Class::Holding { row.coins } else { row.delta };
            entry.weight * self.row(entry).map_or(0.0, of)
        };
        let mut open: f64 = entries.iter().filter(|entry| !is_holding(entry)).map(delta).sum();
        for entry in entries.iter_mut().filter(|entry| is_holding(entry)) {
            let own = delta(entry);
            let used = if own * open < 0.0 { lower(1.0, open.abs() / own.abs()) } else { 0.0 };
            entry.weight *= used;
            open += own * used;
        }
    }

    fn charge_all(&self, model: &ScenarioModel, entries: &[Entry], scratch: &mut Scratch) {
        scratch.charges.clear();
        if model.charges.is_empty() {
            return;
        }
        self.tally(entries, &mut scratch.expiries);
        let portfolio = Portfolio { cube: self, entries, expiries: &scratch.expiries };
        scratch.charges.extend(model.charges.iter().map(|rule| portfolio.charge(rule)));
    }

    fn tally(&self, entries: &[Entry], expiries: &mut Vec<ExpiryTally>) {
        expiries.clear();
        for entry in entries {
            let Some(row) = self.row(entry).filter(|row| row.class != Class::Holding) else { continue };
            if expiries.last().is_none_or(|tally| self.date(tally.expiry) != self.date(row.expiry)) {
                let none =
                    ExpiryTally { expiry: row.expiry, delta: 0.0, gross_options: 0.0, gross_futures: 0.0 };
                expiries.push(none);
            }
            if let Some(tally) = expiries.last_mut() {
                let coins = (entry.weight * row.coins).abs();
                tally.delta += entry.weight * row.delta;
                match row.class {
                    Class::Option(_) => tally.gross_options += coins,
                    Class::Perpetual | Class::Future | Class::Holding => tally.gross_futures += coins,
                }
            }
        }
    }
}

pub(super) fn worst_of(pnl: &[f64]) -> (Option<usize>, f64) {
    let mut worst = (None, 0.0);
    for (scenario, value) in pnl.iter().enumerate() {
        if -value > worst.1 {
            worst = (Some(scenario), -value);
        }
    }
    worst
}

impl Segment {
    /// Discount, rotation and weight of a segment's sums, added to the unit's P&L.
    fn add(&self, model: &ScenarioModel, sums: &mut [f64], value: f64, pnl: &mut [f64]) {
        if let Some(discount) = self.discount {
            for sum in sums.iter_mut() {
                *sum = *sum * if *sum < 0.0 { discount.short } else { discount.long } - value;
            }
        }
        if model.skew.is_some() {
            let skewed = model.scenarios.iter().zip(sums.iter_mut()).filter(|(s, _)| s.vol.is_skew());
            skewed.for_each(|(_, sum)| *sum = -sum.abs());
        }
        for ((total, sum), weight) in pnl.iter_mut().zip(sums.iter()).zip(self.weights.iter()) {
            *total += sum * weight;
        }
    }

    /// The segment's part of the forward contingency, zero or less.
    fn forward_loss(&self, sums: &[f64], scenarios: usize, value: f64) -> f64 {
        let (Some(factor), [up, down]) = (self.forward_factor, sums.get(scenarios..).unwrap_or(&[])) else {
            return 0.0;
        };
        let value = if self.discount.is_some() { value } else { 0.0 };
        let (up, down) = (up - value, down - value);
        let lower = if up < down { up } else { down };
        if lower < 0.0 { lower * factor } else { 0.0 }
    }
}

/// A portfolio as the charges see it.
struct Portfolio<'a> {
    cube: &'a Cube,
    entries: &'a [Entry],
    expiries: &'a [ExpiryTally],
}

impl Portfolio<'_> {
    fn charge(&self, rule: &ChargeRule) -> Levels {
        match &rule.kind {
            ChargeKind::Futures { rate, perpetuals_only } => self.futures(*rate, *perpetuals_only),
            ChargeKind::Holdings(rate) => at_rate(*rate, self.holdings()),
            ChargeKind::NakedOptions(rate) => at_rate(*rate, self.by_strike()),
            ChargeKind::ShortOptions(rate) => at_rate(*rate, self.short_options()),
            ChargeKind::Confidence { threshold, factor, holdings } => {
                let below = Doubt { threshold: *threshold, factor: *factor };
                let contracts = self.doubted_contracts(below);
                Levels { initial: contracts + self.doubted_holdings(below, *holdings), maintenance: 0.0 }
            }
            ChargeKind::ExpiryDelta { per_year, growth, least } => {
                Levels::both(self.over_expiries(|asset, years, tally| {
                    let rate = per_year.get(asset).unwrap_or(0.0);
                    let grown = match growth {
                        Growth::Linear => rate * years,
                        Growth::Exponential => kernel::exp(rate * years) - 1.0,
                    };
                    tally.delta.abs() * at_least(grown, least.get(asset).unwrap_or(0.0))
                }))
            }
            ChargeKind::DeltaShock { threshold_usd, slope_per_coin, most } => {
                Levels::both(self.delta_shock(*threshold_usd, slope_per_coin, *most))
            }
            ChargeKind::CloseOut { rate, bands } => {
                let raw = self.gross_delta(rate);
                let raw_usd = raw * self.cube.numeraire_usd;
                let band = bands.iter().find(|band| raw_usd <= band.up_to_usd).or(bands.last());
                Levels::both(raw * band.map_or(1.0, |band| band.multiplier))
            }
            ChargeKind::CalendarSpread { rate, per_year } => {
                Levels::both(self.calendar_spread(rate, per_year))
            }
            ChargeKind::QuoteHedge { pairs, tables } => Levels::both(self.quote_hedge(pairs, tables)),
        }
    }

    /// Value of one coin in the numeraire: the index in USD, 1 in coins.
    fn coin(&self, asset: usize) -> f64 {
        self.cube.assets.get(asset).map_or(0.0, |asset| asset.index / self.cube.numeraire_usd)
    }

    fn rows(&self) -> impl Iterator<Item = (&Row, f64)> {
        self.entries.iter().filter_map(|entry| Some((self.cube.row(entry)?, entry.weight)))
    }

    fn asset_of(&self, expiry: u32) -> usize {
        self.cube.expiries.get(expiry as usize).map_or(0, |state| state.asset)
    }

    /// Sum over expiries of a figure in coins, as numeraire.
    fn over_expiries(&self, figure: impl Fn(&units::Asset, f64, &ExpiryTally) -> f64) -> f64 {
        let mut total = 0.0;
        for tally in self.expiries {
            let state = self.cube.expiries.get(tally.expiry as usize);
            let Some((state, asset)) = state.and_then(|s| Some((s, self.cube.assets.get(s.asset)?))) else {
                continue;
            };
            total += figure(&asset.asset, positive_part(state.years.get()), tally) * self.coin(state.asset);
        }
        total
    }

    fn futures(&self, rate: Rates, perpetuals_only: bool) -> Levels {
        let mut notional = 0.0;
        for (row, quantity) in self.rows() {
            let counts = match row.class {
                Class::Perpetual => true,
                Class::Future => !perpetuals_only,
                Class::Option(_) | Class::Holding => false,
            };
            if counts {
                notional += (quantity * row.coins).abs() * self.coin(self.asset_of(row.expiry));
            }
        }
        at_rate(rate, notional)
    }

    /// Balances that follow the index, at the index.
    fn holdings(&self) -> f64 {
        let holdings = self.rows().filter(|(row, _)| row.class == Class::Holding);
        holdings
            .map(|(row, quantity)| (quantity * row.coins).abs() * self.coin(self.asset_of(row.expiry)))
            .sum()
    }

    /// Net short coins of each strike, calls and puts pooled, at the index.
    fn by_strike(&self) -> f64 {
        let mut total = 0.0;
        let mut strike: Option<(u32, usize)> = None;
        let mut net = 0.0;
        for (row, quantity) in self.rows() {
            if !matches!(row.class, Class::Option(_)) {
                continue;
            }
            let key = (row.strike_key, self.asset_of(row.expiry));
            if strike != Some(key) {
                total += strike.map_or(0.0, |(_, asset)| positive_part(-net) * self.coin(asset));
                (strike, net) = (Some(key), 0.0);
            }
            net += quantity * row.coins;
        }
        total + strike.map_or(0.0, |(_, asset)| positive_part(-net) * self.coin(asset))
    }

    fn short_options(&self) -> f64 {
        let options = self.rows().filter(|(row, _)| matches!(row.class, Class::Option(_)));
        options
            .map(|(row, quantity)| {
                positive_part(-quantity * row.coins) * self.coin(self.asset_of(row.expiry))
            })
            .sum()
    }

    fn doubted_contracts(&self, below: Doubt) -> f64 {
        let mut total = 0.0;
        for tally in self.expiries {
            let state = self.cube.expiries.get(tally.expiry as usize);
            let Some((state, asset)) = state.and_then(|s| Some((s, self.cube.assets.get(s.asset)?))) else {
                continue;
            };
            let futures = lower(asset.index_confidence, asset.perpetual_confidence);
            let options = lower(futures, state.confidence);
            for (confidence, coins) in [(futures, tally.gross_futures), (options, tally.gross_options)] {
                total += below.charge(confidence, coins * self.coin(state.asset));
            }
        }
        total
    }

    fn doubted_holdings(&self, below: Doubt, holdings: DoubtedHoldings) -> f64 {
        let mut total = 0.0;
        for (row, quantity) in self.rows().filter(|(row, _)| row.class == Class::Holding) {
            let place = self.asset_of(row.expiry);
            let Some(asset) = self.cube.assets.get(place) else { continue };
            total += match holdings {
                DoubtedHoldings::Own => {
                    let value = (quantity * row.price).abs() / self.cube.numeraire_usd;
                    below.charge(lower(row.confidence, asset.index_confidence), value)
                }
                DoubtedHoldings::WithFutures => {
                    let confidence = lower(asset.index_confidence, asset.perpetual_confidence);
                    below.charge(confidence, (quantity * row.coins).abs() * self.coin(place))
                }
            };
        }
        total
    }

    /// Long options may shrink the delta of the rest, never turn it around.
    fn delta_shock(&self, threshold_usd: f64, slope: &ByAsset, most: f64) -> f64 {
        let Some(asset) = self.cube.assets.first() else { return 0.0 };
        let (mut longs, mut rest) = (0.0, 0.0);
        for (row, quantity) in self.rows() {
            match row.class {
                Class::Option(_) if quantity > 0.0 => longs += quantity * row.delta,
                Class::Option(_) | Class::Perpetual | Class::Future => rest += quantity * row.delta,
                Class::Holding => {}
            }
        }
        let both: f64 = longs + rest;
        let delta =
            if rest < 0.0 { -positive_part(-at_least(both, rest)) } else { positive_part(lower(both, rest)) };
        let beyond = positive_part(delta.abs() - threshold_usd / asset.index);
        let rate = lower(beyond * slope.get(&asset.asset).unwrap_or(0.0), most);
        rate * delta.abs() * self.coin(0)
    }

    /// Each contract's delta by itself: closing a hedged position costs both legs.
    fn gross_delta(&self, rate: &ByAsset) -> f64 {
        let derivatives = self.rows().filter(|(row, _)| row.class != Class::Holding);
        derivatives
            .map(|(row, quantity)| {
                let asset = self.asset_of(row.expiry);
                let rate = self.cube.assets.get(asset).and_then(|a| rate.get(&a.asset)).unwrap_or(0.0);
                (quantity * row.delta).abs() * rate * self.coin(asset)
            })
            .sum()
    }

    /// Matches each expiry's delta with what earlier expiries left of the other sign, the nearest first.
    fn calendar_spread(&self, rate: &ByAsset, per_year: &ByAsset) -> f64 {
        let mut total = 0.0;
        let mut open: Vec<(f64, f64)> = Vec::new();
        for (index, asset) in self.cube.assets.iter().enumerate() {
            let rate = rate.get(&asset.asset).unwrap_or(0.0);
            let per_year = per_year.get(&asset.asset).unwrap_or(0.0);
            open.clear();
            for tally in self.expiries.iter().filter(|tally| self.asset_of(tally.expiry) == index) {
                let years = self.cube.expiries.get(tally.expiry as usize).map_or(0.0, |e| e.years.get());
                let mut left = tally.delta;
                while let Some((other_years, other)) = open.last_mut().filter(|(_, o)| *o * left < 0.0) {
                    let matched = lower(left.abs(), other.abs());
                    let apart = positive_part(years - *other_years);
                    total += matched * (rate + per_year * apart) * self.coin(index);
                    *other += if left > 0.0 { matched } else { -matched };
                    left += if left > 0.0 { -matched } else { matched };
                    open.retain(|(_, other)| *other != 0.0);
                }
                if left != 0.0 {
                    open.push((years, left));
                }
            }
        }
        total
    }

    /// Deltas by quote currency, USD, matched pair by pair.
    fn quote_hedge(&self, pairs: &[QuotePair], tables: &[HedgeTable]) -> f64 {
        let usd = self.cube.numeraire_usd;
        let mut by_quote: BTreeMap<&units::Asset, (f64, f64)> = BTreeMap::new();
        for (row, quantity) in self.rows().filter(|(row, _)| row.class != Class::Holding) {
            let Some(state) = self.cube.expiries.get(row.expiry as usize) else { continue };
            let quote = by_quote.entry(&state.quote).or_insert((0.0, state.quote_usd));
            quote.0 += quantity * row.delta * self.coin(state.asset) * usd;
        }
        let mut total = 0.0;
        for pair in pairs {
            let (Some(&(first, first_usd)), Some(&(second, second_usd))) =
                (by_quote.get(&pair.first), by_quote.get(&pair.second))
            else {
                continue;
            };
            if first * second >= 0.0 {
                continue;
            }
            let matched = lower(first.abs(), second.abs());
            let price = lower(first_usd, second_usd);
            let table = tables.iter().find(|table| price >= table.at_least_usd).or(tables.last());
            total += table.map_or(0.0, |table| table.charge_usd(matched));
            for (quote, delta) in [(&pair.first, first), (&pair.second, second)] {
                if let Some(entry) = by_quote.get_mut(quote) {
                    entry.0 -= if delta > 0.0 { matched } else { -matched };
                }
            }
        }
        total / usd
    }
}

/// Below which confidence a size is charged, and how much.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    threshold: f64,
    factor: f64,
}

impl Doubt {
    fn charge(self, confidence: f64, size: f64) -> f64 {
        if confidence < self.threshold { (1.0 - confidence) * self.factor * size } else { 0.0 }
    }
}

fn at_rate(rate: Rates, amount: f64) -> Levels {
    Levels { initial: rate.initial * amount, maintenance: rate.maintenance * amount }
}

fn lower(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}
