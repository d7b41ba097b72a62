//! Where a change of value came from: the same book on two markets, told by cause, twice.
//!
//! By greeks at the start (*Taylor*), with r the simple return of spot, s the change of the contract's own vol in points, d days, b the
//! change of forward against spot, q the factor on the USD rate of the currency it pays in:
//!
//! | cause | term |
//! |---|---|
//! | time | theta d |
//! | delta, gamma | cash delta r; 50 gamma_1pct r² |
//! | vega, vanna, volga | vega s; 100 vanna r s; volga s²/2 |
//! | carry | settlement-adjusted delta b |
//! | rate | value (q - 1), less delta (q - 1) where the price is quoted in that currency |
//! | residual | the rest |
//!
//! By *steps*: each contract revalued in the order time, spot, vol, carry, rate, each cause on top of the ones before. Nothing is left but
//! rounding, and the split depends on the order; the Taylor terms do not, and leave what greeks do not see. Both add up to the
//! change exactly: every term is quantised once per entry, and the residual is the total less the terms.
//!
//! A future or perpetual is at its mark at the start; its gain until then is a holding of its settlement asset, and moves with that.
//! Funding is cash, not value, and is told beside the change: `-quantity x notional x (last 8-hour rate at the start) x hours/8`,
//! an estimate, and only where a rate was published. Trades: the book at the end less the book at the start, both valued at the end.
//!
//! What one of the two markets cannot price (expired in between, no longer quoted) is listed and in no figure.
//!
//! ```
//! use risk::explain::{Cause, Greeks, Step};
//! // The at-the-money call of reference/mitigation.md, section 6: S 100 to 95, vol 80 to 95 points, one day.
//! let greeks = Greeks { value: 9.129841, delta_cash: 54.5649, gamma_1pct: 1.7280, vega: 0.11362, theta: -0.151498, vanna: 0.00056812, volga: -0.0000186779, delta_settlement: 54.5649 };
//! let step = Step { days: 1.0, spot_return: -0.05, vol_points: 15.0, carry: 0.0, rate_factor: 1.0 };
//! let terms = greeks.terms(&step);
//! assert!((terms[Cause::Delta as usize] + 2.728).abs() < 1e-3);
//! ```

use crate::exposure::{Valuation, gain_of};
use crate::measure::Measure;
use crate::priced::{Form, Priced, QuotedIn};
use book::{Book, Position};
use market::Market;
use std::collections::BTreeMap;
use units::{Account, Asset, Fixed, Symbol, UnitError, Venue, YearFraction, border};

/// A cause by the greeks at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Days passed.
    Time,
    /// Spot, first order.
    Delta,
    /// Spot, second order.
    Gamma,
    /// Vol, first order.
    Vega,
    /// Spot and vol together.
    Vanna,
    /// Vol, second order.
    Volga,
    /// Forward against spot.
    Carry,
    /// USD rate of the paying currency.
    Rate,
}

impl Cause {
    /// In the order of terms.
    pub const ALL: [Self; 8] =
        [Self::Time, Self::Delta, Self::Gamma, Self::Vega, Self::Vanna, Self::Volga, Self::Carry, Self::Rate];

    /// Column name of the figure.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Time => "time_usd",
            Self::Delta => "delta_usd",
            Self::Gamma => "gamma_usd",
            Self::Vega => "vega_usd",
            Self::Vanna => "vanna_usd",
            Self::Volga => "volga_usd",
            Self::Carry => "carry_usd",
            Self::Rate => "rate_usd",
        }
    }
}

/// Column names of the steps of revaluation, in order.
pub const STEPS: [&str; 5] =
    ["step_time_usd", "step_spot_usd", "step_vol_usd", "step_carry_usd", "step_rate_usd"];

/// What the Taylor terms need of one canonical unit, USD: units of [`Measure`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Greeks {
    /// USD.
    pub value: f64,
    /// USD for 100 %.
    pub delta_cash: f64,
    /// USD per 1 %.
    pub gamma_1pct: f64,
    /// Per vol point.
    pub vega: f64,
    /// Per day.
    pub theta: f64,
    /// Per vol point per 1 %.
    pub vanna: f64,
    /// Per vol point squared.
    pub volga: f64,
    /// USD for 100 %.
    pub delta_settlement: f64,
}

/// What happened to one contract.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Calendar days.
    pub days: f64,
    /// Simple return of the price in the currency of the quote, at constant carry.
    pub spot_return: f64,
    /// Change of its vol.
    pub vol_points: f64,
    /// Relative change of forward against spot.
    pub carry: f64,
    /// Factor on the USD rate of what it pays in.
    pub rate_factor: f64,
}

