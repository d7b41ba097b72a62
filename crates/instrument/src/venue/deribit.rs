//! Deribit: `BTC-PERPETUAL`, `BTC-27DEC24`, `BTC-27DEC24-100000-C`, linear `SOL_USDC-27DEC24-200-C`, decimal strikes
//! `XRP_USDC-30JUN23-0d625-C`, spot `BTC_USDC`, combinations `BTC-FS-25DEC26_PERP`, `BTC-CS-19MAY26-70000_75000`.
//!
//! Source of the names: docs.deribit.com, "Naming" (2024). A name without a quote currency is inverse (paid in the coin).
//! Position quantity is the API's `size`: USD for inverse futures, coins for everything else, so each size is 1.
//!
//! Combinations list their legs in the order of their name; buying buys the first. How sure each kind is:
//!
//! | kind | legs when bought | evidence |
//! |---|---|---|
//! | `FS` | + first expiry, - second (the nearer, or `PERP`) | recorded trade of BTC-FS-25DEC26_PERP with its legs |
//! | `CS` | + lower call, - higher | recorded trade of BTC-CS-19MAY26-70000_75000 with its legs |
//! | `STRD` | + call, + put | recorded ticker of BTC-STRD-30SEP22-20000: vega and gamma above zero |
//! | `CSR12` | + lower call, - 2 higher | recorded ticker of BTC-CSR12-16SEP22-21000_23000: mark above zero |
//! | `ICOND` | + put, - put, - call, + call, strikes rising | public book summary, January 2025: mark below zero |
//! | `REV` | + call, - put | public book summary, January 2025: mark 0.3754 is 1 - K/F |
//! | `PS`, `PSR12`, `PSR13`, `PSR23` | + higher put, - lower (or -2, -3; 2 and -3) | unverified: spelling and order of the name |
//! | `CSR13`, `CSR23` | as `CSR12` with -3; 2 and -3 | unverified: order of the name |
//! | `STRG` | + lower put, + higher call | unverified |
//! | `CBUT`, `PBUT` | +1, -2, +1 | unverified; CBUT's public mark is above zero |
//! | `CCOND`, `PCOND` | +1, -1, -1, +1 | unverified |
//! | `CCAL`, `PCAL` | + later expiry, - earlier | unverified: order of the name, as in `FS` |
//!
//! Every other kind (`RR`, `IBUT`, `BOX`, `JR`, diagonals, ladders) is refused: nothing we have shows the sign of its legs.

use super::{Ask, letter, linear_currency, spell_day_month_year, spell_strike, spot, spot_words};
use crate::contract::{Contract, Settlement, Terms};
use crate::resolve::{Leg, SymbolError};
use units::{Asset, Decimal, OptionKind, Price, Symbol, Timestamp};

const EXPECTED: &str = "BTC-PERPETUAL, BTC-27DEC24, BTC-27DEC24-100000-C, SOL_USDC-27DEC24-200-C, BTC_USDC or a combination \
                        such as BTC-FS-25DEC26_PERP";
const PAIR: &str = "a coin (BTC, inverse) or a coin and USDC or USDT (SOL_USDC, linear) before the first '-'";
const LINEAR: [&str; 2] = ["USDC", "USDT"];

/// How the strikes of a kind follow each other in its name.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Rising,
    Falling,
}

/// One leg of a kind: which of the expiries and strikes in the name it takes.
struct LegShape {
    ratio: i8,
    kind: OptionKind,
    expiry: usize,
    strike: usize,
}

struct Shape {
    code: &'static str,
    order: Order,
    legs: &'static [LegShape],
}

const fn call(ratio: i8, strike: usize) -> LegShape {
    LegShape { ratio, kind: OptionKind::Call, expiry: 0, strike }
}

const fn put(ratio: i8, strike: usize) -> LegShape {
    LegShape { ratio, kind: OptionKind::Put, expiry: 0, strike }
}

const fn nearer(kind: OptionKind) -> LegShape {
    LegShape { ratio: -1, kind, expiry: 1, strike: 0 }
}

