//! Legs and states for unit tests.

use crate::state::{AccountState, Holding, Leg, Mark};
use instrument::{Contract, Settlement, Terms};
use units::{
    Account, Asset, Decimal, Forward, OptionKind, Price, Strike, Symbol, Timestamp, Venue, Vol, YearFraction,
};

pub(crate) fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_utc_date(2026, 11, 22, 8).unwrap()
}

/// An account on `venue` at [`now`].
pub(crate) fn state(venue: &str, legs: Vec<Leg>, balances: &[(&str, f64, f64)]) -> AccountState {
    let holding = |(name, amount, price_usd): &(&str, f64, f64)| Holding {
        asset: asset(name),
        amount: *amount,
        price_usd: *price_usd,
    };
    AccountState {
        account: Account::new("test").unwrap(),
        venue: Venue::new(venue).unwrap(),
        asof: now(),
        legs,
        balances: balances.iter().map(holding).collect(),
        unmargined: Vec::new(),
    }
}

/// A perpetual quoted and paid in `currency` at 1 USD; quantity in coins.
pub(crate) fn linear_perpetual(coin: &str, currency: &str, quantity: f64, entry: f64, mark: f64) -> Leg {
    let contract = Contract {
        underlying: asset(coin),
        terms: Terms::Perpetual,
        settlement: Settlement::Linear { currency: asset(currency) },
    };
    Leg {
        symbol: Symbol::new(&format!("{coin}-PERP")).unwrap(),
        contract,
        quantity,
        entry_value: Some(quantity * entry),
        index_usd: mark,
        settlement_usd: 1.0,
        quote_usd: 1.0,
        mark: Mark::Perpetual { price: Forward::new(mark).unwrap() },
    }
}

/// An inverse perpetual; quantity in USD of notional.
pub(crate) fn inverse_perpetual(coin: &str, quantity_usd: f64, entry: f64, mark: f64) -> Leg {
    let contract =
        Contract { underlying: asset(coin), terms: Terms::Perpetual, settlement: Settlement::Inverse };
    Leg {
        symbol: Symbol::new(&format!("{coin}-PERPETUAL")).unwrap(),
        contract,
        quantity: quantity_usd,
        entry_value: Some(quantity_usd / entry),
        index_usd: mark,
        settlement_usd: mark,
        quote_usd: 1.0,
        mark: Mark::Perpetual { price: Forward::new(mark).unwrap() },
    }
}

/// What an option leg is, for [`option`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct OptionCase {
    pub(crate) quantity: f64,
    pub(crate) strike: u32,
    pub(crate) kind: OptionKind,
    pub(crate) days: u32,
    pub(crate) vol: f64,
    pub(crate) forward: f64,
    pub(crate) index: f64,
}

/// An option on `coin`; `currency` none is inverse.
pub(crate) fn option(coin: &str, currency: Option<&str>, case: OptionCase) -> Leg {
    let expiry_nanos = now().unix_nanos() + i64::from(case.days) * 86_400_000_000_000;
    let expiry = Timestamp::from_unix_millis(expiry_nanos / 1_000_000).unwrap();
    let settlement = match currency {
        Some(currency) => Settlement::Linear { currency: asset(currency) },
        None => Settlement::Inverse,
    };
    let strike = Price::new(Decimal::from(case.strike));
    Leg {
        symbol: Symbol::new(&format!("{coin}-{}-{}-{:?}", case.days, case.strike, case.kind)).unwrap(),
        contract: Contract {
            underlying: asset(coin),
            terms: Terms::Option { expiry, strike, kind: case.kind },
            settlement,
        },
        quantity: case.quantity,
        entry_value: None,
        index_usd: case.index,
        settlement_usd: if currency.is_some() { 1.0 } else { case.index },
        quote_usd: 1.0,
        mark: Mark::Option {
            forward: Forward::new(case.forward).unwrap(),
            vol: Vol::new(case.vol).unwrap(),
            strike: Strike::new(f64::from(case.strike)).unwrap(),
            kind: case.kind,
            expiry: YearFraction::new(f64::from(case.days) / 365.0).unwrap(),
        },
    }
}

#[test]
fn a_move_carries_index_forward_payment_and_coin_balances() {
    use crate::state::Move;
    let legs = vec![
        inverse_perpetual("BTC", 100_000.0, 90_000.0, 100_000.0),
        linear_perpetual("ETH", "USDT", 2.0, 3000.0, 3000.0),
    ];
    let before = state("deribit", legs, &[("BTC", 1.0, 100_000.0), ("USDT", 10.0, 1.0)]);
    let after = before.moved(&Move::of(asset("BTC"), 0.5));
    // 100,000 USD long from 90,000: 1/0.9 coins paid, 2 coins at 50,000, so -0.889 coins of 50,000 USD.
    let gain = (100_000.0 / 90_000.0 - 2.0) * 50_000.0;
    assert!((after.legs[0].gain_usd() - gain).abs() < 1e-9);
    assert_eq!(after.legs[1], before.legs[1]);
    assert_eq!(after.balances[0].value_usd().to_bits(), 50_000.0f64.to_bits());
    // A depeg leaves the USD price of the coin: the price in the falling currency rises.
    let depeg = before.moved(&Move::of(asset("USDT"), 0.8));
    assert!((depeg.legs[1].notional_usd() - 6000.0).abs() < 1e-9);
    assert!((depeg.legs[1].gain_usd() - (2.0 * 3750.0 - 6000.0) * 0.8).abs() < 1e-9);
}
