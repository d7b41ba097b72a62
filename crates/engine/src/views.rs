//! Live views: the board of prices, one row per thing held, sums by group. All of it follows from ledger and market; what is kept
//! is only what need not be computed again.
//!
//! An event names what it touched: things held, contracts, assets. Their prices and rows are computed again by the functions that a
//! report calls, and the sums of their groups change by the difference. Sums are exact integers, so that the views after any events
//! are, bit for bit, those of a valuation of the same ledger and market from nothing (a property test holds that).

use book::{Balance, Ledger, OpenPosition, Origin, Place, Position};
use instrument::{Contract, Settlement, Terms};
use market::Market;
use risk::{
    Exposure, GroupBy, GroupKey, PositionRows, PriceBoard, Priced, Row, balance_place, balance_row,
    position_place, position_rows,
};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Decimal, Money, Symbol};

/// A thing held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A position, by its listing's symbol.
    Position(Place, Symbol),
    /// A balance.
    Balance(Place, Asset),
}

/// What a thing held is worth, or why that cannot be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Valued {
    /// A row; two where a gain settles in a coin of its own.
    pub rows: Result<Vec<Row>, String>,
    /// Where it belongs, with no figures: for groups that lack it.
    place: Box<Row>,
    /// True for a future without an entry price.
    pub gain_unknown: bool,
    /// What it is a position in; none for balances.
    contract: Option<Contract>,
    /// The asset of a balance, or the one that a position's gains are paid in.
    asset: Asset,
}

/// Sum of one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupSum {
    /// Rows in it.
    pub rows: usize,
    /// Exact sums.
    pub exposure: Exposure,
    /// How many rows of each underlying.
    pub underlyings: BTreeMap<Asset, usize>,
    /// Things held that belong here and have no value: the sums lack them.
    pub unvalued: usize,
}

/// Sums by grouping and key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupSums {
    by: BTreeMap<Vec<GroupBy>, BTreeMap<Vec<GroupKey>, GroupSum>>,
    /// Groups that changed since somebody last asked.
    changed: BTreeMap<Vec<GroupBy>, BTreeSet<Vec<GroupKey>>>,
}

impl GroupSums {
    /// Groups of one grouping; none when it is not kept.
    pub fn of(&self, by: &[GroupBy]) -> &BTreeMap<Vec<GroupKey>, GroupSum> {
        const NONE: &BTreeMap<Vec<GroupKey>, GroupSum> = &BTreeMap::new();
        self.by.get(by).unwrap_or(NONE)
    }

    /// Groups of every grouping that changed since the last call.
    pub(crate) fn take_changed(&mut self) -> BTreeMap<Vec<GroupBy>, BTreeSet<Vec<GroupKey>>> {
        std::mem::take(&mut self.changed)
    }

    /// Puts a row in the place of one of the same groups.
    fn replace(&mut self, old: &Row, new: &Row) {
        for (columns, groups) in &mut self.by {
            let key: Vec<GroupKey> = columns.iter().map(|column| column.key(new)).collect();
            if let Some(sum) = groups.get_mut(&key) {
                sum.exposure -= &old.exposure;
                sum.exposure += &new.exposure;
            }
            note(&mut self.changed, columns, key);
        }
    }

    fn add(&mut self, row: &Row) {
        for (columns, groups) in &mut self.by {
            let key: Vec<GroupKey> = columns.iter().map(|column| column.key(row)).collect();
            note(&mut self.changed, columns, key.clone());
            let sum = groups.entry(key).or_default();
            sum.rows += 1;
            sum.exposure += &row.exposure;
            *sum.underlyings.entry(row.underlying.clone()).or_default() += 1;
        }
    }