const SHAPES: [Shape; 18] = [
    Shape { code: "CS", order: Order::Rising, legs: &[call(1, 0), call(-1, 1)] },
    Shape { code: "CSR12", order: Order::Rising, legs: &[call(1, 0), call(-2, 1)] },
    Shape { code: "CSR13", order: Order::Rising, legs: &[call(1, 0), call(-3, 1)] },
    Shape { code: "CSR23", order: Order::Rising, legs: &[call(2, 0), call(-3, 1)] },
    Shape { code: "PS", order: Order::Falling, legs: &[put(1, 0), put(-1, 1)] },
    Shape { code: "PSR12", order: Order::Falling, legs: &[put(1, 0), put(-2, 1)] },
    Shape { code: "PSR13", order: Order::Falling, legs: &[put(1, 0), put(-3, 1)] },
    Shape { code: "PSR23", order: Order::Falling, legs: &[put(2, 0), put(-3, 1)] },
    Shape { code: "STRD", order: Order::Rising, legs: &[call(1, 0), put(1, 0)] },
    Shape { code: "STRG", order: Order::Rising, legs: &[put(1, 0), call(1, 1)] },
    Shape { code: "REV", order: Order::Rising, legs: &[call(1, 0), put(-1, 0)] },
    Shape { code: "CBUT", order: Order::Rising, legs: &[call(1, 0), call(-2, 1), call(1, 2)] },
    Shape { code: "PBUT", order: Order::Rising, legs: &[put(1, 0), put(-2, 1), put(1, 2)] },
    Shape { code: "CCOND", order: Order::Rising, legs: &[call(1, 0), call(-1, 1), call(-1, 2), call(1, 3)] },
    Shape { code: "PCOND", order: Order::Rising, legs: &[put(1, 0), put(-1, 1), put(-1, 2), put(1, 3)] },
    Shape { code: "ICOND", order: Order::Rising, legs: &[put(1, 0), put(-1, 1), call(-1, 2), call(1, 3)] },
    Shape { code: "CCAL", order: Order::Rising, legs: &[call(1, 0), nearer(OptionKind::Call)] },
    Shape { code: "PCAL", order: Order::Rising, legs: &[put(1, 0), nearer(OptionKind::Put)] },
];

/// What stands before the first dash.
struct Root {
    underlying: Asset,
    settlement: Settlement,
}

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let parts: Vec<&str> = ask.text().split('-').collect();
    match parts.as_slice() {
        [pair] => spot_pair(ask, pair),
        [pair, "PERPETUAL"] => Ok(ask.plain(root(ask, pair)?.with(Terms::Perpetual))),
        [pair, "FS", expiries] => future_spread(ask, &root(ask, pair)?, expiries),
        [pair, code, _, ..] if code.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let root = root(ask, pair)?;
            let shape =
                SHAPES.iter().find(|shape| shape.code == *code).ok_or_else(|| unknown_kind(ask, code))?;
            match parts.as_slice() {
                [_, _, expiries, strikes] => option_combination(ask, &root, shape, [expiries, strikes]),
                _ => Err(ask.wrong_legs("expected expiries and strikes, such as BTC-CS-19MAY26-70000_75000")),
            }
        }
        [pair, day] => {
            let root = root(ask, pair)?;
            Ok(ask.plain(root.with(Terms::Future { expiry: ask.day_month_year(day)? })))
        }
        [pair, day, strike, kind] => {
            let root = root(ask, pair)?;
            let (expiry, strike) = (ask.day_month_year(day)?, ask.strike(strike, 'd')?);
            Ok(ask.plain(root.with(Terms::Option { expiry, strike, kind: ask.kind(kind, EXPECTED)? })))
        }
        _ => Err(ask.wrong(EXPECTED)),
    }
}

fn root(ask: Ask<'_>, text: &str) -> Result<Root, SymbolError> {
    let (coin, settlement) = match text.split_once('_') {
        None => (text, Settlement::Inverse),
        Some((coin, quote)) => {
            let listed = LINEAR.into_iter().find(|known| *known == quote).ok_or_else(|| ask.wrong(PAIR))?;
            (coin, Settlement::Linear { currency: ask.currency(listed)? })
        }
    };
    Ok(Root { underlying: ask.asset(coin, PAIR)?, settlement })
}

fn spot_pair(ask: Ask<'_>, text: &str) -> Result<Vec<Leg>, SymbolError> {
    let (base, quote) = text.split_once('_').ok_or_else(|| ask.wrong(EXPECTED))?;
    Ok(ask.plain(spot(ask.asset(base, EXPECTED)?, ask.asset(quote, EXPECTED)?)))
}

fn unknown_kind(ask: Ask<'_>, code: &str) -> SymbolError {
    let known = std::iter::once("FS").chain(SHAPES.iter().map(|shape| shape.code)).collect();
    SymbolError::UnknownCombo {
        venue: ask.venue.clone(),
        symbol: ask.symbol.clone(),
        kind: code.to_owned(),
        known,
    }
}

