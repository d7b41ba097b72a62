//! From a book and a market to account states: lots netted exactly, each contract looked up once.
//!
//! ```text
//! Book  ->  Netted: accounts, contracts and sizes      + Market  ->  AccountState: legs with marks, balances with prices
//! ```
//!
//! Lots of one contract and one entry price are added as decimals before anything else, so splitting a position into lots
//! changes no bit. Spot positions are balances of their coin. Each account is netted and priced by itself, so the number of threads changes
//! nothing. The engine asks for [`account_states`], which the calling thread computes alone: a thread that hedges waits for no pool that
//! readers fill. Who prices one book on many markets keeps [`Netted`].

use crate::report::Unmargined;
use crate::state::{AccountState, Holding, Leg, Mark};
use book::{Balance, Book, Position};
use instrument::{Contract, Listing, Settlement, Terms};
use market::{Market, Missing, quote_currency};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Account, Asset, Decimal, Price, Quantity, Strike, Symbol, UnitError, Venue, border};

/// One state per account and venue of a book, in that order; by the calling thread alone.
#[must_use]
pub fn account_states(book: &Book, market: &Market) -> Vec<AccountState> {
    let contracts = Contracts::of(book);
    let accounts: Vec<_> =
        by_account(book).into_iter().map(|all| NettedAccount::of(all, &contracts)).collect();
    let quoted: Vec<_> = contracts.all.iter().map(|listing| Quoted::of(&listing.contract, market)).collect();
    accounts.iter().map(|account| account.priced(market, &contracts.all, &quoted)).collect()
}

/// A book netted by account and venue, before any price: for whoever shows it on many markets.
#[derive(Debug)]
pub struct Netted {
    contracts: Vec<Arc<Listing>>,
    accounts: Vec<NettedAccount>,
}

impl Netted {
    /// By all threads of the current pool.
    #[must_use]
    pub fn of(book: &Book) -> Self {
        let contracts = Contracts::of(book);
        let all: Vec<_> = by_account(book).into_iter().collect();
        let accounts = all.into_par_iter().map(|one| NettedAccount::of(one, &contracts)).collect();
        Self { accounts, contracts: contracts.all }
    }

    /// The states of [`account_states`], by all threads of the current pool.
    #[must_use]
    pub fn states(&self, market: &Market) -> Vec<AccountState> {
        let quoted = self.contracts.par_iter().map(|listing| Quoted::of(&listing.contract, market));
        let quoted: Vec<_> = quoted.collect();
        let accounts = self.accounts.par_iter();
        accounts.map(|account| account.priced(market, &self.contracts, &quoted)).collect()
    }
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

/// What one account holds on one venue, in the order of the book.
#[derive(Debug, Default)]
struct Held<'a> {
    positions: Vec<&'a Position>,
    balances: Vec<&'a Balance>,
}

/// Each contract that is held, once.
struct Contracts<'a> {
    all: Vec<Arc<Listing>>,
    places: BTreeMap<&'a Contract, usize>,
}

impl<'a> Contracts<'a> {
    fn of(book: &'a Book) -> Self {
        // Positions of one contract share their listing nearly always: pointers are told apart sooner than contracts.
        let listings: BTreeMap<*const Listing, &Arc<Listing>> =
            book.positions.iter().map(|held| (Arc::as_ptr(&held.listing), &held.listing)).collect();
        let mut contracts = Self { all: Vec::new(), places: BTreeMap::new() };
        for listing in listings.into_values() {
            contracts.places.entry(&listing.contract).or_insert_with(|| {
                contracts.all.push(listing.clone());
                contracts.all.len() - 1
            });
        }
        contracts
    }
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

/// What one account holds on one venue, netted as decimals.
#[derive(Debug, Default)]
struct Lots<'a> {
    /// By contract: its symbol, and quantities by canonical entry price.
    contracts: BTreeMap<&'a Contract, (&'a Symbol, BTreeMap<Option<Price>, Quantity>)>,
    balances: BTreeMap<Asset, Quantity>,
    unmargined: Vec<Unmargined>,
}

impl<'a> Lots<'a> {
    fn of(held: &Held<'a>) -> Self {
        let mut lots = Lots::default();
        for position in &held.positions {
            lots.add_position(position);
        }
        for balance in &held.balances {
            lots.add_balance(&balance.money.asset, Quantity::new(balance.money.amount));
        }
        lots
    }

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
}

/// What one account holds on one venue, netted and not yet priced.
#[derive(Debug)]
struct NettedAccount {
    account: Account,
    venue: Venue,
    /// In the order of contracts; what has no size that a model can take says why.
    legs: Vec<Result<NettedLeg, Unmargined>>,
    balances: Vec<(Asset, Result<f64, Missing>)>,
    unmargined: Vec<Unmargined>,
}

