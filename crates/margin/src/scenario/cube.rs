//! Contracts x scenarios: each contract of a unit revalued once, for every portfolio that holds it.
//!
//! A row holds, per canonical unit and scenario, the P&L in the unit's numeraire; in models with a static discount, option
//! rows hold the shocked value instead, because the discount is on the sign of an expiry's total. After the scenarios come
//! the two columns of the forward contingency, if the model has one.
//!
//! Prices: an option is D B76(F, K, σ, T) of its expiry, F = fixed + variable part, where only the variable part moves (in the
//! last half hour of a venue that settles on an average, the rest is already known). A coin payoff is value/F.

use super::model::{Numeraire, RelativeVol, ScenarioModel, Skew, SpotMove, Table, VolBand, VolMove, Weight};
use super::revalued::Revalued;
use super::{at_least, positive_part};
use pricing::revalue::{ContractRow, SpotFactors, revalue_row};
use pricing::{Black76, kernel};
use units::{Asset, Discount, Forward, OptionKind, Strike, UnitError, Vol, YearFraction};

/// What a unit's contracts are revalued on.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitMarket {
    /// Underlyings of the unit.
    pub assets: Vec<AssetState>,
    /// Expiries, perpetuals included (at zero time), ascending by asset and time.
    pub expiries: Vec<ExpiryState>,
    /// Contracts, by expiry, futures before options, then by strike and kind.
    pub contracts: Vec<ContractState>,
    /// USD per unit of the settlement currency.
    pub stable_usd: f64,
}

/// One underlying.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetState {
    /// Its name.
    pub asset: Asset,
    /// Index, USD.
    pub index: f64,
    /// How sure the index is, 1 when nothing is known.
    pub index_confidence: f64,
    /// How sure the perpetual's price is.
    pub perpetual_confidence: f64,
}

/// One expiry of one underlying.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpiryState {
    /// Index into the assets.
    pub asset: usize,
    /// Same for states of one asset and date (a date has several when it is quoted in several currencies).
    pub date: usize,
    /// Time to expiry; zero for perpetuals and holdings.
    pub years: YearFraction,
    /// The part of the forward that is already known.
    pub forward_fixed: f64,
    /// The part that still moves.
    pub forward_variable: f64,
    /// Annual rate for static discounts, at least zero.
    pub rate: f64,
    /// Discount of option prices.
    pub discount: Discount,
    /// Least confidence of its own feeds: forward, rate, vols.
    pub confidence: f64,
    /// Currency of its prices.
    pub quote: Asset,
    /// USD per unit of that currency.
    pub quote_usd: f64,
}

/// One contract. Values per canonical unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ContractState {
    /// A future or perpetual: gain since the mark.
    Future {
        /// Index into the expiries.
        expiry: usize,
        /// Mark, USD.
        mark: f64,
        /// What one unit pays.
        payoff: Payoff,
    },
    /// A European option.
    Option {
        /// Index into the expiries.
        expiry: usize,
        /// Strike, USD.
        strike: Strike,
        /// Call or put.
        kind: OptionKind,
        /// Vol as a fraction, zero or more; protocols have no upper bound.
        vol: f64,
        /// What one unit pays.
        payoff: Payoff,
    },
    /// A balance.
    Holding {
        /// Index into the expiries: one at zero time.
        expiry: usize,
        /// Coins of the underlying in one unit: 1 for the coin itself, value over index for what else counts by value. Never
        /// derived from `price`, which may be in a currency that is not at par.
        coins: f64,
        /// Value of one unit, USD (or units of the protocol's cash).
        price: f64,
        /// How sure its price is, 1 when nothing is known.
        confidence: f64,
        /// Whether it offsets the unit's risk.
        follows: Follows,
    },
}

/// Whether a balance's price moves with the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Yes.
    Index,
    /// No: it is only there for charges on balances.
    Nothing,
}

/// What one canonical unit pays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Payoff {
    /// A multiple of the price, in a currency.
    Currency {
        /// Coins of the underlying in one unit.
        coins: f64,
        /// USD (or units of the protocol's cash) per unit of quoted value.
        usd: f64,
    },
    /// The underlying coin: options pay value/F coins; futures are 1 USD of notional.
    Coin,
}