impl Greeks {
    fn of(priced: &Priced) -> Self {
        let unit = priced.unit_usd();
        let at = |measure: Measure| unit.get(measure.index()).copied().unwrap_or(0.0);
        Self {
            value: at(Measure::Value),
            delta_cash: at(Measure::Delta),
            gamma_1pct: at(Measure::Gamma),
            vega: at(Measure::Vega),
            theta: at(Measure::Theta),
            vanna: at(Measure::Vanna),
            volga: at(Measure::Volga),
            delta_settlement: at(Measure::DeltaSettlement),
        }
    }

    /// Terms in the order of [`Cause::ALL`], without the part of a currency's rate that moves a price quoted in it: that is in the
    /// return.
    #[must_use]
    pub fn terms(&self, step: &Step) -> [f64; 8] {
        let (r, s) = (step.spot_return, step.vol_points);
        [
            self.theta * step.days,
            self.delta_cash * r,
            50.0 * self.gamma_1pct * (r * r),
            self.vega * s,
            100.0 * self.vanna * (r * s),
            0.5 * self.volga * (s * s),
            self.delta_settlement * step.carry,
            self.value * (step.rate_factor - 1.0),
        ]
    }
}

/// One entry explained, USD per canonical unit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Unit {
    total: f64,
    terms: [f64; 8],
    steps: [f64; 5],
}

/// USD rate of the paying currency at the end over the start.
fn rate_factor(before: &Priced, after: &Priced) -> f64 {
    match (&before.form, &before.rate_asset) {
        (_, None) => 1.0,
        (Form::Future { slope_usd, .. }, Some(_)) if before.usd_per_value == 0.0 || *slope_usd == 0.0 => 1.0,
        (_, Some(_)) => after.usd_per_value / before.usd_per_value,
    }
}

fn unit(before: &Priced, after: &Priced, days: f64) -> Unit {
    let spot = after.spot_usd / before.spot_usd;
    let rate = rate_factor(before, after);
    match (&before.form, &after.form) {
        (Form::Option(start), Form::Option(end)) => {
            let own_rate = if before.quoted_in == QuotedIn::PayingCurrency { rate } else { 1.0 };
            option(before, after, days, (spot, rate, own_rate), (start, end))
        }
        (Form::Future { slope_usd: start, .. }, Form::Future { slope_usd: end, .. }) => {
            future(before, (*start, *end), (spot, rate))
        }
        _ => asset(before, after, (spot, rate)),
    }
}

fn asset(before: &Priced, after: &Priced, (spot, rate): (f64, f64)) -> Unit {
    let total = after.usd_per_value - before.usd_per_value;
    let is_currency = before.rate_asset.is_some() || before.underlying == Asset::usd();
    let step = Step {
        days: 0.0,
        spot_return: if is_currency { 0.0 } else { spot - 1.0 },
        vol_points: 0.0,
        carry: 0.0,
        rate_factor: if is_currency { rate } else { 1.0 },
    };
    let steps = if is_currency { [0.0, 0.0, 0.0, 0.0, total] } else { [0.0, total, 0.0, 0.0, 0.0] };
    Unit { total, terms: Greeks::of(before).terms(&step), steps }
}

/// The gain since the start's mark: `S1/F0 - S1/F1` inverse, `r1 (F1 - F0)` linear, from the slopes S/F and r F.
fn future(before: &Priced, (start, end): (f64, f64), (spot, rate): (f64, f64)) -> Unit {
    let (total, by_spot, by_carry, carry) = if before.settles_in_underlying {
        let basis = start / end;
        (spot * start - end, start * (spot - 1.0), start - end, basis - 1.0)
    } else {
        // Spot in the currency of the quote: a falling currency makes the coin dearer in it.
        let quoted = match before.quoted_in {
            QuotedIn::PayingCurrency => (spot, end),
            QuotedIn::Usd => (spot, end / rate),
        };
        let by_spot = start * (quoted.0 - 1.0);
        (end - rate * start, by_spot, quoted.1 - start * quoted.0, quoted.1 / (start * quoted.0) - 1.0)
    };
    let step = Step { days: 0.0, spot_return: spot - 1.0, vol_points: 0.0, carry, rate_factor: 1.0 };
    let mut terms = Greeks::of(before).terms(&step);
    let by_rate = total - by_spot - by_carry;
    // A gain that is paid in a currency: what its rate does to it has no greek at the mark but the one on the quoted price.
    if !before.settles_in_underlying
        && before.quoted_in == QuotedIn::PayingCurrency
        && let Some(term) = terms.last_mut()
    {
        *term = -start * (rate - 1.0);
    }
    Unit { total, terms, steps: [0.0, by_spot, 0.0, by_carry, by_rate] }
}

