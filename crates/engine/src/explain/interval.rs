//! One interval: every thing held at its start, on the market of its start and on that of its end; then what came and went.
//!
//! Values are those of the live views and of reports, thing by thing. Causes are computed on options net by contract and balances net by
//! asset, so that an interval costs two prices a contract, and what that rounds otherwise is residual. Things that came or went are looked
//! at by themselves: everything else is at the end what it was at the start.

use super::{Base, Flow, Flows, ValueChange};
use crate::views::{Item, position_of};
use book::{Balance, Book, Ledger, OpenPosition, Place, Position};
use instrument::{Contract, Terms};
use market::Market;
use risk::explain::{Explanation, FundingRates, Side};
use risk::{FuturePrices, Holding, Measure, PriceBoard, Priced, Unit, Valuation, position_rows, publishable};
use std::collections::BTreeMap;
use units::{Asset, Decimal, Fixed, Forward, Money, border, exact_sum};

const ENTRY_UNKNOWN: &str = "its entry price is not known, so its gain is in no value";

/// What an interval told, by underlying, and what it could not explain.
#[derive(Debug, Default)]
pub(super) struct Interval {
    pub(super) changes: BTreeMap<Asset, ValueChange>,
    pub(super) unexplained: BTreeMap<Item, String>,
}

/// A market, and the prices on it of everything that an interval looks at.
struct Prices<'a> {
    market: &'a Market,
    /// Its board only.
    valuation: Valuation,
    assets: BTreeMap<Asset, Unit>,
}

/// One contract on a market; no unit where it has no price.
struct Line<'p> {
    prices: &'p Prices<'p>,
    contract: &'p Contract,
    unit: Option<Unit>,
    /// Of a future: its mark, and what its gains are paid in.
    future: Option<(Forward, &'p Priced, &'p Unit)>,
}

/// Positions but for spot, which is in the balances, by contract.
type Lines<'l> = BTreeMap<&'l Contract, Vec<(&'l Place, &'l OpenPosition)>>;

/// Published value of a thing held, or why it has none or does not say all.
#[derive(Debug, Clone)]
struct Worth {
    usd: Fixed,
    fault: Option<String>,
}

/// Things of one underlying.
#[derive(Default)]
struct Group {
    change: ValueChange,
    /// Change of value of what is explained.
    explained: Fixed,
    /// Change of value of balances by what came and went, less the flows of cash.
    cash_left: Fixed,
    positions: Vec<Position>,
    balance: Option<Balance>,
}

struct Telling<'p> {
    from: &'p Prices<'p>,
    to: &'p Prices<'p>,
    groups: BTreeMap<Asset, Group>,
    unexplained: BTreeMap<Item, String>,
}

impl<'a> Prices<'a> {
    fn new<'l>(
        contracts: impl Iterator<Item = &'l Contract>,
        assets: impl Iterator<Item = &'l Asset>,
        market: &'a Market,
    ) -> Self {
        let mut board = PriceBoard::default();
        contracts.for_each(|contract| board.add(contract, market));
        assets.for_each(|asset| board.add_asset(asset, market));
        let priced = board.assets.iter();
        let assets =
            priced.filter_map(|(of, priced)| Some((of.clone(), priced.as_ref().ok()?.unit()))).collect();
        Self { market, valuation: Valuation { board, ..Valuation::default() }, assets }
    }

    fn line<'p>(&'p self, contract: &'p Contract) -> Line<'p> {
        let board = &self.valuation.board;
        let priced = board.contracts.get(contract).and_then(|priced| priced.as_ref().ok());
        let paid = contract.settlement_asset();
        let future = || {
            let mark = self.market.future_state(contract).ok()?.mark;
            Some((mark, board.assets.get(paid)?.as_ref().ok()?, self.assets.get(paid)?))
        };
        let future = if is_future(contract) { future() } else { None };
        Line { prices: self, contract, unit: priced.map(Priced::unit), future }
    }

    fn amount(&self, asset: &Asset, amount: Decimal) -> Worth {
        let worth = match self.valuation.board.assets.get(asset) {
            Some(Ok(priced)) => border::to_model(amount).and_then(|quantity| {
                match self.assets.get(asset).filter(|unit| publishable(quantity, unit.reach()).is_some()) {
                    Some(unit) => unit.figure(quantity, Measure::Value),
                    None => priced.exposure(quantity).map(|exposure| exposure.in_usd(Measure::Value)),
                }
            }),
            Some(Err(missing)) => return Worth { usd: Fixed::ZERO, fault: Some(missing.to_string()) },
            None => return Worth { usd: Fixed::ZERO, fault: Some(format!("{asset} was not looked up")) },
        };
        match worth {
            Ok(usd) => Worth { usd, fault: None },
            Err(error) => Worth { usd: Fixed::ZERO, fault: Some(error.to_string()) },
        }
    }
}