/// Contracts x scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct Cube {
    pub(super) width: usize,
    pub(super) cells: Vec<f64>,
    pub(super) rows: Vec<Row>,
    pub(super) segments: Vec<Segment>,
    pub(super) expiries: Vec<ExpiryState>,
    pub(super) assets: Vec<AssetState>,
    pub(super) stable_usd: f64,
    /// Of each asset, of each scenario, in numeraire: how much of an extended scenario's magnitude is dropped.
    pub(super) dampener: Vec<f64>,
    /// What gains count, in models that cut them.
    pub(super) gain: Option<GainOffset>,
    pub(super) numeraire_usd: f64,
}

/// Part of a gain that counts, and the most of it, in numeraire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GainOffset {
    pub(super) part: f64,
    pub(super) most: f64,
}

/// What a portfolio needs to know of a contract beside its cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) segment: u32,
    pub(super) expiry: u32,
    pub(super) class: Class,
    /// Value of one unit, numeraire; zero for futures.
    pub(super) value: f64,
    /// Of one unit of a balance, USD; zero for contracts.
    pub(super) price: f64,
    /// Coins per unit.
    pub(super) coins: f64,
    /// Delta per unit, coins: premium-adjusted where gains are coins.
    pub(super) delta: f64,
    /// Of a balance's own price.
    pub(super) confidence: f64,
    /// Same for all contracts of one strike and expiry.
    pub(super) strike_key: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Perpetual,
    Future,
    Option(OptionKind),
    Holding,
}

/// Contracts whose sum is discounted, rotated or weighted as one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub(super) discount: Option<SignedDiscount>,
    /// Factor of the forward contingency; none for segments without options.
    pub(super) forward_factor: Option<f64>,
    /// Weight of each scenario.
    pub(super) weights: std::sync::Arc<[f64]>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SignedDiscount {
    pub(super) long: f64,
    pub(super) short: f64,
}

/// Sizes that a cube cannot have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CubeError {
    /// A price, a factor or a forward out of the model's range.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// A spot move below -100 %.
    #[error(transparent)]
    Factor(#[from] pricing::revalue::SpotFactorError),
    /// Shapes that do not fit; our own mistake.
    #[error("internal: {0}; please report it")]
    Internal(#[from] pricing::batch::BatchError),
    /// Published arrays of another shape.
    #[error(
        "risk arrays must be {contracts} lists of {scenarios} numbers, for a model without discounts by expiry"
    )]
    Arrays {
        /// Of the cube.
        contracts: usize,
        /// Of the model.
        scenarios: usize,
    },
    /// A vol law that divides by zero: the protocol refuses it as well.
    #[error("{what} of an expiry in {days} days is {value}: it divides, so it must be greater than zero")]
    Divisor {
        /// Which figure.
        what: &'static str,
        /// Time to expiry, days.
        days: f64,
        /// What it comes to.
        value: f64,
    },
    /// A value that is no number or infinite.
    #[error("contract {contract} has no finite value in {scenario}: a parameter or a price is out of range")]
    NotFinite {
        /// Which.
        contract: usize,
        /// Name of the scenario.
        scenario: String,
    },
    /// An index that names nothing; our own mistake.
    #[error(
        "internal: contract {contract} names an expiry or asset that is not in the unit; please report it"
    )]
    Index {
        /// Which.
        contract: usize,
    },
}

impl Cube {
    /// Revalues every contract under every scenario.
    ///
    /// # Errors
    /// When a shocked price leaves the model's range, a vol law divides by zero, or a value is not finite.
    pub fn build(model: &ScenarioModel, market: &UnitMarket) -> Result<Self, CubeError> {
        Self::build_with(model, market, None)
    }