    fn remove(&mut self, row: &Row) {
        for (columns, groups) in &mut self.by {
            let key: Vec<GroupKey> = columns.iter().map(|column| column.key(row)).collect();
            note(&mut self.changed, columns, key.clone());
            let Some(sum) = groups.get_mut(&key) else { continue };
            sum.rows = sum.rows.saturating_sub(1);
            sum.exposure -= &row.exposure;
            if let Some(count) = sum.underlyings.get_mut(&row.underlying) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    sum.underlyings.remove(&row.underlying);
                }
            }
            if sum.rows == 0 && sum.unvalued == 0 {
                groups.remove(&key);
            }
        }
    }

    /// Counts a thing without a value in its groups, or takes it out of the count.
    fn count_unvalued(&mut self, row: &Row, counted: Counted) {
        for (columns, groups) in &mut self.by {
            let key: Vec<GroupKey> = columns.iter().map(|column| column.key(row)).collect();
            note(&mut self.changed, columns, key.clone());
            let sum = groups.entry(key.clone()).or_default();
            sum.unvalued = match counted {
                Counted::In => sum.unvalued + 1,
                Counted::Out => sum.unvalued.saturating_sub(1),
            };
            if sum.rows == 0 && sum.unvalued == 0 {
                groups.remove(&key);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Counted {
    In,
    Out,
}

fn note(
    changed: &mut BTreeMap<Vec<GroupBy>, BTreeSet<Vec<GroupKey>>>,
    columns: &Vec<GroupBy>,
    key: Vec<GroupKey>,
) {
    match changed.get_mut(columns) {
        Some(keys) => drop(keys.insert(key)),
        None => drop(changed.insert(columns.clone(), BTreeSet::from([key]))),
    }
}

/// What events touched since the views were last brought up to date.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Touched {
    pub(crate) items: BTreeSet<Item>,
    pub(crate) underlyings: BTreeSet<Asset>,
    /// True when the time of valuation or a rate changed: everything is priced again.
    pub(crate) everything: bool,
}

/// The views.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Views {
    board: PriceBoard,
    items: BTreeMap<Item, Valued>,
    sums: GroupSums,
    by_contract: BTreeMap<Contract, BTreeSet<Item>>,
    by_asset: BTreeMap<Asset, BTreeSet<Item>>,
    changes: Vec<(Item, Option<String>)>,
}

impl Views {
    /// Everything held, in the order of places and names.
    #[must_use]
    pub const fn items(&self) -> &BTreeMap<Item, Valued> {
        &self.items
    }

    pub(crate) const fn sums_mut(&mut self) -> &mut GroupSums {
        &mut self.sums
    }

    /// Sums by group.
    #[must_use]
    pub const fn sums(&self) -> &GroupSums {
        &self.sums
    }

    /// Prices of everything held.
    #[must_use]
    pub const fn board(&self) -> &PriceBoard {
        &self.board
    }

    /// Keeps these groupings and no others.
    pub(crate) fn keep(&mut self, groupings: BTreeSet<Vec<GroupBy>>) {
        let by = groupings.into_iter().map(|by| (by, BTreeMap::new())).collect();
        self.sums = GroupSums { by, changed: BTreeMap::new() };
        for valued in self.items.values() {
            into(&mut self.sums, &valued.rows, &valued.place);
        }
    }

    /// Brings everything that was touched up to date.
    pub(crate) fn update(&mut self, ledger: &Ledger, market: &Market, touched: Touched) {
        let Touched { mut items, underlyings, everything } = touched;
        self.reprice(market, (&underlyings, everything), &mut items);
        for item in items {
            self.value(item, ledger, market);
        }
    }

    /// Prices again what may have changed, and adds what is held of what did.
    fn reprice(
        &mut self,
        market: &Market,
        (underlyings, everything): (&BTreeSet<Asset>, bool),
        items: &mut BTreeSet<Item>,
    ) {
        if !everything && underlyings.is_empty() {
            return;
        }
        let mut changed_assets = BTreeSet::new();
        for (asset, price) in &mut self.board.assets {
            if everything || underlyings.contains(asset) || asset.is_currency() {
                let now = Priced::asset(asset, market);
                if now != *price {
                    *price = now;
                    changed_assets.insert(asset.clone());
                }
            }
        }
        for asset in &changed_assets {
            items.extend(self.by_asset.get(asset).into_iter().flatten().cloned());
        }
        for (contract, price) in &mut self.board.contracts {
            // What is not quoted in USD moves with the rate of its currency, whether or not somebody holds that.
            let is_quoted_in_currency = matches!(contract.settlement, Settlement::Linear { .. });
            let depends = everything
                || is_quoted_in_currency
                || underlyings.contains(&contract.underlying)
                || changed_assets.contains(contract.settlement_asset());
            if depends {
                let now = Priced::new(contract, market);
                if now != *price {
                    *price = now;
                    items.extend(self.by_contract.get(contract).into_iter().flatten().cloned());
                }
            }
        }
    }

    /// Values one thing held again; what is no longer held goes.
    fn value(&mut self, item: Item, ledger: &Ledger, market: &Market) {
        let valued = self.valued(&item, ledger, market);
        let Some(valued) = valued else {
            if let Some(old) = self.items.remove(&item) {
                self.take_out(&old);
                self.forget(&item, &old);
            }
            return;
        };
        let was = self.items.get(&item).map(|old| old.rows.is_ok());
        if valued.rows.is_ok() != was.unwrap_or(true) {
            self.changes.push((item.clone(), valued.rows.as_ref().err().cloned()));
        }
        match self.items.get_mut(&item) {
            Some(old) => {
                let same =
                    |(old, new): (&Row, &Row)| old.kind == new.kind && old.underlying == new.underlying;
                match (&old.rows, &valued.rows) {
                    (Ok(before), Ok(after))
                        if before.len() == after.len() && before.iter().zip(after).all(same) =>
                    {
                        before.iter().zip(after).for_each(|(old, new)| self.sums.replace(old, new));
                    }
                    (before, after) => {
                        out_of(&mut self.sums, before, &old.place);
                        into(&mut self.sums, after, &valued.place);
                    }
                }
                *old = valued;
            }
            None => {
                into(&mut self.sums, &valued.rows, &valued.place);
                self.items.insert(item, valued);
            }
        }
    }

    fn take_out(&mut self, old: &Valued) {
        out_of(&mut self.sums, &old.rows, &old.place);
    }

    /// What lost its value, with the reason, and what has one again, since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<(Item, Option<String>)> {
        std::mem::take(&mut self.changes)
    }

    /// Coins that something held depends on.
    pub(crate) fn coins(&self) -> impl Iterator<Item = &Asset> {
        let of_contracts = self.by_contract.keys().map(|contract| &contract.underlying);
        of_contracts.chain(self.by_asset.keys()).filter(|asset| !asset.is_currency())
    }

    fn valued(&mut self, item: &Item, ledger: &Ledger, market: &Market) -> Option<Valued> {
        match item {
            Item::Position(place, symbol) => {
                let position = position_of(place, ledger.position(place, symbol)?)?;
                let contract = &position.listing.contract;
                if !self.items.contains_key(item) {
                    self.board.add(contract, market);
                    index(&mut self.by_contract, contract, item);
                    index(&mut self.by_asset, contract.settlement_asset(), item);
                }
                let rows = position_rows(&position, &self.board, market);
                let gain_unknown = rows.as_ref().is_ok_and(|valued| valued.gain_unknown);
                let rows = rows.map(|PositionRows { rows, .. }| rows).map_err(|unpriced| unpriced.reason);
                let asset = contract.settlement_asset().clone();
                let place = Box::new(position_place(&position));
                Some(Valued { rows, place, gain_unknown, contract: Some(contract.clone()), asset })
            }
            Item::Balance(place, asset) => {
                let balance = balance_of(place, asset, ledger.balance(place, asset))?;
                if !self.items.contains_key(item) {
                    self.board.add_asset(asset, market);
                    index(&mut self.by_asset, asset, item);
                }
                let rows = balance_row(&balance, &self.board).map(|row| vec![row]);
                let rows = rows.map_err(|unpriced| unpriced.reason);
                let place = Box::new(balance_place(&balance));
                Some(Valued { rows, place, gain_unknown: false, contract: None, asset: asset.clone() })
            }
        }
    }

    /// Takes a thing that is no longer held out of the indices, and prices that nothing needs any more off the board.
    fn forget(&mut self, item: &Item, old: &Valued) {
        if let Some(contract) = &old.contract
            && is_last(&mut self.by_contract, contract, item)
        {
            self.board.contracts.remove(contract);
        }
        if is_last(&mut self.by_asset, &old.asset, item) {
            self.board.assets.remove(&old.asset);
        }
    }
}