fn option(
    before: &Priced,
    after: &Priced,
    days: f64,
    (spot, rate, own_rate): (f64, f64, f64),
    (start, end): (&pricing::Black76, &pricing::Black76),
) -> Unit {
    let (f0, f1) = (start.forward.get(), end.forward.get());
    let price = |forward: f64, vol, expiry| {
        units::Forward::new(forward)
            .map_or(f64::NAN, |forward| pricing::Black76 { forward, vol, expiry, ..*start }.price())
    };
    let (c0, c1) = (before.usd_per_value, after.usd_per_value);
    // The end's forward as it would be had the currency stood still.
    let carried = f1 * own_rate;
    let c_carried = if before.settles_in_underlying { c1 } else { c0 };
    let values = [
        c0 * price(f0, start.vol, start.expiry),
        c0 * price(f0, start.vol, end.expiry),
        c0 * price(f0 * spot, start.vol, end.expiry),
        c0 * price(f0 * spot, end.vol, end.expiry),
        c_carried * price(carried, end.vol, end.expiry),
        c1 * price(f1, end.vol, end.expiry),
    ];
    let mut steps = [0.0; 5];
    for (slot, pair) in steps.iter_mut().zip(values.windows(2)) {
        *slot = pair.get(1).zip(pair.first()).map_or(f64::NAN, |(b, a)| b - a);
    }
    let greeks = Greeks::of(before);
    let step = Step {
        days,
        spot_return: spot - 1.0,
        vol_points: (end.vol.get() - start.vol.get()) * 100.0,
        carry: carried / (f0 * spot) - 1.0,
        rate_factor: rate,
    };
    let mut terms = greeks.terms(&step);
    if let Some(term) = terms.last_mut() {
        *term -= greeks.delta_cash * (own_rate - 1.0);
    }
    let [first, .., last] = values;
    Unit { total: last - first, terms, steps }
}

/// Exact sums over entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Explained {
    /// Change of value, without funding and trades.
    pub change_usd: Fixed,
    /// By cause, in the order of [`Cause::ALL`].
    pub terms_usd: [Fixed; 8],
    /// The change less the terms.
    pub residual_usd: Fixed,
    /// By step, in the order of [`STEPS`].
    pub steps_usd: [Fixed; 5],
    /// The change less the steps: rounding.
    pub rounding_usd: Fixed,
}

impl Explained {
    fn add(&mut self, unit: &Unit, quantity: f64) -> Result<(), UnitError> {
        let change = border::publish(quantity, unit.total)?;
        self.change_usd += change;
        let (mut residual, mut rounding) = (change, change);
        for (sum, term) in self.terms_usd.iter_mut().zip(unit.terms) {
            let term = border::publish(quantity, term)?;
            *sum += term;
            residual = residual - term;
        }
        for (sum, step) in self.steps_usd.iter_mut().zip(unit.steps) {
            let step = border::publish(quantity, step)?;
            *sum += step;
            rounding = rounding - step;
        }
        self.residual_usd += residual;
        self.rounding_usd += rounding;
        Ok(())
    }

    /// True when the greeks leave more than a tenth of the change unexplained.
    #[must_use]
    pub fn is_poor(&self) -> bool {
        self.residual_usd.abs().to_f64() > 0.1 * self.change_usd.abs().to_f64()
    }
}

/// A position or balance that one of the markets cannot price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexplained {
    /// Book file.
    pub file: String,
    /// Row of data in it.
    pub row: u64,
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// Instrument or asset.
    pub symbol: Symbol,
    /// `start` or `end`.
    pub market: &'static str,
    /// What is missing.
    pub reason: String,
}

/// A change of value told by cause.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// Calendar days between the markets.
    pub days: f64,
    /// By underlying.
    pub by_underlying: BTreeMap<Asset, Explained>,
    /// Of everything that both markets price.
    pub total: Explained,
    /// Funding estimated, of perpetuals with a rate; none without any.
    pub funding_usd: Option<Fixed>,
    /// Perpetuals whose funding is not known.
    pub funding_unknown: usize,
    /// What is in no figure.
    pub unexplained: Vec<Unexplained>,
}

/// Funding rates of the last eight hours at the start, by venue and symbol.
pub type FundingRates = BTreeMap<(Venue, Symbol), f64>;

