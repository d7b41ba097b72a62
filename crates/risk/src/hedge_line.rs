//! One plain hedge line per underlying and aim: the perpetual quantity that zeroes delta. No costs, no bands, no lots; the
//! `hedge` crate replaces it.
//!
//! Two aims, because a coin-margined owner must say what home is:
//! * USD-neutral: zero the delta of the USD value, own coins included;
//! * coin-neutral: zero the settlement delta, so that the number of coins does not move; own coins are home.

use crate::exposure::{Row, RowKind, sum_usd};
use crate::measure::Measure;
use crate::priced::Priced;
use book::Book;
use instrument::{Contract, Settlement, Terms, spell};
use market::{Market, Snapshot};
use units::{Asset, Fixed, Symbol, UnitError, Venue, border};

/// What a hedge line brings to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// Delta of the USD value.
    UsdNeutral,
    /// Settlement delta: the coin value does not move.
    CoinNeutral,
}

impl Aim {
    /// Words for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UsdNeutral => "USD-neutral",
            Self::CoinNeutral => "coin-neutral",
        }
    }
}

impl Side {
    /// Word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
}

/// Buy or sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Adds delta.
    Buy,
    /// Removes delta.
    Sell,
}

/// The plain hedge of one underlying.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HedgeLine {
    /// Whose delta.
    pub underlying: Asset,
    /// What becomes zero.
    pub aim: Aim,
    /// Delta of contracts (options, futures, perpetuals), coin.
    pub contracts_delta_coin: Fixed,
    /// Delta of coins held, coin.
    pub holdings_delta_coin: Fixed,
    /// What the aim counts of both, coin.
    pub delta_before_coin: Fixed,
    /// Where to trade.
    pub venue: Venue,
    /// What to trade.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much, in the unit below.
    pub quantity: Fixed,
    /// USD of notional for inverse contracts, coin otherwise.
    pub quantity_unit: String,
    /// Same in USD, for comparing venues.
    pub notional_usd: Fixed,
}

/// The hedge lines of every underlying whose delta is not zero, and the underlyings that have delta but no perpetual that the
/// book or the market could name.
///
/// # Errors
/// When a figure cannot be published.
pub fn hedge_lines(
    rows: &[Row],
    book: &Book,
    snapshot: &Snapshot,
    market: &Market,
) -> Result<(Vec<HedgeLine>, Vec<Asset>), UnitError> {
    let mut without = Vec::new();
    let mut underlyings: Vec<&Asset> = rows.iter().map(|row| &row.underlying).collect();
    underlyings.sort();
    underlyings.dedup();
    let mut lines = Vec::new();
    for underlying in underlyings {
        let found = perpetual(underlying, book, snapshot, market).and_then(|(venue, symbol, contract)| {
            Some((venue, symbol, Priced::new(&contract, market).ok()?, contract))
        });
        let Some((venue, symbol, priced, contract)) = found else {
            if !net_delta_usd(rows, underlying).is_zero() {
                without.push(underlying.clone());
            }
            continue;
        };
        for aim in [Aim::UsdNeutral, Aim::CoinNeutral] {
            let place = (venue.clone(), symbol.clone());
            lines.extend(line(rows, underlying, aim, place, (&contract, &priced))?);
        }
    }
    Ok((lines, without))
}

fn line(
    rows: &[Row],
    underlying: &Asset,
    aim: Aim,
    (venue, symbol): (Venue, Symbol),
    (contract, priced): (&Contract, &Priced),
) -> Result<Option<HedgeLine>, UnitError> {
    let coins = |measure: Measure, keep: &dyn Fn(&Row) -> bool| -> Fixed {
        rows.iter()
            .filter(|r| r.underlying == *underlying && keep(r))
            .map(|r| r.exposure.in_coin(measure))
            .sum()
    };
    let is_held = |row: &Row| matches!(row.kind, RowKind::Balance | RowKind::Spot | RowKind::Gain);
    let measure = if aim == Aim::UsdNeutral { Measure::Delta } else { Measure::DeltaSettlement };
    let contracts = coins(measure, &|row| !is_held(row));
    let holdings = coins(measure, &is_held);
    let before = contracts + holdings;
    if before.is_zero() {
        return Ok(None);
    }
    let delta_per_unit = priced.unit_usd()[Measure::Delta.index()] / priced.spot_usd;
    let quantity = -before.to_f64() / delta_per_unit;
    let inverse = contract.settlement == Settlement::Inverse;
    Ok(Some(HedgeLine {
        underlying: underlying.clone(),
        aim,
        contracts_delta_coin: contracts,
        holdings_delta_coin: holdings,
        delta_before_coin: before,
        venue,
        symbol,
        side: if quantity > 0.0 { Side::Buy } else { Side::Sell },
        quantity: Fixed::quantise(quantity.abs())?,
        quantity_unit: if inverse { "USD".into() } else { underlying.to_string() },
        notional_usd: Fixed::quantise(quantity.abs() * delta_per_unit * priced.spot_usd)?,
    }))
}

/// The perpetual to hedge with: the one the book holds most delta in, else the first quoted, else Deribit's inverse one for
/// an underlying with options.
fn perpetual(
    underlying: &Asset,
    book: &Book,
    snapshot: &Snapshot,
    market: &Market,
) -> Option<(Venue, Symbol, Contract)> {
    let is_ours = |c: &Contract| c.underlying == *underlying && c.terms == Terms::Perpetual;
    // Quantities of inverse and linear perpetuals are USD and coins: only their deltas compare.
    let delta = |p: &book::Position| {
        let unit = Priced::new(&p.listing.contract, market).ok()?.unit_usd()[Measure::Delta.index()];
        Some(border::to_model(p.canonical_quantity).ok()?.abs() * unit)
    };
    let held = book.positions.iter().filter(|p| is_ours(&p.listing.contract));
    let held = held.filter_map(|p| Some((delta(p)?, p)));
    let largest = held.reduce(|best, next| if best.0 >= next.0 { best } else { next });
    if let Some((_, position)) = largest {
        let listing = &position.listing;
        return Some((listing.venue.clone(), listing.symbol.clone(), listing.contract.clone()));
    }
    if let Some(((venue, symbol), quote)) =
        snapshot.futures.iter().find(|(_, q)| is_ours(&q.listing.contract))
    {
        return Some((venue.clone(), symbol.clone(), quote.listing.contract.clone()));
    }
    let has_options = snapshot.options.values().any(|q| q.listing.contract.underlying == *underlying);
    let contract =
        Contract { underlying: underlying.clone(), terms: Terms::Perpetual, settlement: Settlement::Inverse };
    let venue = Venue::new("deribit").ok()?;
    let symbol = spell(&venue, &contract)?;
    has_options.then_some((venue, symbol, contract))
}

/// Net cash delta of one underlying, for headings.
#[must_use]
pub fn net_delta_usd(rows: &[Row], underlying: &Asset) -> Fixed {
    sum_usd(rows, Measure::Delta, |row| row.underlying == *underlying)
}
