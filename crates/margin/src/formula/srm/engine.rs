//! The protocol's arithmetic: markets in, every part of the net margin out.
//!
//! Signs are the protocol's: what an account is asked for is negative, what it contributes is positive. Sizes are signed coins,
//! prices USD, confidences fractions from 0 to 1. Figures are in units of cash, which the protocol takes for USD. All
//! functions are total: the types of `units` keep prices and vols in range.

use crate::report::Levels;
use crate::scenario::model::Rates;
use pricing::Black76;
use units::{Forward, OptionKind, Spot, Strike, Vol, YearFraction};

/// Rules for options of one underlying: fractions of the spot unless they say otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionRules {
    /// Initial, at the money.
    pub initial_most: f64,
    /// Initial, far out of the money.
    pub initial_least: f64,
    /// Maintenance of a call.
    pub maintenance_call: f64,
    /// Maintenance of a put.
    pub maintenance_put: f64,
    /// Maintenance of a put as a fraction of its value, where that is more.
    pub maintenance_put_mark: f64,
    /// A put's initial margin is at least so many times its maintenance margin, value included.
    pub put_initial_of_maintenance: f64,
    /// Calls that no long call covers, in forwards each.
    pub unpaired_calls: Rates,
}

/// Rules for one collateral asset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaseRules {
    /// Part of the value that counts at maintenance.
    pub factor: f64,
    /// Further factor at initial.
    pub initial_scale: f64,
}

/// What unsure feeds cost, at initial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OracleRules {
    /// Perpetuals: below this confidence of spot or perpetual price.
    pub perpetual_threshold: f64,
    /// Options: below this confidence of spot, forward or vols of the expiry.
    pub option_threshold: f64,
    /// Collateral: below this confidence of the spot.
    pub base_threshold: f64,
    /// Factor on (1 - confidence) x value.
    pub factor: f64,
}

/// What a depeg of the cash costs, at initial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depeg {
    /// Below this price, USD.
    pub threshold: f64,
    /// Factor on the shortfall x value.
    pub factor: f64,
}

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub struct SrmAccount {
    /// Cash; negative is a debt.
    pub cash: f64,
    /// USD per unit of cash.
    pub stable: Spot,
    /// In the order of their figures.
    pub markets: Vec<SrmMarket>,
}

/// One market: what an account holds on one underlying.
#[derive(Debug, Clone, PartialEq)]
pub struct SrmMarket {
    /// Spot of the underlying.
    pub spot: Spot,
    /// How sure it is.
    pub spot_confidence: f64,
    /// Rules for unsure feeds.
    pub oracle: OracleRules,
    /// Options by expiry.
    pub expiries: Vec<SrmExpiry>,
    /// Perpetuals, one per contract.
    pub perpetuals: Vec<SrmPerpetual>,
    /// Collateral, one per asset.
    pub bases: Vec<SrmBase>,
}

/// Options of one expiry.
#[derive(Debug, Clone, PartialEq)]
pub struct SrmExpiry {
    /// Price that is expected to settle: the forward, or partly the average so far.
    pub forward: Forward,
    /// Time to expiry.
    pub years: YearFraction,
    /// Least confidence of its forward and vols.
    pub confidence: f64,
    /// Rules.
    pub rules: OptionRules,
    /// One per contract.
    pub options: Vec<SrmOption>,
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SrmOption {
    /// Strike.
    pub strike: Strike,
    /// Call or put.
    pub kind: OptionKind,
    /// Signed size.
    pub size_coin: f64,
    /// Vol.
    pub vol: Vol,
}

/// One perpetual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SrmPerpetual {
    /// Signed size.
    pub size_coin: f64,
    /// Its price.
    pub price: Forward,
    /// How sure that is.
    pub confidence: f64,
    /// Gain since entry that is not yet in cash.
    pub gain: f64,
    /// Funding that is not yet in cash; negative is owed.
    pub funding: f64,
    /// Rates on its value.
    pub rates: Rates,
}

/// One collateral asset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SrmBase {
    /// How much.
    pub amount: f64,
    /// Rules.
    pub rules: BaseRules,
}

/// What the protocol says of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct SrmMargin {
    /// Net margin: below zero at maintenance the protocol liquidates.
    pub net: Levels,
    /// Cash, options at their value, unsettled gains and collateral at its price in cash.
    pub mark_to_market: f64,
    /// Parts, in the order of the markets.
    pub markets: Vec<MarketMargin>,
}