/// One side: a market, and the book valued on it.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The market.
    pub market: &'a Market,
    /// The book of the start valued on it.
    pub valuation: &'a Valuation,
}

impl Explanation {
    /// Explains what a book gained from one market to a later one.
    ///
    /// # Errors
    /// When a figure cannot be published, or the markets lie over 100 years apart.
    pub fn new(
        book: &Book,
        start: Side<'_>,
        end: Side<'_>,
        funding: &FundingRates,
    ) -> Result<Self, UnitError> {
        let days = start.market.asof.years_until(end.market.asof)?.get() * YearFraction::DAYS;
        let mut told = Self { days, ..Self::default() };
        for position in &book.positions {
            told.position(position, (start, end), funding)?;
        }
        for balance in &book.balances {
            let symbol = Symbol::from(&balance.money.asset);
            let origin = (balance.origin.file.to_string(), balance.origin.row);
            let place = (&balance.account, &balance.venue, &symbol);
            let amount = border::to_model(balance.money.amount)?;
            told.holding(&balance.money.asset, amount, (start, end), (origin, place))?;
        }
        Ok(told)
    }

    fn position(
        &mut self,
        position: &Position,
        (start, end): (Side<'_>, Side<'_>),
        funding: &FundingRates,
    ) -> Result<(), UnitError> {
        let contract = &position.listing.contract;
        let place = (&position.account, &position.venue, &position.listing.symbol);
        let origin = (position.origin.file.to_string(), position.origin.row);
        let sides = (start.valuation.board.contract(contract), end.valuation.board.contract(contract));
        let (before, after, gain) = match (sides, gain_of(position, start.market)) {
            ((Ok(before), Ok(after)), Ok(gain)) => (before, after, gain),
            ((Err(missing), _), _) => {
                self.unexplained(origin, place, ("start", missing.to_string()));
                return Ok(());
            }
            ((_, Err(missing)), _) => {
                self.unexplained(origin, place, ("end", missing.to_string()));
                return Ok(());
            }
            (_, Err(reason)) => {
                self.unexplained(origin, place, ("start", reason));
                return Ok(());
            }
        };
        let quantity = border::to_model(position.canonical_quantity)?;
        self.entry(before, after, quantity)?;
        if matches!(before.form, Form::Future { .. }) && contract.expiry().is_none() {
            let rate = funding.get(&(position.venue.clone(), position.listing.symbol.clone()));
            self.fund(before, quantity, rate.copied())?;
        }
        match gain {
            Some((asset, gain)) => self.holding(asset, gain.to_f64(), (start, end), (origin, place)),
            None => Ok(()),
        }
    }

    /// A balance, or a gain held in its settlement asset.
    fn holding(
        &mut self,
        asset: &Asset,
        amount: f64,
        (start, end): (Side<'_>, Side<'_>),
        (origin, place): ((String, u64), (&Account, &Venue, &Symbol)),
    ) -> Result<(), UnitError> {
        match (start.valuation.board.asset(asset), end.valuation.board.asset(asset)) {
            (Ok(before), Ok(after)) => self.entry(before, after, amount)?,
            (Err(missing), _) => self.unexplained(origin, place, ("start", missing.to_string())),
            (_, Err(missing)) => self.unexplained(origin, place, ("end", missing.to_string())),
        }
        Ok(())
    }

    fn entry(&mut self, before: &Priced, after: &Priced, quantity: f64) -> Result<(), UnitError> {
        let unit = unit(before, after, self.days);
        self.total.add(&unit, quantity)?;
        self.by_underlying.entry(before.underlying.clone()).or_default().add(&unit, quantity)
    }

    fn fund(&mut self, priced: &Priced, quantity: f64, rate: Option<f64>) -> Result<(), UnitError> {
        let (Form::Future { slope_usd, .. }, Some(rate)) = (&priced.form, rate) else {
            self.funding_unknown += 1;
            return Ok(());
        };
        let paid = border::publish(quantity, -slope_usd * rate * self.days * 3.0)?;
        self.funding_usd = Some(self.funding_usd.unwrap_or_default() + paid);
        Ok(())
    }

    fn unexplained(
        &mut self,
        (file, row): (String, u64),
        (account, venue, symbol): (&Account, &Venue, &Symbol),
        (market, reason): (&'static str, String),
    ) {
        self.unexplained.push(Unexplained {
            file,
            row,
            account: account.clone(),
            venue: venue.clone(),
            symbol: symbol.clone(),
            market,
            reason,
        });
    }
}
