//! One interval: every thing held at its start, on the market of its start and on that of its end; then what came and went.
//!
//! Values are those of the live views and of reports, thing by thing. Causes are computed on options net by contract and balances net by
//! asset, so that an interval costs two prices a contract, and what that rounds otherwise is residual.

use super::{Base, Flow, Flows, ValueChange};
use crate::views::{Item, position_of};
use book::{Balance, Book, Ledger, OpenPosition, Place, Position};
use instrument::{Contract, Terms};
use market::Market;
use risk::explain::{Explanation, FundingRates, Side};
use risk::{FuturePrices, Holding, Measure, PriceBoard, Unit, Valuation, position_rows, publishable};
use std::collections::BTreeMap;
use units::{Asset, Decimal, Fixed, Money, border, exact_sum};

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
    contracts: BTreeMap<Contract, Unit>,
    assets: BTreeMap<Asset, Unit>,
}

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
    options: BTreeMap<Contract, Position>,
    others: Vec<Position>,
    balance: Option<Balance>,
}

struct Telling<'a> {
    from: Prices<'a>,
    to: Prices<'a>,
    groups: BTreeMap<Asset, Group>,
    unexplained: BTreeMap<Item, String>,
}

impl<'a> Prices<'a> {
    fn new<'l>(ledgers: impl Iterator<Item = &'l Ledger>, flows: &Flows, market: &'a Market) -> Self {
        let mut board = PriceBoard::default();
        for ledger in ledgers {
            for (_, held) in ledger.positions() {
                board.add(&held.listing().contract, market);
            }
            for (_, asset, _) in ledger.balances() {
                board.add_asset(asset, market);
            }
        }
        for (_, asset) in flows.cash.keys() {
            board.add_asset(asset, market);
        }
        let contracts = board.contracts.iter();
        let contracts =
            contracts.filter_map(|(of, priced)| Some((of.clone(), priced.as_ref().ok()?.unit()))).collect();
        let assets = board.assets.iter();
        let assets =
            assets.filter_map(|(of, priced)| Some((of.clone(), priced.as_ref().ok()?.unit()))).collect();
        Self { market, valuation: Valuation { board, ..Valuation::default() }, contracts, assets }
    }

    fn position(&self, place: &Place, held: &OpenPosition) -> Worth {
        let worth = |usd, fault| Worth { usd, fault };
        match self.figure(held) {
            Some((usd, fault)) => worth(usd, fault.map(str::to_owned)),
            None => {
                let Some(position) = position_of(place, held) else { return worth(Fixed::ZERO, None) };
                match position_rows(&position, &self.valuation.board, self.market) {
                    Ok(of) => {
                        let usd = of.rows.iter().map(|row| row.exposure.in_usd(Measure::Value)).sum();
                        worth(usd, of.gain_unknown.then(|| ENTRY_UNKNOWN.to_owned()))
                    }
                    Err(unpriced) => worth(Fixed::ZERO, Some(unpriced.reason)),
                }
            }
        }
    }

    /// The value without rows; none where those have to tell.
    fn figure(&self, held: &OpenPosition) -> Option<(Fixed, Option<&'static str>)> {
        let contract = &held.listing().contract;
        let unit = self.contracts.get(contract)?;
        let is_future = matches!(contract.terms, Terms::Perpetual | Terms::Future { .. });
        let entry = if is_future { held.average_price() } else { None };
        let holding = Holding::new(held.listing(), held.canonical_quantity(), entry).ok()?;
        if !is_future {
            publishable(holding.quantity, unit.reach())?;
            return Some((unit.figure(holding.quantity, Measure::Value).ok()?, None));
        }
        let mark = self.market.future_state(contract).ok()?.mark;
        let paid = contract.settlement_asset();
        let settlement = (self.valuation.board.assets.get(paid)?.as_ref().ok()?, self.assets.get(paid)?);
        let prices = FuturePrices { contract, unit, mark, settlement };
        let figures = prices.figures(holding, &[Measure::Value])?;
        let figure = figures.first()?;
        let fault = holding.entry.is_none().then_some(ENTRY_UNKNOWN);
        Some((figure.own + figure.gain.unwrap_or_default(), fault))
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

/// Values at the start; none while something is held and nothing of it has a price.
pub(super) fn opened(ledger: &Ledger, market: &Market) -> Option<Interval> {
    let prices = Prices::new(std::iter::once(ledger), &Flows::default(), market);
    let positions = traded(ledger).map(|(place, held)| {
        let item = Item::Position(place.clone(), held.listing().symbol.clone());
        (item, &held.listing().contract.underlying, prices.position(place, held))
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
    let mut telling = Telling {
        from: Prices::new(std::iter::once(&base.ledger), &Flows::default(), &base.market),
        to: Prices::new([&base.ledger, ledger].into_iter(), flows, market),
        groups: BTreeMap::new(),
        unexplained: BTreeMap::new(),
    };
    telling.positions(&base.ledger, ledger, flows);
    telling.balances(&base.ledger, ledger);
    telling.cash(flows);
    telling.finish()
}

/// Positions but for spot, which is in the balances.
fn traded(ledger: &Ledger) -> impl Iterator<Item = (&Place, &OpenPosition)> {
    ledger.positions().filter(|(_, held)| held.listing().contract.terms != Terms::Spot)
}

impl Telling<'_> {
    fn positions(&mut self, start: &Ledger, end: &Ledger, flows: &Flows) {
        for (place, held) in traded(start) {
            let symbol = &held.listing().symbol;
            let (before, carried) = (self.from.position(place, held), self.to.position(place, held));
            let after = match end.position(place, symbol) {
                Some(now) if now == held => carried.usd,
                Some(now) => self.to.position(place, now).usd,
                None => Fixed::ZERO,
            };
            let group = self.groups.entry(held.listing().contract.underlying.clone()).or_default();
            group.change.value_usd += after;
            if let Some(slot) = flows.positions.get(&(place.clone(), symbol.clone())) {
                group.flow(*slot, after - carried.usd);
            } else {
                // Positions change by entries alone: this is zero.
                group.cash_left += after - carried.usd;
            }
            match before.fault.or(carried.fault) {
                None => group.hold(place, held, carried.usd - before.usd),
                Some(why) => {
                    group.lose(carried.usd - before.usd);
                    self.unexplained.insert(Item::Position(place.clone(), symbol.clone()), why);
                }
            }
        }
        for ((place, symbol), flow) in &flows.positions {
            let Some(held) = end.position(place, symbol).filter(|_| start.position(place, symbol).is_none())
            else {
                continue;
            };
            if held.listing().contract.terms == Terms::Spot {
                continue;
            }
            let worth = self.to.position(place, held);
            let group = self.groups.entry(held.listing().contract.underlying.clone()).or_default();
            group.change.value_usd += worth.usd;
            group.flow(*flow, worth.usd);
            if let Some(why) = worth.fault {
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

    /// A position that both markets price. Options are netted by contract; futures have gains of their own.
    fn hold(&mut self, place: &Place, held: &OpenPosition, usd: Fixed) {
        let contract = &held.listing().contract;
        self.explained += usd;
        let is_option = matches!(contract.terms, Terms::Option { .. });
        if let Some(known) = self.options.get_mut(contract).filter(|_| is_option)
            && let Some(sum) = exact_sum(known.canonical_quantity, held.canonical_quantity())
        {
            known.canonical_quantity = sum;
            return;
        }
        let Some(position) = position_of(place, held) else { return };
        if is_option && !self.options.contains_key(contract) {
            self.options.insert(contract.clone(), position);
        } else {
            self.others.push(position);
        }
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
        let Self { mut change, explained, cash_left, options, others, balance } = self;
        let positions = options.into_values().chain(others).collect();
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