/// Parts of one market.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketMargin {
    /// In the order of the expiries.
    pub expiries: Vec<ExpiryMargin>,
    /// Perpetuals' requirement, zero or less.
    pub perpetuals: Levels,
    /// Unsettled gains.
    pub gain: f64,
    /// Unsettled funding.
    pub funding: f64,
    /// Collateral after its factor.
    pub base: Levels,
    /// Collateral at its price in cash.
    pub base_value: f64,
    /// Oracle contingency, initial only, zero or less.
    pub oracle: f64,
    /// Depeg contingency, initial only, zero or less.
    pub depeg: f64,
}

/// Parts of one expiry.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExpiryMargin {
    /// Value of its options.
    pub mark_to_market: f64,
    /// Each short option by itself, its value included.
    pub isolated: Levels,
    /// Least payoff at settlement prices 0 and every strike; may be positive.
    pub least_payoff: f64,
    /// Calls sold less calls bought, zero or more, coins.
    pub unpaired_calls_coin: f64,
    /// Least payoff, zero or less, and unpaired calls.
    pub bounded: Levels,
    /// The better of both.
    pub margin: Levels,
}

impl SrmAccount {
    /// Net margin and its parts.
    #[must_use]
    pub fn margin(&self, depeg: Depeg) -> SrmMargin {
        let short_of_peg = positive_part(depeg.threshold - self.stable.get());
        let depeg_rate = short_of_peg * depeg.factor;
        let mut net = Levels::both(self.cash);
        let mut mark_to_market = self.cash;
        let mut markets = Vec::with_capacity(self.markets.len());
        for market in &self.markets {
            let own = market.margin(self.stable, depeg_rate);
            net = net.plus(own.net());
            mark_to_market += own.mark_to_market();
            markets.push(own);
        }
        SrmMargin { net, mark_to_market, markets }
    }
}

impl MarketMargin {
    /// Options of all expiries.
    #[must_use]
    pub fn options(&self) -> Levels {
        self.expiries.iter().fold(Levels::default(), |sum, expiry| sum.plus(expiry.margin))
    }

    /// The market's part of the net margin.
    #[must_use]
    pub fn net(&self) -> Levels {
        let contingencies = Levels { initial: self.oracle + self.depeg, maintenance: 0.0 };
        let unsettled = Levels::both(self.gain + self.funding);
        self.options().plus(self.perpetuals).plus(unsettled).plus(self.base).plus(contingencies)
    }

    /// The market's part of the value.
    #[must_use]
    pub fn mark_to_market(&self) -> f64 {
        let options: f64 = self.expiries.iter().map(|expiry| expiry.mark_to_market).sum();
        options + self.gain + self.funding + self.base_value
    }
}

impl SrmMarket {
    fn margin(&self, stable: Spot, depeg_rate: f64) -> MarketMargin {
        let spot = self.spot.get();
        let mut margin = MarketMargin {
            expiries: self.expiries.iter().map(|expiry| expiry.margin(spot)).collect(),
            perpetuals: Levels::default(),
            gain: 0.0,
            funding: 0.0,
            base: Levels::default(),
            base_value: 0.0,
            oracle: 0.0,
            depeg: 0.0,
        };
        // Sizes that a depeg and unsure feeds charge.
        let mut exposed = 0.0;
        for expiry in &self.expiries {
            let shorts = expiry.shorts_coin();
            let confidence = lower(self.spot_confidence, expiry.confidence);
            margin.oracle -= self.oracle.charge(self.oracle.option_threshold, confidence) * spot * shorts;
            exposed += shorts;
        }
        for perpetual in &self.perpetuals {
            let size = perpetual.size_coin.abs();
            let value = size * perpetual.price.get();
            let asked = Levels { initial: perpetual.rates.initial, maintenance: perpetual.rates.maintenance };
            margin.perpetuals = margin.perpetuals.minus(asked.times(value));
            margin.gain += perpetual.gain;
            margin.funding += perpetual.funding;
            let confidence = lower(self.spot_confidence, perpetual.confidence);
            margin.oracle -= self.oracle.charge(self.oracle.perpetual_threshold, confidence) * spot * size;
            exposed += size;
        }
        for base in &self.bases {
            let value = base.amount * spot;
            margin.base = margin.base.plus(base.rules.counted(value));
            margin.base_value += value / stable.get();
            let charge = self.oracle.charge(self.oracle.base_threshold, self.spot_confidence);
            margin.oracle -= charge * value.abs();
        }
        margin.depeg -= depeg_rate * spot * exposed;
        margin
    }
}