impl Root {
    fn with(&self, terms: Terms) -> Contract {
        Contract { underlying: self.underlying.clone(), terms, settlement: self.settlement.clone() }
    }

    /// A leg under its own name; the grammar of the leg's name is that of a plain contract.
    fn leg(&self, ask: Ask<'_>, ratio: i8, terms: Terms) -> Result<Leg, SymbolError> {
        let contract = self.with(terms);
        let name = spell(&contract).and_then(|name| Symbol::new(&name).ok());
        let symbol = name.ok_or_else(|| ask.wrong_legs("a leg of it has no name of its own"))?;
        Ok(Leg { ratio: Decimal::from(ratio), listing: ask.listing(symbol, contract, Decimal::ONE) })
    }
}

fn future_spread(ask: Ask<'_>, root: &Root, expiries: &str) -> Result<Vec<Leg>, SymbolError> {
    let (first, second) = expiries
        .split_once('_')
        .ok_or_else(|| ask.wrong_legs("expected two expiries, such as BTC-FS-25DEC26_PERP"))?;
    let far = ask.day_month_year(first)?;
    let near = match second {
        "PERP" => Terms::Perpetual,
        day => Terms::Future { expiry: ask.day_month_year(day)? },
    };
    if matches!(near, Terms::Future { expiry } if expiry >= far) {
        return Err(ask.wrong_legs("the later expiry comes first, such as BTC-FS-22MAY26_19MAY26"));
    }
    Ok(vec![root.leg(ask, 1, Terms::Future { expiry: far })?, root.leg(ask, -1, near)?])
}

fn option_combination(
    ask: Ask<'_>,
    root: &Root,
    shape: &Shape,
    [expiries, strikes]: [&str; 2],
) -> Result<Vec<Leg>, SymbolError> {
    let days =
        expiries.split('_').map(|day| ask.day_month_year(day)).collect::<Result<Vec<Timestamp>, _>>()?;
    let prices = strikes.split('_').map(|text| ask.strike(text, 'd')).collect::<Result<Vec<Price>, _>>()?;
    let needed =
        |index: fn(&LegShape) -> usize| shape.legs.iter().map(index).max().map_or(0, |last| last + 1);
    if days.len() != needed(|leg| leg.expiry) || prices.len() != needed(|leg| leg.strike) {
        return Err(ask.wrong_legs("this kind has another number of expiries or strikes"));
    }
    if !days.windows(2).all(|pair| matches!(pair, [later, earlier] if later > earlier)) {
        return Err(ask.wrong_legs("the later expiry comes first, such as BTC-CCAL-17JUL26_10JUL26-63000"));
    }
    let in_order = prices.windows(2).all(|pair| match (pair, shape.order) {
        ([first, second], Order::Rising) => first < second,
        ([first, second], Order::Falling) => first > second,
        _ => false,
    });
    if !in_order {
        return Err(ask.wrong_legs(
            "strikes rise, except in put spreads, where they fall (BTC_USDC-PS-18SEP26-77000_70000)",
        ));
    }
    let legs = shape.legs.iter().filter_map(|leg| {
        let (expiry, strike) = (*days.get(leg.expiry)?, *prices.get(leg.strike)?);
        Some(root.leg(ask, leg.ratio, Terms::Option { expiry, strike, kind: leg.kind }))
    });
    legs.collect()
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    if let Some((base, quote)) = spot_words(contract) {
        return (super::is_plain(base) && super::is_plain(quote)).then(|| format!("{base}_{quote}"));
    }
    let coin = contract.underlying.as_str();
    let root = match &contract.settlement {
        Settlement::Inverse => coin.to_owned(),
        _ => format!("{coin}_{}", linear_currency(contract, &LINEAR)?),
    };
    if !super::is_plain(coin) {
        return None;
    }
    match &contract.terms {
        Terms::Spot => None,
        Terms::Perpetual => Some(format!("{root}-PERPETUAL")),
        Terms::Future { expiry } => Some(format!("{root}-{}", spell_day_month_year(*expiry)?)),
        Terms::Option { expiry, strike, kind } => {
            let (day, strike) = (spell_day_month_year(*expiry)?, spell_strike(*strike, "d")?);
            Some(format!("{root}-{day}-{strike}-{}", letter(*kind)))
        }
    }
}