    /// The same, with rows that were revalued for others under this model: each has the bits of its own revaluation.
    pub(super) fn build_with(
        model: &ScenarioModel,
        market: &UnitMarket,
        known: Option<&Revalued>,
    ) -> Result<Self, CubeError> {
        let width = model.columns();
        let mut cube = Self {
            width,
            cells: vec![0.0; market.contracts.len() * width],
            rows: Vec::with_capacity(market.contracts.len()),
            segments: Vec::new(),
            expiries: market.expiries.clone(),
            assets: market.assets.clone(),
            stable_usd: market.stable_usd,
            dampener: dampener(model, market),
            gain: gain_offset(model, market),
            numeraire_usd: numeraire_usd(model, market),
        };
        let mut shocks: Vec<Option<ExpiryShocks>> = market.expiries.iter().map(|_| None).collect();
        let mut keys = SegmentKeys::new(model, market);
        for (index, contract) in market.contracts.iter().enumerate() {
            let expiry = contract.expiry();
            let (Some(state), Some(shock)) = (market.expiries.get(expiry), shocks.get_mut(expiry)) else {
                return Err(CubeError::Index { contract: index });
            };
            let asset = market.assets.get(state.asset).ok_or(CubeError::Index { contract: index })?;
            let cells = cube.cells.get_mut(index * width..(index + 1) * width).unwrap_or_default();
            let fill = |cells: &mut [f64]| {
                let shock = match shock {
                    Some(known) => known,
                    unknown => unknown.insert(ExpiryShocks::new(model, asset, state)?),
                };
                let unit = Priced { model, asset, state, shock }.fill(contract, cells)?;
                all_finite(model, index, cells)?;
                Ok(unit)
            };
            let unit = match known {
                Some(known) => known.fill((asset, state, contract), cells, fill)?,
                None => fill(cells)?,
            };
            let segment = keys.segment(contract, &mut cube.segments);
            let row = unit.row(contract, state, segment);
            cube.rows.push(Row { strike_key: keys.strike(contract), ..row });
        }
        Ok(cube)
    }

    /// Contracts.
    #[must_use]
    pub fn contracts(&self) -> usize {
        self.rows.len()
    }

    /// The cube with published P&L arrays in place of its own revaluation, one for each contract in order: what clearing
    /// houses send out as risk arrays. As published, a value is already weighted; gains are positive, per canonical unit.
    ///
    /// # Errors
    /// When there is not one array for each contract with one value for each scenario, or the model discounts by expiry and
    /// so needs values instead of P&L.
    pub fn with_risk_arrays(mut self, model: &ScenarioModel, arrays: &[Vec<f64>]) -> Result<Self, CubeError> {
        let scenarios = model.scenarios.len();
        let plain = model.static_discount.is_none() && model.forward_contingency.is_none();
        if !plain || arrays.len() != self.rows.len() || arrays.iter().any(|array| array.len() != scenarios) {
            return Err(CubeError::Arrays { contracts: self.rows.len(), scenarios });
        }
        let rows = self.cells.chunks_mut(self.width.max(1)).zip(&self.rows).zip(arrays);
        for ((cells, row), array) in rows {
            let weights = self.segments.get(row.segment as usize).map(|segment| &segment.weights);
            for (scenario, (cell, published)) in cells.iter_mut().zip(array).enumerate() {
                // A scenario of weight zero counts for nothing, whatever its array says.
                let weight = weights.and_then(|w| w.get(scenario)).copied().filter(|w| *w > 0.0);
                *cell = weight.map_or(0.0, |weight| published / weight);
            }
        }
        let cells = self.cells.chunks(self.width.max(1)).enumerate();
        cells.into_iter().try_for_each(|(contract, cells)| all_finite(model, contract, cells))?;
        Ok(self)
    }
}

/// A value that is no number would lose every comparison and so drop out of the worst case.
fn all_finite(model: &ScenarioModel, contract: usize, cells: &[f64]) -> Result<(), CubeError> {
    match cells.iter().position(|cell| !cell.is_finite()) {
        Some(column) => Err(CubeError::NotFinite { contract, scenario: model.column_name(column) }),
        None => Ok(()),
    }
}

impl ScenarioModel {
    /// Scenarios, plus the two columns of the forward contingency.
    pub(super) fn columns(&self) -> usize {
        self.scenarios.len() + if self.forward_contingency.is_some() { 2 } else { 0 }
    }

    /// Name of a column.
    pub(super) fn column_name(&self, column: usize) -> String {
        let name = self.scenarios.get(column).map(|scenario| scenario.name.as_str());
        name.unwrap_or("the forward contingency").to_owned()
    }

    /// Relative move of an underlying under a scenario.
    pub(super) fn spot_move(&self, spot: SpotMove, asset: &Asset) -> f64 {
        match spot {
            SpotMove::Relative(relative) => relative,
            SpotMove::OfRange(part) => part * self.range_of(asset),
        }
    }