impl Line<'_> {
    fn worth(&self, place: &Place, held: &OpenPosition) -> Worth {
        if let Some((usd, fault)) = self.figure(held) {
            return Worth { usd, fault: fault.map(str::to_owned) };
        }
        let Some(position) = position_of(place, held) else {
            return Worth { usd: Fixed::ZERO, fault: None };
        };
        match position_rows(&position, &self.prices.valuation.board, self.prices.market) {
            Ok(of) => {
                let usd = of.rows.iter().map(|row| row.exposure.in_usd(Measure::Value)).sum();
                Worth { usd, fault: of.gain_unknown.then(|| ENTRY_UNKNOWN.to_owned()) }
            }
            Err(unpriced) => Worth { usd: Fixed::ZERO, fault: Some(unpriced.reason) },
        }
    }

    /// The value without rows; none where those have to tell.
    fn figure(&self, held: &OpenPosition) -> Option<(Fixed, Option<&'static str>)> {
        let unit = self.unit.as_ref()?;
        if !is_future(self.contract) {
            let quantity = border::to_model(held.canonical_quantity()).ok()?;
            publishable(quantity, unit.reach())?;
            return Some((unit.figure(quantity, Measure::Value).ok()?, None));
        }
        let (mark, priced, paid) = self.future?;
        let holding = Holding::new(held.listing(), held.canonical_quantity(), held.average_price()).ok()?;
        let prices = FuturePrices { contract: self.contract, unit, mark, settlement: (priced, paid) };
        let figures = prices.figures(holding, &[Measure::Value])?;
        let figure = figures.first()?;
        let fault = holding.entry.is_none().then_some(ENTRY_UNKNOWN);
        Some((figure.own + figure.gain.unwrap_or_default(), fault))
    }
}

const fn is_future(contract: &Contract) -> bool {
    matches!(contract.terms, Terms::Perpetual | Terms::Future { .. })
}

/// Values at the start; none while something is held and nothing of it has a price.
pub(super) fn opened(ledger: &Ledger, market: &Market) -> Option<Interval> {
    let lines = lines(ledger);
    let assets = ledger.balances().map(|(_, asset, _)| asset);
    let prices = Prices::new(lines.keys().copied(), assets, market);
    let positions = lines.iter().flat_map(|(contract, held)| {
        let line = prices.line(contract);
        held.iter().map(move |(place, held)| {
            let item = Item::Position((*place).clone(), held.listing().symbol.clone());
            (item, &contract.underlying, line.worth(place, held))
        })
    });
    let balances = ledger.balances().map(|(place, asset, amount)| {
        (Item::Balance(place.clone(), asset.clone()), asset, prices.amount(asset, amount))
    });
    let mut interval = Interval::default();
    let mut is_priced = None;
    for (item, underlying, Worth { usd, fault }) in positions.chain(balances) {
        let change = interval.changes.entry(underlying.clone()).or_default();
        change.start_usd += usd;
        change.value_usd += usd;
        is_priced = Some(is_priced.unwrap_or(false) || fault.is_none());
        interval.unexplained.extend(fault.map(|why| (item, why)));
    }
    is_priced.unwrap_or(true).then_some(interval)
}

