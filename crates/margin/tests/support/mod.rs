//! States for tests, through the public interface only.
#![allow(dead_code, unreachable_pub)] // each test file uses a part of a private module

pub mod market;

use instrument::{Contract, Settlement, Terms};
use margin::{AccountState, Holding, Leg, Mark};
use units::{
    Account, Asset, Decimal, Forward, OptionKind, Price, Strike, Symbol, Timestamp, Venue, Vol, YearFraction,
};

pub fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_utc_date(2026, 11, 22, 8).unwrap()
}

/// A contract and how much of it, at round prices.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    pub coin: &'static str,
    /// A currency; none is inverse.
    pub currency: Option<&'static str>,
    /// Coins; USD of notional for inverse futures.
    pub quantity: f64,
    pub index: f64,
    pub terms: HeldTerms,
}

#[derive(Debug, Clone, Copy)]
pub enum HeldTerms {
    Perpetual,
    Future { days: u32 },
    Option { days: u32, strike: u32, kind: OptionKind, vol: f64 },
}

fn expiry(days: u32) -> Timestamp {
    Timestamp::from_unix_millis(now().unix_nanos() / 1_000_000 + i64::from(days) * 86_400_000).unwrap()
}

fn years(days: u32) -> YearFraction {
    YearFraction::new(f64::from(days) / 365.0).unwrap()
}

impl Held {
    /// On a forward that rises by 5 % a year, entered at the mark.
    pub fn leg(&self) -> Leg {
        let settlement = match self.currency {
            Some(currency) => Settlement::Linear { currency: asset(currency) },
            None => Settlement::Inverse,
        };
        let forward = |days: u32| Forward::new(self.index * (1.0 + 0.05 * f64::from(days) / 365.0)).unwrap();
        let (terms, mark, name) = match self.terms {
            HeldTerms::Perpetual => {
                (Terms::Perpetual, Mark::Perpetual { price: forward(0) }, "PERP".to_owned())
            }
            HeldTerms::Future { days } => (
                Terms::Future { expiry: expiry(days) },
                Mark::Future { price: forward(days), expiry: years(days) },
                format!("{days}"),
            ),
            HeldTerms::Option { days, strike, kind, vol } => (
                Terms::Option { expiry: expiry(days), strike: Price::new(Decimal::from(strike)), kind },
                Mark::Option {
                    forward: forward(days),
                    vol: Vol::new(vol).unwrap(),
                    strike: Strike::new(f64::from(strike)).unwrap(),
                    kind,
                    expiry: years(days),
                },
                format!("{days}-{strike}-{kind:?}"),
            ),
        };
        let money = self.currency.unwrap_or("COIN");
        Leg {
            symbol: Symbol::new(&format!("{}-{money}-{name}", self.coin)).unwrap(),
            contract: Contract { underlying: asset(self.coin), terms, settlement },
            quantity: self.quantity,
            entry_value: None,
            index_usd: self.index,
            settlement_usd: if self.currency.is_some() { 1.0 } else { self.index },
            quote_usd: 1.0,
            mark,
        }
    }
}

pub fn holding(name: &str, amount: f64, price_usd: f64) -> Holding {
    Holding { asset: asset(name), amount, price_usd }
}

pub fn state(legs: Vec<Leg>, balances: Vec<Holding>) -> AccountState {
    AccountState {
        account: Account::new("test").unwrap(),
        venue: Venue::new("somewhere").unwrap(),
        asof: now(),
        legs,
        balances,
        unmargined: Vec::new(),
    }
}