    fn range_of(&self, asset: &Asset) -> f64 {
        // Covered underlyings have a range: the reader checks it, and a grid without multiples of it needs none.
        self.price_range.get(asset).unwrap_or(0.0)
    }
}

impl ContractState {
    pub(super) const fn expiry(&self) -> usize {
        match self {
            Self::Future { expiry, .. } | Self::Option { expiry, .. } | Self::Holding { expiry, .. } => {
                *expiry
            }
        }
    }
}

impl ExpiryState {
    pub(super) fn forward(&self) -> f64 {
        self.forward_fixed + self.forward_variable
    }
}

/// True when P&L is in coins: units that settle in coins, in models that measure in the settlement asset.
fn is_in_coins(model: &ScenarioModel, market: &UnitMarket) -> bool {
    let pays_coins = market.contracts.iter().any(|contract| match contract {
        ContractState::Future { payoff, .. } | ContractState::Option { payoff, .. } => {
            *payoff == Payoff::Coin
        }
        ContractState::Holding { .. } => false,
    });
    model.numeraire == Numeraire::Settlement && pays_coins
}

/// USD per unit of the numeraire: the index where gains are coins.
fn numeraire_usd(model: &ScenarioModel, market: &UnitMarket) -> f64 {
    match market.assets.first() {
        Some(asset) if is_in_coins(model, market) => asset.index,
        _ => 1.0,
    }
}

fn gain_offset(model: &ScenarioModel, market: &UnitMarket) -> Option<GainOffset> {
    let asset = &market.assets.first()?.asset;
    let part = model.offset.gain.get(asset)?;
    let most = model.offset.most_gain_usd.get(asset).unwrap_or(f64::MAX);
    Some(GainOffset { part, most: most / numeraire_usd(model, market) })
}

fn dampener(model: &ScenarioModel, market: &UnitMarket) -> Vec<f64> {
    let Some(asset) = market.assets.first() else { return Vec::new() };
    let Some(usd) = model.offset.dampener_usd.get(&asset.asset) else { return Vec::new() };
    let range = model.range_of(&asset.asset);
    let of = |scenario: &super::model::Scenario| {
        if scenario.table == Table::Standard {
            return 0.0;
        }
        let by = model.spot_move(scenario.spot, &asset.asset);
        let steps = by.abs() / range;
        let beyond = positive_part(steps - 1.0);
        let edge = 1.0 + range * by.signum();
        beyond * usd / (edge * numeraire_usd(model, market))
    };
    model.scenarios.iter().map(of).collect()
}

/// What one expiry's contracts share.
struct ExpiryShocks {
    /// Factor on the index.
    spot: Vec<f64>,
    /// Factor on the forward.
    forward: SpotFactors,
    up: f64,
    down: f64,
    least_up: f64,
    points_up: f64,
    points_down: f64,
    root_years: f64,
}

impl ExpiryShocks {
    fn new(model: &ScenarioModel, asset: &AssetState, expiry: &ExpiryState) -> Result<Self, CubeError> {
        let mut spot: Vec<f64> =
            model.scenarios.iter().map(|s| 1.0 + model.spot_move(s.spot, &asset.asset)).collect();
        if let Some(contingency) = model.forward_contingency {
            spot.extend([1.0 + contingency.up, 1.0 + contingency.down]);
        }
        // A smile scenario turns the smile and leaves the forward, even if the rest of the unit moves with a spot move.
        let skews = model.scenarios.iter().map(|s| s.vol.is_skew()).chain(std::iter::repeat(false));
        let moved = |(f, is_skew): (&f64, bool)| {
            if is_skew {
                1.0
            } else if expiry.forward_fixed == 0.0 {
                *f
            } else {
                (expiry.forward_fixed + expiry.forward_variable * f) / expiry.forward()
            }
        };
        let forward = spot.iter().zip(skews).map(moved).collect();
        let days = expiry.years.days();
        let relative = model.vol_shock.relative;
        let scale = relative.map_or(0.0, |law| law.tenor_scale(days));
        let law = relative.map(|law| (law.range_up * scale, law.range_down * scale));
        let percent = law.or(band(&model.vol_shock.percent, days)).unwrap_or_default();
        let points = band(&model.vol_shock.points, days).unwrap_or_default();
        Ok(Self {
            spot,
            forward: SpotFactors::with_zero(forward)?,
            up: 1.0 + percent.0,
            down: positive_part(1.0 - percent.1),
            least_up: relative.map_or(0.0, |law| law.least_vol_up),
            points_up: points.0,
            points_down: points.1,
            root_years: positive_part(expiry.years.get()).sqrt(),
        })
    }