/// Explains the change from a base to a ledger on a market.
pub(super) fn explained(base: &Base, (ledger, market): (&Ledger, &Market), flows: &Flows) -> Interval {
    let lines = lines(&base.ledger);
    let came = flows.positions.keys().filter_map(|(place, symbol)| ledger.position(place, symbol));
    let came = came.map(|held| &held.listing().contract).filter(|contract| contract.terms != Terms::Spot);
    let assets = |ledger| Ledger::balances(ledger).map(|(_, asset, _)| asset);
    let moved = flows.cash.keys().map(|(_, asset)| asset);
    let from = Prices::new(lines.keys().copied(), assets(&base.ledger), &base.market);
    let all = assets(&base.ledger).chain(assets(ledger)).chain(moved);
    let to = Prices::new(lines.keys().copied().chain(came), all, market);
    let mut telling = Telling { from: &from, to: &to, groups: BTreeMap::new(), unexplained: BTreeMap::new() };
    telling.positions(&lines);
    telling.traded(&base.ledger, ledger, flows);
    telling.balances(&base.ledger, ledger);
    telling.cash(flows);
    telling.finish()
}

fn lines(ledger: &Ledger) -> Lines<'_> {
    let mut lines = Lines::new();
    for (place, held) in ledger.positions() {
        let contract = &held.listing().contract;
        if contract.terms != Terms::Spot {
            lines.entry(contract).or_default().push((place, held));
        }
    }
    lines
}

impl Telling<'_> {
    /// What was held at the start, as if nothing had come or gone.
    fn positions(&mut self, lines: &Lines<'_>) {
        for (contract, all) in lines {
            let (from, to) = (self.from.line(contract), self.to.line(contract));
            let group = self.groups.entry(contract.underlying.clone()).or_default();
            let mut net: Option<Position> = None;
            for (place, held) in all {
                let (before, carried) = (from.worth(place, held), to.worth(place, held));
                group.change.value_usd += carried.usd;
                let usd = carried.usd - before.usd;
                match before.fault.or(carried.fault) {
                    None => {
                        group.explained += usd;
                        group.positions.extend(netted(&mut net, place, held));
                    }
                    Some(why) => {
                        group.lose(usd);
                        let item = Item::Position((*place).clone(), held.listing().symbol.clone());
                        self.unexplained.insert(item, why);
                    }
                }
            }
            group.positions.extend(net);
        }
    }

    /// Positions that came, went or changed.
    fn traded(&mut self, start: &Ledger, end: &Ledger, flows: &Flows) {
        for ((place, symbol), flow) in &flows.positions {
            let (before, after) = (start.position(place, symbol), end.position(place, symbol));
            let Some(held) = before.or(after).filter(|held| held.listing().contract.terms != Terms::Spot)
            else {
                continue;
            };
            let contract = &held.listing().contract;
            let line = self.to.line(contract);
            let worth = |held: Option<&OpenPosition>| held.map(|held| line.worth(place, held));
            let (carried, now) = (worth(before), worth(after));
            let usd = |worth: Option<&Worth>| worth.map_or(Fixed::ZERO, |worth| worth.usd);
            let moved = usd(now.as_ref()) - usd(carried.as_ref());
            let group = self.groups.entry(contract.underlying.clone()).or_default();
            group.change.value_usd += moved;
            group.flow(*flow, moved);
            if let (None, Some(why)) = (before, now.and_then(|worth| worth.fault)) {
                group.lose(Fixed::ZERO);
                self.unexplained.insert(Item::Position(place.clone(), symbol.clone()), why);
            }
        }
    }

    fn balances(&mut self, start: &Ledger, end: &Ledger) {
        for (place, asset, amount) in start.balances() {
            let (before, carried) = (self.from.amount(asset, amount), self.to.amount(asset, amount));
            let after = match end.balance(place, asset) {
                now if now == amount => carried.usd,
                now if now.is_zero() => Fixed::ZERO,
                now => self.to.amount(asset, now).usd,
            };
            let group = self.groups.entry(asset.clone()).or_default();
            group.change.value_usd += after;
            group.cash_left += after - carried.usd;
            let fault = before.fault.or(carried.fault);
            let fault = fault.or_else(|| group.keep(place, asset, amount).err());
            match fault {
                None => group.explained += carried.usd - before.usd,
                Some(why) => {
                    group.lose(carried.usd - before.usd);
                    self.unexplained.insert(Item::Balance(place.clone(), asset.clone()), why);
                }
            }
        }
        for (place, asset, amount) in end.balances() {
            if !start.balance(place, asset).is_zero() {
                continue;
            }
            let worth = self.to.amount(asset, amount);
            let group = self.groups.entry(asset.clone()).or_default();
            group.change.value_usd += worth.usd;
            group.cash_left += worth.usd;
            if let Some(why) = worth.fault {
                group.lose(Fixed::ZERO);
                self.unexplained.insert(Item::Balance(place.clone(), asset.clone()), why);
            }
        }
    }

    fn cash(&mut self, flows: &Flows) {
        for ((flow, asset), amount) in &flows.cash {
            let usd = self.to.amount(asset, *amount).usd;
            let group = self.groups.entry(asset.clone()).or_default();
            group.flow(*flow, usd);
            group.cash_left = group.cash_left - usd;
        }
    }

    fn finish(self) -> Interval {
        let Self { from, to, groups, unexplained } = self;
        let sides = (
            Side { market: from.market, valuation: &from.valuation },
            Side { market: to.market, valuation: &to.valuation },
        );
        let mut interval = Interval { changes: BTreeMap::new(), unexplained };
        for (asset, group) in groups {
            let change = group.told(sides, &mut interval.unexplained);
            interval.changes.insert(asset, change);
        }
        interval
    }
}

