//! What a margin model sees: one account on one venue, with everything it needs looked up once.
//!
//! Quantities are in canonical units (coins; USD of notional for inverse futures), prices as `instrument::Contract` says.
//! A state is a plain value: liquidation search, what-if and faults make a changed copy and margin that.
//!
//! The state prices its legs as the venue would: options at Black-76 of the market's forward and vol, futures at their mark.
//! A leg that the market cannot price is in `unmargined` with the reason.

use crate::report::Unmargined;
use instrument::{Contract, Settlement};
use pricing::Black76;
use std::collections::{BTreeMap, BTreeSet};
use units::{
    Account, Asset, Discount, Forward, OptionKind, Strike, Symbol, Timestamp, Venue, Vol, YearFraction,
    border,
};

/// One account on one venue.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountState {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// Time of the market.
    pub asof: Timestamp,
    /// One per contract, netted, in the order of contracts.
    pub legs: Vec<Leg>,
    /// One per asset, netted, in the order of assets.
    pub balances: Vec<Holding>,
    /// Legs and balances that the market cannot price.
    pub unmargined: Vec<Unmargined>,
}

/// A net position in one contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// Venue's symbol.
    pub symbol: Symbol,
    /// The economic right.
    pub contract: Contract,
    /// Signed size in canonical units.
    pub quantity: f64,
    /// What was paid at entry, signed, in the settlement asset: quantity x entry price (inverse futures: quantity / entry
    /// price). None when the entry of any lot is unknown.
    pub entry_value: Option<f64>,
    /// Index of the underlying, USD.
    pub index_usd: f64,
    /// USD per unit of the settlement asset.
    pub settlement_usd: f64,
    /// USD per unit of the quote currency.
    pub quote_usd: f64,
    /// Price state.
    pub mark: Mark,
}

/// How a leg is marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// An option.
    Option {
        /// Forward of its expiry, in the quote currency.
        forward: Forward,
        /// Its vol.
        vol: Vol,
        /// Strike, in the quote currency.
        strike: Strike,
        /// Call or put.
        kind: OptionKind,
        /// Time to expiry.
        expiry: YearFraction,
    },
    /// A future.
    Future {
        /// Mark, in the quote currency.
        price: Forward,
        /// Time to expiry.
        expiry: YearFraction,
    },
    /// A perpetual.
    Perpetual {
        /// Mark, in the quote currency.
        price: Forward,
    },
}

/// A balance of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// Of what.
    pub asset: Asset,
    /// How much; negative is a debt.
    pub amount: f64,
    /// USD per unit.
    pub price_usd: f64,
}

/// A joint move of prices: factors on USD prices. Vols, times and quantities stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// Factor on the index of coins that are not named; 1 leaves them.
    pub coins: f64,
    /// Factor by asset: the index of a coin, the USD rate of a currency.
    pub of: BTreeMap<Asset, f64>,
}

impl Move {
    /// Nothing moves.
    #[must_use]
    pub const fn none() -> Self {
        Self { coins: 1.0, of: BTreeMap::new() }
    }

    /// One asset moves.
    #[must_use]
    pub fn of(asset: Asset, factor: f64) -> Self {
        Self { coins: 1.0, of: BTreeMap::from([(asset, factor)]) }
    }

    /// All coins move together.
    #[must_use]
    pub const fn coins(factor: f64) -> Self {
        Self { coins: factor, of: BTreeMap::new() }
    }

    /// Factor on the USD price of an asset.
    #[must_use]
    pub fn factor(&self, asset: &Asset) -> f64 {
        let other = if asset.is_currency() { 1.0 } else { self.coins };
        self.of.get(asset).copied().unwrap_or(other)
    }
}

impl AccountState {
    /// The state after a move: every forward and mark follows its index; a price quoted in a currency rises as that
    /// currency falls.
    #[must_use]
    pub fn moved(&self, by: &Move) -> Self {
        let mut state = self.clone();
        for leg in &mut state.legs {
            leg.shift(by);
        }
        for holding in &mut state.balances {
            holding.price_usd *= by.factor(&holding.asset);
        }
        state
    }

    /// Balances, gains and option values at full price, USD: the equity of an account under no rules at all.
    #[must_use]
    pub fn value_usd(&self) -> f64 {
        let legs: f64 = self.legs.iter().map(|leg| leg.option_value_usd() + leg.gain_usd()).sum();
        self.balances.iter().map(Holding::value_usd).sum::<f64>() + legs
    }

    /// Underlyings of the legs, in order, each once.
    #[must_use]
    pub fn underlyings(&self) -> Vec<Asset> {
        let all: BTreeSet<&Asset> = self.legs.iter().map(|l| &l.contract.underlying).collect();
        all.into_iter().cloned().collect()
    }
}