    fn vol(&self, vol: f64, by: VolMove, skew: impl Fn(VolMove) -> f64) -> f64 {
        match by {
            VolMove::Same => vol,
            VolMove::Up => at_least(vol * self.up, self.least_up),
            VolMove::Down => vol * self.down,
            VolMove::UpPoints => vol + self.points_up,
            VolMove::DownPoints => positive_part(vol - self.points_down),
            VolMove::SkewLinear | VolMove::SkewAbsolute => vol * positive_part(skew(by)),
        }
    }
}

/// Up and down of the band that holds a tenor; beyond the last band, the last.
fn band(bands: &[VolBand], days: f64) -> Option<(f64, f64)> {
    let own = bands.iter().find(|band| days <= band.up_to_days).or(bands.last());
    own.map(|band| (band.up, band.down))
}

impl RelativeVol {
    /// (30/d)^p.
    fn tenor_scale(&self, days: f64) -> f64 {
        let power = if days <= 30.0 { self.short_term_power } else { self.long_term_power };
        kernel::pow(30.0 / at_least(days, self.floor_days), power)
    }
}

impl Skew {
    /// Moneyness over which the smile turns fully.
    fn turn(&self, root_years: f64) -> f64 {
        let width = root_years * self.width * (self.vol_static + root_years * self.vol_per_root_year);
        at_least(width, self.least_width)
    }

    fn multiplier(&self, by: VolMove, log_moneyness: f64, root_years: f64) -> f64 {
        let (k, cap) = match by {
            VolMove::SkewAbsolute => {
                (log_moneyness.abs(), self.absolute_cap + self.absolute_cap_per_root_year * root_years)
            }
            _ => (log_moneyness, self.linear_cap + self.linear_cap_per_root_year * root_years),
        };
        let by = k * cap / self.turn(root_years);
        // Capped on the side that k lies on: with a negative cap the other side stays open, as the protocol has it.
        1.0 + if k >= 0.0 { if by > cap { cap } else { by } } else { at_least(by, -cap) }
    }
}

/// A contract on its expiry.
struct Priced<'a> {
    model: &'a ScenarioModel,
    asset: &'a AssetState,
    state: &'a ExpiryState,
    shock: &'a ExpiryShocks,
}

/// What [`Priced::fill`] learns on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UnitFigures {
    value: f64,
    price: f64,
    coins: f64,
    delta: f64,
    confidence: f64,
}

impl UnitFigures {
    fn row(self, contract: &ContractState, state: &ExpiryState, segment: u32) -> Row {
        let class = match contract {
            ContractState::Future { .. } if state.years == YearFraction::ZERO => Class::Perpetual,
            ContractState::Future { .. } => Class::Future,
            ContractState::Option { kind, .. } => Class::Option(*kind),
            ContractState::Holding { .. } => Class::Holding,
        };
        let Self { value, price, coins, delta, confidence } = self;
        // The number of expiries is far below 2^32.
        let expiry = u32::try_from(contract.expiry()).unwrap_or(u32::MAX);
        Row { segment, expiry, class, value, price, coins, delta, confidence, strike_key: 0 }
    }
}