/// Adds an option to what is netted of its contract. What is not: futures, whose gains are their own, and a sum that needs over 28 digits.
fn netted(net: &mut Option<Position>, place: &Place, held: &OpenPosition) -> Option<Position> {
    let is_option = !is_future(&held.listing().contract);
    match net {
        Some(known) if is_option => {
            match exact_sum(known.canonical_quantity, held.canonical_quantity()) {
                Some(sum) => known.canonical_quantity = sum,
                None => return position_of(place, held),
            }
            None
        }
        None if is_option => {
            *net = position_of(place, held);
            None
        }
        _ => position_of(place, held),
    }
}

impl Group {
    fn flow(&mut self, flow: Flow, usd: Fixed) {
        if let Some(sum) = self.change.flows_usd.get_mut(flow as usize) {
            *sum += usd;
        }
    }

    /// One thing is not explained.
    fn lose(&mut self, usd: Fixed) {
        self.change.unexplained_usd += usd;
        self.change.unexplained += 1;
    }

    /// A balance that both markets price.
    fn keep(&mut self, place: &Place, asset: &Asset, amount: Decimal) -> Result<(), String> {
        let Some(known) = &mut self.balance else {
            self.balance = Some(Balance {
                account: place.account.clone(),
                venue: place.venue.clone(),
                chain: place.chain.clone(),
                money: Money { amount, asset: asset.clone() },
                origin: crate::views::origin(),
            });
            return Ok(());
        };
        let sum = exact_sum(known.money.amount, amount);
        known.money.amount = sum.ok_or_else(|| format!("the sum of all {asset} needs over 28 digits"))?;
        Ok(())
    }

    /// The causes, and the residual that makes everything add up.
    fn told(
        self,
        (start, end): (Side<'_>, Side<'_>),
        unexplained: &mut BTreeMap<Item, String>,
    ) -> ValueChange {
        let Self { mut change, explained, cash_left, positions, balance } = self;
        let book = Book { positions, balances: balance.into_iter().collect(), refused: Vec::new() };
        match Explanation::new(&book, start, end, &FundingRates::new()) {
            Ok(told) => {
                change.causes_usd = told.total.terms_usd;
                let causes: Fixed = change.causes_usd.iter().copied().sum();
                change.residual_usd = explained - causes + cash_left;
                change.unexplained += told.unexplained.len() as u64;
            }
            // A figure too large to publish: nothing of the underlying is explained.
            Err(error) => {
                change.unexplained_usd += explained;
                change.unexplained += (book.positions.len() + book.balances.len()) as u64;
                change.residual_usd = cash_left;
                let place = |account: &units::Account, venue: &units::Venue, chain: &units::Chain| Place {
                    account: account.clone(),
                    venue: venue.clone(),
                    chain: chain.clone(),
                };
                let positions = book.positions.iter().map(|of| {
                    Item::Position(place(&of.account, &of.venue, &of.chain), of.listing.symbol.clone())
                });
                let balances = book.balances.iter().map(|of| {
                    Item::Balance(place(&of.account, &of.venue, &of.chain), of.money.asset.clone())
                });
                unexplained.extend(positions.chain(balances).map(|item| (item, error.to_string())));
            }
        }
        change
    }
}