fn into(sums: &mut GroupSums, rows: &Result<Vec<Row>, String>, place: &Row) {
    match rows {
        Ok(rows) => rows.iter().for_each(|row| sums.add(row)),
        Err(_) => sums.count_unvalued(place, Counted::In),
    }
}

fn out_of(sums: &mut GroupSums, rows: &Result<Vec<Row>, String>, place: &Row) {
    match rows {
        Ok(rows) => rows.iter().for_each(|row| sums.remove(row)),
        Err(_) => sums.count_unvalued(place, Counted::Out),
    }
}

fn index<K: Ord + Clone>(index: &mut BTreeMap<K, BTreeSet<Item>>, key: &K, item: &Item) {
    index.entry(key.clone()).or_default().insert(item.clone());
}

/// Takes an item out of an index; true when its key has none left.
fn is_last<K: Ord>(index: &mut BTreeMap<K, BTreeSet<Item>>, key: &K, item: &Item) -> bool {
    let Some(items) = index.get_mut(key) else { return false };
    items.remove(item);
    let is_last = items.is_empty();
    if is_last {
        index.remove(key);
    }
    is_last
}

/// A position as risk reads it; none for spot, which is in the balances.
fn position_of(place: &Place, held: &OpenPosition) -> Option<Position> {
    (held.listing().contract.terms != Terms::Spot).then(|| Position {
        account: place.account.clone(),
        venue: place.venue.clone(),
        chain: place.chain.clone(),
        listing: held.listing().clone(),
        quantity: held.quantity(),
        canonical_quantity: held.canonical_quantity(),
        average_price: held.average_price(),
        combo: None,
        origin: origin(),
    })
}

fn balance_of(place: &Place, asset: &Asset, amount: Decimal) -> Option<Balance> {
    (!amount.is_zero()).then(|| Balance {
        account: place.account.clone(),
        venue: place.venue.clone(),
        chain: place.chain.clone(),
        money: Money { amount, asset: asset.clone() },
        origin: origin(),
    })
}

/// Live rows have no place in a file.
fn origin() -> Origin {
    Origin { file: "ledger".into(), row: 0 }
}