impl BaseRules {
    /// What counts of a value. A debt counts in full: a factor below one would forgive part of it.
    #[must_use]
    pub fn counted(&self, value: f64) -> Levels {
        if value < 0.0 {
            return Levels::both(value);
        }
        let maintenance = value * self.factor;
        Levels { initial: maintenance * self.initial_scale, maintenance }
    }
}

impl OracleRules {
    /// Fraction of the value that is asked.
    fn charge(&self, threshold: f64, confidence: f64) -> f64 {
        if confidence < threshold { (1.0 - confidence) * self.factor } else { 0.0 }
    }
}

impl SrmExpiry {
    /// Options sold, coins.
    fn shorts_coin(&self) -> f64 {
        self.options.iter().map(|option| positive_part(-option.size_coin)).sum()
    }

    fn margin(&self, spot: f64) -> ExpiryMargin {
        let mut margin = ExpiryMargin { least_payoff: self.payoff(0.0), ..ExpiryMargin::default() };
        let mut net_calls = 0.0;
        for option in &self.options {
            let value = option.size_coin * self.price(option);
            margin.mark_to_market += value;
            if option.size_coin < 0.0 {
                margin.isolated = margin.isolated.plus(self.rules.isolated(option, value, spot));
            }
            margin.least_payoff = lower(margin.least_payoff, self.payoff(option.strike.get()));
            if option.kind == OptionKind::Call {
                net_calls += option.size_coin;
            }
        }
        margin.unpaired_calls_coin = positive_part(-net_calls);
        margin.bounded = margin.bounded_at(self.forward, self.rules.unpaired_calls);
        margin.margin = Levels {
            initial: higher(margin.isolated.initial, margin.bounded.initial),
            maintenance: higher(margin.isolated.maintenance, margin.bounded.maintenance),
        };
        margin
    }

    fn price(&self, option: &SrmOption) -> f64 {
        let SrmOption { strike, kind, vol, .. } = *option;
        Black76 {
            forward: self.forward,
            strike,
            vol,
            expiry: self.years,
            discount: units::Discount::ONE,
            kind,
        }
        .price()
    }

    /// What all options pay at a settlement price.
    fn payoff(&self, settlement: f64) -> f64 {
        let pays = |option: &SrmOption| {
            let strike = option.strike.get();
            option.size_coin
                * match option.kind {
                    OptionKind::Call => positive_part(settlement - strike),
                    OptionKind::Put => positive_part(strike - settlement),
                }
        };
        self.options.iter().map(pays).sum()
    }
}

impl ExpiryMargin {
    /// Least payoff, zero or less, and unpaired calls at a forward.
    #[must_use]
    pub fn bounded_at(&self, forward: Forward, unpaired: Rates) -> Levels {
        let loss = -positive_part(-self.least_payoff);
        let calls = self.unpaired_calls_coin * forward.get();
        Levels { initial: loss - calls * unpaired.initial, maintenance: loss - calls * unpaired.maintenance }
    }
}

impl OptionRules {
    /// A short option by itself; `value` is its signed value.
    fn isolated(&self, option: &SrmOption, value: f64, spot: f64) -> Levels {
        let notional = option.size_coin.abs() * spot;
        let strike = option.strike.get();
        match option.kind {
            OptionKind::Call => Levels {
                initial: value - self.initial(positive_part(strike - spot) / spot) * notional,
                maintenance: value - self.maintenance_call * notional,
            },
            OptionKind::Put => {
                let asked = higher(self.maintenance_put * notional, self.maintenance_put_mark * value.abs());
                let maintenance = value - asked;
                let initial = value - self.initial(positive_part(spot - strike) / spot) * notional;
                Levels { initial: lower(initial, maintenance * self.put_initial_of_maintenance), maintenance }
            }
        }
    }

    fn initial(&self, out_of_the_money: f64) -> f64 {
        higher(self.initial_least, self.initial_most - out_of_the_money)
    }
}

fn positive_part(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

fn lower(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn higher(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}