#[derive(Debug)]
struct NettedLeg {
    /// Among all contracts of the book.
    place: usize,
    symbol: Symbol,
    quantity: f64,
    entry_value: Option<f64>,
}

impl NettedAccount {
    fn of(((account, venue), held): (Key<'_>, Held<'_>), contracts: &Contracts<'_>) -> Self {
        let Lots { contracts: lots, balances, unmargined } = Lots::of(&held);
        let legs = lots.into_iter().filter_map(|(contract, (symbol, by_entry))| {
            let Some(place) = contracts.places.get(contract).copied() else {
                return Some(Err(refused(symbol, &not_of_the_book())));
            };
            let sizes = sizes(contract, &by_entry).map_err(|missing| refused(symbol, &missing));
            let leg =
                |(quantity, entry_value)| NettedLeg { place, symbol: symbol.clone(), quantity, entry_value };
            sizes.map(|sizes| sizes.map(leg)).transpose()
        });
        let legs = legs.collect();
        let balances = balances.into_iter().map(|(asset, amount)| (asset, model(amount.get()))).collect();
        Self { account: account.clone(), venue: venue.clone(), legs, balances, unmargined }
    }

    fn priced(
        &self,
        market: &Market,
        contracts: &[Arc<Listing>],
        quoted: &[Result<Quoted, Missing>],
    ) -> AccountState {
        let mut state = AccountState {
            account: self.account.clone(),
            venue: self.venue.clone(),
            asof: market.asof,
            legs: Vec::with_capacity(self.legs.len()),
            balances: Vec::with_capacity(self.balances.len()),
            unmargined: self.unmargined.clone(),
        };
        for leg in &self.legs {
            let leg = match leg {
                Ok(leg) => leg,
                Err(refused) => {
                    state.unmargined.push(refused.clone());
                    continue;
                }
            };
            let (Some(listing), Some(quoted)) = (contracts.get(leg.place), quoted.get(leg.place)) else {
                state.unmargined.push(refused(&leg.symbol, &not_of_the_book()));
                continue;
            };
            match quoted {
                Ok(quoted) => state.legs.push(leg.priced(&listing.contract, *quoted)),
                Err(missing) => state.unmargined.push(refused(&leg.symbol, missing)),
            }
        }
        for (asset, amount) in &self.balances {
            let priced = market.usd_rate(asset).and_then(|usd| Ok((usd, amount.clone()?)));
            let holding = |(price_usd, amount)| Holding { asset: asset.clone(), amount, price_usd };
            match priced.map(holding) {
                Ok(holding) => state.balances.push(holding),
                Err(missing) => state.unmargined.push(refused(&Symbol::from(asset), &missing)),
            }
        }
        state
    }
}

impl NettedLeg {
    fn priced(&self, contract: &Contract, quoted: Quoted) -> Leg {
        let Quoted { index_usd, settlement_usd, quote_usd, mark } = quoted;
        let leg = Leg {
            symbol: self.symbol.clone(),
            contract: contract.clone(),
            quantity: self.quantity,
            entry_value: self.entry_value,
            index_usd,
            settlement_usd,
            quote_usd,
            mark,
        };
        // A future of unknown entry has no known gain so far, but it gains and loses from here on: without an entry it would
        // stand still on every moved state.
        let unknown = leg.entry_value.is_none() && !leg.is_option();
        if unknown { leg.at_mark() } else { leg }
    }
}

/// Every lot is of a contract of its book: a mistake of ours, and then it is listed, not left out.
fn not_of_the_book() -> Missing {
    Missing::Range { rule: "internal: its contract is not in the book; please report it".into() }
}

fn refused(symbol: &Symbol, missing: &Missing) -> Unmargined {
    Unmargined { symbol: symbol.clone(), reason: missing.to_string() }
}

/// Net quantity and entry value; none when the lots cancel and no gain is left.
fn sizes(
    contract: &Contract,
    by_entry: &BTreeMap<Option<Price>, Quantity>,
) -> Result<Option<(f64, Option<f64>)>, Missing> {
    let net =
        by_entry.values().try_fold(Quantity::default(), |sum, lot| sum.checked_add(*lot)).map_err(range)?;
    let entry_value = entry_value(contract, by_entry)?;
    if net.get().is_zero() && entry_value.is_none_or(|value| value == 0.0) {
        return Ok(None);
    }
    Ok(Some((model(net.get())?, entry_value)))
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
