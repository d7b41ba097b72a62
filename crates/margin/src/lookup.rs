//! From a book and a market to account states: lots netted exactly, each contract looked up once.
//!
//! Lots of one contract and one entry price are added as decimals before anything else, so splitting a position into lots
//! changes no bit. Spot positions are balances of their coin. Each account is netted and priced by itself, so the number of threads changes
//! nothing. The engine asks for [`account_states`], which the calling thread computes alone: a thread that hedges waits for no pool that
//! readers fill.

use crate::report::Unmargined;
use crate::state::{AccountState, Holding, Leg, Mark};
use book::{Balance, Book, Position};
use instrument::{Contract, Listing, Settlement, Terms};
use market::{Market, Missing, quote_currency};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Account, Asset, Decimal, Price, Quantity, Strike, Symbol, UnitError, Venue, border};

/// What one account holds on one venue, netted and not yet priced.
#[derive(Debug, Default)]
struct Lots<'a> {
    /// By contract: its symbol, and quantities by canonical entry price.
    contracts: BTreeMap<&'a Contract, (&'a Symbol, BTreeMap<Option<Price>, Quantity>)>,
    balances: BTreeMap<Asset, Quantity>,
    unmargined: Vec<Unmargined>,
}

/// One state per account and venue of a book, in that order; by the calling thread alone.
#[must_use]
pub fn account_states(book: &Book, market: &Market) -> Vec<AccountState> {
    let quoted = contracts(book).into_iter().map(|contract| (contract, Quoted::of(contract, market)));
    let quoted: AllQuoted<'_> = quoted.collect();
    let state = |(key, held): (Key<'_>, Held<'_>)| held.lots().priced(key, (market, &quoted));
    by_account(book).into_iter().map(state).collect()
}

/// The same states by all threads of the current pool: for those who show them.
#[must_use]
pub fn account_states_by_pool(book: &Book, market: &Market) -> Vec<AccountState> {
    let contracts: Vec<&Contract> = contracts(book).into_iter().collect();
    let quoted: Vec<_> = contracts.par_iter().map(|contract| Quoted::of(contract, market)).collect();
    let quoted: AllQuoted<'_> = contracts.into_iter().zip(quoted).collect();
    let all: Vec<_> = by_account(book).into_iter().collect();
    let state = |(key, held): &(Key<'_>, Held<'_>)| held.lots().priced(*key, (market, &quoted));
    all.par_iter().map(state).collect()
}

type Key<'a> = (&'a Account, &'a Venue);

fn by_account(book: &Book) -> BTreeMap<Key<'_>, Held<'_>> {
    let mut all: BTreeMap<Key<'_>, Held<'_>> = BTreeMap::new();
    for position in &book.positions {
        all.entry((&position.account, &position.venue)).or_default().positions.push(position);
    }
    for balance in &book.balances {
        all.entry((&balance.account, &balance.venue)).or_default().balances.push(balance);
    }
    all
}

/// Each contract that is held, once.
fn contracts(book: &Book) -> BTreeSet<&Contract> {
    let listings: BTreeMap<*const Listing, &Contract> =
        book.positions.iter().map(|held| (Arc::as_ptr(&held.listing), &held.listing.contract)).collect();
    listings.into_values().collect()
}

/// What the market says of one contract, looked up once for all who hold it.
#[derive(Debug, Clone, Copy)]
struct Quoted {
    index_usd: f64,
    settlement_usd: f64,
    quote_usd: f64,
    mark: Mark,
}

impl Quoted {
    fn of(contract: &Contract, market: &Market) -> Result<Self, Missing> {
        Ok(Self {
            index_usd: market.spot(&contract.underlying)?.get(),
            settlement_usd: market.usd_rate(contract.settlement_asset())?,
            quote_usd: market.usd_rate(&quote_currency(contract))?,
            mark: mark(contract, market)?,
        })
    }
}

type AllQuoted<'a> = BTreeMap<&'a Contract, Result<Quoted, Missing>>;

/// What one account holds on one venue, in the order of the book.
#[derive(Debug, Default)]
struct Held<'a> {
    positions: Vec<&'a Position>,
    balances: Vec<&'a Balance>,
}

impl<'a> Held<'a> {
    fn lots(&self) -> Lots<'a> {
        let mut lots = Lots::default();
        for position in &self.positions {
            lots.add_position(position);
        }
        for balance in &self.balances {
            lots.add_balance(&balance.money.asset, Quantity::new(balance.money.amount));
        }
        lots
    }
}

impl<'a> Lots<'a> {
    fn add_position(&mut self, position: &'a Position) {
        let listing = &position.listing;
        let quantity = Quantity::new(position.canonical_quantity);
        if listing.contract.terms == Terms::Spot {
            self.add_balance(&listing.contract.underlying, quantity);
            return;
        }
        let entry = position.average_price.and_then(|price| listing.canonical_price(price));
        let lots = self.contracts.entry(&listing.contract);
        let (_, by_entry) = lots.or_insert_with(|| (&listing.symbol, BTreeMap::new()));
        let net = by_entry.entry(entry).or_default();
        match net.checked_add(quantity) {
            Ok(sum) => *net = sum,
            Err(error) => self.refuse(&listing.symbol.clone(), &error.to_string()),
        }
    }