impl Priced<'_> {
    fn fill(&self, contract: &ContractState, cells: &mut [f64]) -> Result<UnitFigures, CubeError> {
        match contract {
            ContractState::Holding { coins, price, confidence, follows, .. } => {
                if *follows == Follows::Index {
                    for (cell, factor) in cells.iter_mut().zip(&self.shock.spot) {
                        *cell = price * (factor - 1.0);
                    }
                }
                let delta = if *follows == Follows::Index { *coins } else { 0.0 };
                Ok(UnitFigures { value: 0.0, price: *price, coins: *coins, delta, confidence: *confidence })
            }
            ContractState::Future { mark, payoff, .. } => Ok(self.future(*mark, *payoff, cells)),
            ContractState::Option { strike, kind, vol, payoff, .. } => {
                let option = Black76 {
                    forward: Forward::new(self.state.forward())?,
                    strike: *strike,
                    // Only for delta, which no longer moves at the bound.
                    vol: Vol::new(if *vol > 10.0 { 10.0 } else { *vol })?,
                    expiry: self.state.years,
                    discount: self.state.discount,
                    kind: *kind,
                };
                self.option(&option, *vol, *payoff, cells)
            }
        }
    }

    /// What the vol laws divide by is above zero at this expiry.
    fn divides(&self) -> Result<(), CubeError> {
        let days = self.state.years.days();
        let tenor = self.model.vol_shock.relative.map(|law| at_least(days, law.floor_days));
        let skewed = self.model.scenarios.iter().any(|scenario| scenario.vol.is_skew());
        let turn = self.model.skew.as_ref().filter(|_| skewed).map(|law| law.turn(self.shock.root_years));
        for (what, divisor) in [("the time of the vol shock", tenor), ("the width of the smile", turn)] {
            if let Some(value) = divisor.filter(|value| value.is_nan() || *value <= 0.0) {
                return Err(CubeError::Divisor { what, days, value });
            }
        }
        Ok(())
    }

    fn future(&self, mark: f64, payoff: Payoff, cells: &mut [f64]) -> UnitFigures {
        let in_coins = self.model.numeraire == Numeraire::Settlement;
        let moves = cells.iter_mut().zip(&self.shock.spot);
        match payoff {
            Payoff::Currency { coins, usd } => {
                for (cell, factor) in moves {
                    *cell = usd * mark * (factor - 1.0);
                }
                UnitFigures { coins, delta: coins, ..UnitFigures::default() }
            }
            // One USD of notional gains 1/mark - 1/(mark f) coins, each worth index x f.
            Payoff::Coin => {
                let coins = 1.0 / mark;
                for (cell, factor) in moves {
                    let gained = coins * (1.0 - 1.0 / factor);
                    *cell = if in_coins { gained } else { gained * self.asset.index * factor };
                }
                UnitFigures { coins, delta: coins, ..UnitFigures::default() }
            }
        }
    }

    fn option(
        &self,
        option: &Black76,
        vol: f64,
        payoff: Payoff,
        cells: &mut [f64],
    ) -> Result<UnitFigures, CubeError> {
        self.divides()?;
        let quoted = one_value(option, 1.0, vol)?;
        self.revalue(option, vol, cells)?;
        let delta = option.greeks().delta;
        let forward = option.forward.get();
        let in_coins = self.model.numeraire == Numeraire::Settlement;
        // USD or coins per unit of quoted value, at the base and under each scenario.
        let base = match payoff {
            Payoff::Currency { usd, .. } => usd,
            Payoff::Coin if in_coins => 1.0 / forward,
            Payoff::Coin => self.asset.index / forward,
        };
        let value = base * quoted;
        let subtract = if self.model.static_discount.is_some() { 0.0 } else { value };
        for (cell, (spot, forward_factor)) in
            cells.iter_mut().zip(self.shock.spot.iter().zip(self.shock.forward.factors()))
        {
            let per_value = match payoff {
                Payoff::Currency { usd, .. } => usd,
                Payoff::Coin if in_coins => base / forward_factor,
                Payoff::Coin => base * spot / forward_factor,
            };
            *cell = per_value * *cell - subtract;
        }
        let (coins, delta) = match payoff {
            Payoff::Currency { coins, .. } => (coins, coins * delta),
            Payoff::Coin => (1.0, delta - quoted / forward),
        };
        Ok(UnitFigures { value, price: 0.0, coins, delta, confidence: 1.0 })
    }

    /// Discounted values under every column; scenarios in which days pass are valued at their own time.
    fn revalue(&self, option: &Black76, vol: f64, cells: &mut [f64]) -> Result<(), CubeError> {
        let log_moneyness = -kernel::ln(option.forward.get() / option.strike.get());
        let skew = |by: VolMove| {
            let law = self.model.skew.as_ref();
            law.map_or(1.0, |law| law.multiplier(by, log_moneyness, self.shock.root_years))
        };
        let mut vols: Vec<f64> =
            self.model.scenarios.iter().map(|s| self.shock.vol(vol, s.vol, skew)).collect();
        vols.resize(cells.len(), vol);
        revalue_row(&ContractRow::from(option), &self.shock.forward, &vols, cells)?;
        let later = self.model.scenarios.iter().zip(&vols).zip(self.shock.forward.factors()).zip(cells);
        for (((scenario, vol), factor), cell) in later {
            if scenario.days > 0.0 {
                let left = positive_part(option.expiry.get() - scenario.days / YearFraction::DAYS);
                let option = Black76 { expiry: YearFraction::new(left)?, ..*option };
                *cell = one_value(&option, *factor, *vol)?;
            }
        }
        Ok(())
    }
}