impl Holding {
    /// At full price.
    #[must_use]
    pub fn value_usd(&self) -> f64 {
        self.amount * self.price_usd
    }
}

impl Mark {
    /// Forward or mark, in the quote currency.
    #[must_use]
    pub const fn price(&self) -> Forward {
        match self {
            Self::Option { forward, .. } => *forward,
            Self::Future { price, .. } | Self::Perpetual { price } => *price,
        }
    }

    /// Time to expiry; zero for perpetuals.
    #[must_use]
    pub const fn expiry(&self) -> YearFraction {
        match self {
            Self::Option { expiry, .. } | Self::Future { expiry, .. } => *expiry,
            Self::Perpetual { .. } => YearFraction::ZERO,
        }
    }

    fn with_price(self, factor: f64) -> Self {
        // A factor comes from a move that keeps prices positive and finite; at the edge of f64 the price stays.
        let moved = Forward::new(self.price().get() * factor).unwrap_or(self.price());
        match self {
            Self::Option { vol, strike, kind, expiry, .. } => {
                Self::Option { forward: moved, vol, strike, kind, expiry }
            }
            Self::Future { expiry, .. } => Self::Future { price: moved, expiry },
            Self::Perpetual { .. } => Self::Perpetual { price: moved },
        }
    }
}

impl Leg {
    /// True when it pays in its underlying coin.
    #[must_use]
    pub fn is_inverse(&self) -> bool {
        self.contract.settlement == Settlement::Inverse
    }

    /// True for options.
    #[must_use]
    pub const fn is_option(&self) -> bool {
        matches!(self.mark, Mark::Option { .. })
    }

    /// Coins of the underlying in one canonical unit at the mark: 1, the multiplier of a quanto, 1/mark for inverse futures.
    #[must_use]
    pub fn coins_per_unit(&self) -> f64 {
        match &self.contract.settlement {
            Settlement::Inverse if !self.is_option() => 1.0 / self.mark.price().get(),
            Settlement::Inverse | Settlement::Linear { .. } => 1.0,
            Settlement::Quanto { multiplier, .. } => border::to_model(*multiplier).unwrap_or(1.0),
        }
    }

    /// Signed size in coins of the underlying at the mark.
    #[must_use]
    pub fn size_coin(&self) -> f64 {
        self.quantity * self.coins_per_unit()
    }

    /// Notional at the mark, USD, unsigned: coins times forward or mark; the face value of inverse futures.
    #[must_use]
    pub fn notional_usd(&self) -> f64 {
        self.size_coin().abs() * self.mark.price().get() * self.quote_usd
    }

    /// Black-76 inputs of an option, undiscounted.
    #[must_use]
    pub fn black76(&self) -> Option<Black76> {
        match self.mark {
            Mark::Option { forward, vol, strike, kind, expiry } => {
                // One is in the range of a discount factor.
                let discount = Discount::new(1.0).ok()?;
                Some(Black76 { forward, strike, vol, expiry, discount, kind })
            }
            Mark::Future { .. } | Mark::Perpetual { .. } => None,
        }
    }

    /// Option price per coin in the quote currency; zero for futures.
    #[must_use]
    pub fn option_price(&self) -> f64 {
        self.black76().map_or(0.0, |option| option.price())
    }

    /// Market value of an option leg, USD: V(F)/F coins for inverse ones. Zero for futures.
    #[must_use]
    pub fn option_value_usd(&self) -> f64 {
        let price = self.option_price();
        let paid = if self.is_inverse() { price / self.mark.price().get() } else { price };
        self.quantity * self.multiplier() * paid * self.settlement_usd
    }

    /// Gain of a future since entry, USD; zero for options, and for futures of unknown entry, whose balance is taken to hold it.
    #[must_use]
    pub fn gain_usd(&self) -> f64 {
        if self.is_option() {
            return 0.0;
        }
        let Some(entry) = self.entry_value else { return 0.0 };
        let mark = self.mark.price().get();
        let gain = if self.is_inverse() {
            entry - self.quantity / mark
        } else {
            self.quantity * self.multiplier() * mark - entry
        };
        gain * self.settlement_usd
    }

    fn multiplier(&self) -> f64 {
        match &self.contract.settlement {
            Settlement::Quanto { multiplier, .. } => border::to_model(*multiplier).unwrap_or(1.0),
            Settlement::Inverse | Settlement::Linear { .. } => 1.0,
        }
    }

    fn shift(&mut self, by: &Move) {
        let spot = by.factor(&self.contract.underlying);
        let quote = match &self.contract.settlement {
            Settlement::Linear { currency } => by.factor(currency),
            Settlement::Inverse | Settlement::Quanto { .. } => 1.0,
        };
        self.index_usd *= spot;
        self.settlement_usd *= by.factor(self.contract.settlement_asset());
        self.quote_usd *= quote;
        self.mark = self.mark.with_price(spot / quote);
    }
}