    fn add_balance(&mut self, asset: &Asset, amount: Quantity) {
        let net = self.balances.entry(asset.clone()).or_default();
        match net.checked_add(amount) {
            Ok(sum) => *net = sum,
            Err(error) => self.refuse(&Symbol::from(asset), &error.to_string()),
        }
    }

    fn refuse(&mut self, symbol: &Symbol, reason: &str) {
        self.unmargined.push(Unmargined { symbol: symbol.clone(), reason: reason.to_owned() });
    }

    fn priced(
        self,
        (account, venue): (&Account, &Venue),
        (market, quoted): (&Market, &AllQuoted<'_>),
    ) -> AccountState {
        let mut state = AccountState {
            account: account.clone(),
            venue: venue.clone(),
            asof: market.asof,
            legs: Vec::new(),
            balances: Vec::new(),
            unmargined: self.unmargined,
        };
        for (contract, (symbol, by_entry)) in self.contracts {
            let of = quoted.get(contract).cloned().unwrap_or_else(|| Quoted::of(contract, market));
            match leg((contract, symbol), &by_entry, of) {
                Ok(Some(leg)) => state.legs.push(leg),
                Ok(None) => {}
                Err(missing) => {
                    let (symbol, reason) = (symbol.clone(), missing.to_string());
                    state.unmargined.push(Unmargined { symbol, reason });
                }
            }
        }
        for (asset, amount) in self.balances {
            let priced = market.usd_rate(&asset).and_then(|usd| Ok((usd, model(amount.get())?)));
            match priced {
                Ok((price_usd, amount)) => state.balances.push(Holding { asset, amount, price_usd }),
                Err(missing) => {
                    let symbol = Symbol::from(&asset);
                    state.unmargined.push(Unmargined { symbol, reason: missing.to_string() });
                }
            }
        }
        state
    }
}

/// None when the lots cancel and no gain is left.
fn leg(
    (contract, symbol): (&Contract, &Symbol),
    by_entry: &BTreeMap<Option<Price>, Quantity>,
    quoted: Result<Quoted, Missing>,
) -> Result<Option<Leg>, Missing> {
    let net =
        by_entry.values().try_fold(Quantity::default(), |sum, lot| sum.checked_add(*lot)).map_err(range)?;
    let entry_value = entry_value(contract, by_entry)?;
    if net.get().is_zero() && entry_value.is_none_or(|value| value == 0.0) {
        return Ok(None);
    }
    let quantity = model(net.get())?;
    let Quoted { index_usd, settlement_usd, quote_usd, mark } = quoted?;
    let leg = Leg {
        symbol: symbol.clone(),
        contract: contract.clone(),
        quantity,
        entry_value,
        index_usd,
        settlement_usd,
        quote_usd,
        mark,
    };
    // A future of unknown entry has no known gain so far, but it gains and loses from here on: without an entry it would
    // stand still on every moved state.
    let unknown = leg.entry_value.is_none() && !leg.is_option();
    Ok(Some(if unknown { leg.at_mark() } else { leg }))
}

fn entry_value(
    contract: &Contract,
    by_entry: &BTreeMap<Option<Price>, Quantity>,
) -> Result<Option<f64>, Missing> {
    let is_option = matches!(contract.terms, Terms::Option { .. });
    let mut total = 0.0;
    for (entry, quantity) in by_entry {
        let Some(entry) = entry else { return Ok(None) };
        let (entry, quantity) = (model(entry.get())?, model(quantity.get())?);
        total += match &contract.settlement {
            Settlement::Inverse if !is_option => quantity / entry,
            Settlement::Inverse | Settlement::Linear { .. } => quantity * entry,
            Settlement::Quanto { multiplier, .. } => quantity * model(*multiplier)? * entry,
        };
    }
    Ok(Some(total))
}

fn mark(contract: &Contract, market: &Market) -> Result<Mark, Missing> {
    match &contract.terms {
        Terms::Option { strike, kind, .. } => {
            let state = market.option_state(contract)?;
            let strike = Strike::new(model(strike.get())?).map_err(range)?;
            let (forward, vol, expiry) = (state.forward, state.vol, state.expiry);
            Ok(Mark::Option { forward, vol, strike, kind: *kind, expiry })
        }
        Terms::Future { .. } => {
            let state = market.future_state(contract)?;
            Ok(Mark::Future { price: state.mark, expiry: state.expiry })
        }
        Terms::Perpetual => Ok(Mark::Perpetual { price: market.future_state(contract)?.mark }),
        Terms::Spot => Err(Missing::Range { rule: "a spot position is a balance".into() }),
    }
}

fn model(value: Decimal) -> Result<f64, Missing> {
    border::to_model(value).map_err(range)
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn range(error: UnitError) -> Missing {
    Missing::Range { rule: error.to_string() }
}