/// Discounted value at one factor and vol: the bits of the same cell of a row.
fn one_value(option: &Black76, factor: f64, vol: f64) -> Result<f64, CubeError> {
    let mut value = [0.0];
    revalue_row(&ContractRow::from(option), &SpotFactors::with_zero(vec![factor])?, &[vol], &mut value)?;
    let [value] = value;
    Ok(value)
}

/// Hands out segments and strike keys in the order of the contracts.
struct SegmentKeys<'a> {
    model: &'a ScenarioModel,
    market: &'a UnitMarket,
    weights: Vec<std::sync::Arc<[f64]>>,
    last_segment: Option<(usize, bool)>,
    last_strike: Option<(usize, f64)>,
    strikes: u32,
}

impl<'a> SegmentKeys<'a> {
    fn new(model: &'a ScenarioModel, market: &'a UnitMarket) -> Self {
        let weights = market.assets.iter().map(|asset| weights(model, market, asset).into()).collect();
        Self { model, market, weights, last_segment: None, last_strike: None, strikes: 0 }
    }

    fn segment(&mut self, contract: &ContractState, segments: &mut Vec<Segment>) -> u32 {
        let Some(state) = self.market.expiries.get(contract.expiry()) else { return 0 };
        let is_option = matches!(contract, ContractState::Option { .. });
        let needs_expiries = self.model.static_discount.is_some()
            || self.model.forward_contingency.is_some()
            || self.model.scenarios.iter().any(|s| s.vol.is_skew());
        let key = if needs_expiries { (contract.expiry(), is_option) } else { (state.asset, false) };
        if self.last_segment != Some(key) {
            self.last_segment = Some(key);
            let years = positive_part(state.years.get());
            let discount = self.model.static_discount.filter(|_| is_option).map(|law| law.of(state, years));
            let forward = self.model.forward_contingency.filter(|_| is_option);
            segments.push(Segment {
                discount,
                forward_factor: forward.map(|law| law.add + law.per_year * years),
                weights: self.weights.get(state.asset).cloned().unwrap_or_default(),
            });
        }
        u32::try_from(segments.len()).map_or(0, |count| count.saturating_sub(1))
    }

    fn strike(&mut self, contract: &ContractState) -> u32 {
        if let ContractState::Option { expiry, strike, .. } = contract {
            let key = Some((*expiry, strike.get()));
            if self.last_strike != key {
                self.last_strike = key;
                self.strikes += 1;
            }
        }
        self.strikes
    }
}

fn weights(model: &ScenarioModel, market: &UnitMarket, asset: &AssetState) -> Vec<f64> {
    let range = model.range_of(&asset.asset);
    let coins = is_in_coins(model, market);
    let of = |scenario: &super::model::Scenario| match scenario.weight {
        Weight::Fixed(weight) => weight,
        Weight::EdgeScaled(factor) => {
            let by = model.spot_move(scenario.spot, &asset.asset);
            let edge = if coins { (1.0 + by) / (1.0 + by.signum() * range) } else { 1.0 };
            factor * range / by.abs() * edge
        }
    };
    model.scenarios.iter().map(of).collect()
}

impl super::model::StaticDiscount {
    fn of(&self, state: &ExpiryState, years: f64) -> SignedDiscount {
        if years <= 0.0 {
            // What has expired is owed in full.
            return SignedDiscount { long: 1.0, short: 1.0 };
        }
        let decay = |law: &super::model::DiscountLaw| {
            kernel::exp(-years * (state.rate * law.rate_multiple + law.rate_add))
        };
        let short = self.short.map_or(1.0, |law| {
            let dearer = law.base / decay(&law);
            let undiscounted = 1.0 / state.discount.get();
            if dearer < undiscounted { dearer } else { undiscounted }
        });
        SignedDiscount { long: self.long.base * decay(&self.long), short }
    }
}
