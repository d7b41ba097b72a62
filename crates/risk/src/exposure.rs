//! From a book and a market to rows of exposure, and from rows to groups and totals.
//!
//! One row per position and per balance; each figure of a row is quantised once, so any grouping adds up exactly and equals
//! the total to the last digit. What cannot be priced is listed with its reason, and every total then says "partial".

use crate::measure::{Exposure, Measure};
use crate::placed::{Parts, Placed};
use crate::priced::{Priced, Provenance, add_gain, gain_per_unit, gain_usd};
use crate::unit::Unit;
use book::{Balance, Book, Position};
use instrument::{Contract, Listing, Terms};
use market::{Market, Missing};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Account, Asset, Chain, Decimal, Fixed, Forward, Price, Symbol, Timestamp, Venue, border};

/// What a row of exposure stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// An option position.
    Option,
    /// A dated future position.
    Future,
    /// A perpetual position.
    Perpetual,
    /// A spot holding booked as a position.
    Spot,
    /// A balance: collateral or debt.
    Balance,
    /// The gain of a future that settles in a coin other than its underlying.
    Gain,
}

/// One row of exposure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// On which ledger.
    pub chain: Chain,
    /// Venue's symbol, or the asset of a balance.
    pub symbol: Symbol,
    /// Canonical contract, or the asset.
    pub contract: String,
    /// What it is.
    pub kind: RowKind,
    /// Whose price drives it.
    pub underlying: Asset,
    /// Settlement instant.
    pub expiry: Option<Timestamp>,
    /// Signed quantity in the unit of the listing.
    pub quantity: Decimal,
    /// All measures.
    pub exposure: Exposure,
    /// Where the inputs come from.
    pub provenance: Provenance,
}

/// A position or balance that could not be valued.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unpriced {
    /// Book file it came from.
    pub file: String,
    /// Row of data in that file, from 1.
    pub row: u64,
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// On which ledger.
    pub chain: Chain,
    /// Venue's symbol, or the asset.
    pub symbol: Symbol,
    /// What it is.
    pub kind: RowKind,
    /// Signed quantity in the unit of the listing.
    pub quantity: Decimal,
    /// What is missing and how to mend it.
    pub reason: String,
}

/// Every contract of the book priced once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PriceBoard {
    /// By contract: priced, or why not.
    pub contracts: BTreeMap<Contract, Result<Priced, Missing>>,
    /// By asset: priced, or why not.
    pub assets: BTreeMap<Asset, Result<Priced, Missing>>,
}

impl PriceBoard {
    /// Prices each distinct contract and asset of the book, and the settlement assets of its futures.
    #[must_use]
    pub fn new(book: &Book, market: &Market) -> Self {
        let mut board = Self::default();
        for position in &book.positions {
            board.add(&position.listing.contract, market);
        }
        for balance in &book.balances {
            board.add_asset(&balance.money.asset, market);
        }
        board
    }

    /// Prices a contract and what its gains are paid in, if they are not on the board yet.
    pub fn add(&mut self, contract: &Contract, market: &Market) {
        if !self.contracts.contains_key(contract) {
            self.contracts.insert(contract.clone(), Priced::new(contract, market));
        }
        self.add_asset(contract.settlement_asset(), market);
    }

    /// Prices an asset, if it is not on the board yet.
    pub fn add_asset(&mut self, asset: &Asset, market: &Market) {
        if !self.assets.contains_key(asset) {
            self.assets.insert(asset.clone(), Priced::asset(asset, market));
        }
    }

    pub(crate) fn contract(&self, contract: &Contract) -> Result<&Priced, Missing> {
        found(self.contracts.get(contract), contract.underlying.clone())
    }

    pub(crate) fn asset(&self, asset: &Asset) -> Result<&Priced, Missing> {
        found(self.assets.get(asset), asset.clone())
    }
}

fn found(entry: Option<&Result<Priced, Missing>>, asset: Asset) -> Result<&Priced, Missing> {
    match entry {
        Some(Ok(priced)) => Ok(priced),
        Some(Err(missing)) => Err(missing.clone()),
        None => Err(Missing::Index { underlying: asset }),
    }
}

/// A book valued: rows, what could not be priced, and what the shocks need.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Valuation {
    /// In the order of the book: account, venue, chain, symbol.
    pub rows: Vec<Row>,
    /// Positions and balances left out of every total.
    pub unpriced: Vec<Unpriced>,
    /// Futures without an entry price: their gain so far is unknown and not in the totals.
    pub futures_without_entry: usize,
    /// Every contract and asset, priced once.
    pub board: PriceBoard,
}

/// Positions that one task values: enough that handing them out costs little.
const BLOCK: usize = 512;

/// Of a contract that [`contracts_of`] did not give: there is none, and nothing is dropped if there were.
pub(crate) const NOT_LOOKED_UP: &str = "its contract was not looked up";

/// What all positions in one contract share: found once, however many hold it.
#[derive(Debug)]
pub(crate) struct Common<'a> {
    pub(crate) priced: Result<&'a Priced, Missing>,
    /// One unit at that price; none without one.
    pub(crate) unit: Option<Unit>,
    pub(crate) settlement: Result<&'a Priced, Missing>,
}

/// Which of the contracts of a book each position is in, and these contracts. Positions in one contract mostly share its listing.
pub(crate) fn contracts_of(book: &Book) -> (Vec<usize>, Vec<&Contract>) {
    let mut by_listing: BTreeMap<*const Listing, usize> = BTreeMap::new();
    let mut contracts = Vec::new();
    let mut places = Vec::with_capacity(book.positions.len());
    for position in &book.positions {
        places.push(*by_listing.entry(Arc::as_ptr(&position.listing)).or_insert_with(|| {
            contracts.push(&position.listing.contract);
            contracts.len() - 1
        }));
    }
    (places, contracts)
}

impl Valuation {
    /// Values every position and balance of a book, on all threads of the current pool: each row is made of its own contract's price
    /// alone, so that their number changes nothing.
    #[must_use]
    pub fn new(book: &Book, market: &Market) -> Self {
        let (places, contracts) = contracts_of(book);
        let mut valuation = Self::default();
        for contract in &contracts {
            valuation.board.add(contract, market);
        }
        for balance in &book.balances {
            valuation.board.add_asset(&balance.money.asset, market);
        }
        let board = &valuation.board;
        let common = |contract: &&Contract| (Common::of(contract, board), contract.to_string());
        let common: Vec<_> = contracts.iter().map(common).collect();
        let held: Vec<(&Position, usize)> = book.positions.iter().zip(places).collect();
        let block = |held: &[(&Position, usize)]| {
            let mut part = Self::default();
            for (position, place) in held {
                let of = common.get(*place);
                let valued = of.map(|(common, text)| position_rows_of(position, (common, text), market));
                match valued {
                    Some(Ok((rows, gain_unknown))) => {
                        part.futures_without_entry += usize::from(gain_unknown);
                        part.rows.extend(rows.into_iter().flatten());
                    }
                    Some(Err(reason)) => part.unpriced.push(unpriced(position, reason)),
                    None => part.unpriced.push(unpriced(position, NOT_LOOKED_UP.into())),
                }
            }
            part
        };
        let parts: Vec<Self> = held.par_chunks(BLOCK).map(block).collect();
        valuation.rows.reserve(book.positions.len() + book.balances.len());
        for part in parts {
            valuation.futures_without_entry += part.futures_without_entry;
            valuation.rows.extend(part.rows);
            valuation.unpriced.extend(part.unpriced);
        }
        for balance in &book.balances {
            match balance_row(balance, &valuation.board) {
                Ok(row) => valuation.rows.push(row),
                Err(unpriced) => valuation.unpriced.push(*unpriced),
            }
        }
        valuation
    }

    /// True when something is missing from every total.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.unpriced.is_empty()
    }
}

/// What one position is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionRows {
    /// The position, and where its gain settles in a coin of its own, that gain.
    pub rows: Vec<Row>,
    /// True for a future whose entry price, and so its gain so far, is not known.
    pub gain_unknown: bool,
}

/// Values one position.
///
/// # Errors
/// The position as one that cannot be valued.
pub fn position_rows(
    position: &Position,
    board: &PriceBoard,
    market: &Market,
) -> Result<PositionRows, Box<Unpriced>> {
    let contract = &position.listing.contract;
    let valued = position_rows_of(position, (&Common::of(contract, board), &contract.to_string()), market);
    valued.map(rows).map_err(|reason| Box::new(unpriced(position, reason)))
}

pub(crate) fn unpriced(position: &Position, reason: String) -> Unpriced {
    Unpriced {
        file: position.origin.file.to_string(),
        row: position.origin.row,
        account: position.account.clone(),
        venue: position.venue.clone(),
        chain: position.chain.clone(),
        symbol: position.listing.symbol.clone(),
        kind: kind(&position.listing.contract),
        quantity: position.quantity.get(),
        reason,
    }
}

/// The prices that one position rests on: of its contract and of what its gains are paid in.
#[derive(Debug, Clone)]
pub struct HeldPrices<'a> {
    /// Of the contract.
    pub contract: Result<&'a Priced, Missing>,
    /// Of the asset that gains are paid in.
    pub settlement: Result<&'a Priced, Missing>,
}

/// [`position_rows`] at prices that the caller has at hand.
///
/// # Errors
/// Why it cannot be valued.
pub fn position_rows_at(
    position: &Position,
    prices: HeldPrices<'_>,
    market: &Market,
) -> Result<PositionRows, String> {
    let common = Common::new(prices.contract, prices.settlement);
    position_rows_of(position, (&common, &position.listing.contract.to_string()), market).map(rows)
}

impl<'a> Common<'a> {
    pub(crate) fn new(priced: Result<&'a Priced, Missing>, settlement: Result<&'a Priced, Missing>) -> Self {
        let unit = priced.as_ref().ok().map(|priced| priced.unit());
        Self { priced, unit, settlement }
    }

    fn of(contract: &Contract, board: &'a PriceBoard) -> Self {
        Self::new(board.contract(contract), board.asset(contract.settlement_asset()))
    }
}

/// Figures of a position, of its gain where that has a row of its own, and whether the gain so far is unknown.
pub(crate) struct Figures {
    pub(crate) own: Exposure,
    /// Boxed: few have one, and all are handed on.
    pub(crate) gain: Option<Box<Exposure>>,
    gain_unknown: bool,
}

/// What a position is worth.
pub(crate) fn figures_of(
    position: &Position,
    common: &Common<'_>,
    market: &Market,
) -> Result<Figures, String> {
    let contract = &position.listing.contract;
    let priced = common.priced.as_ref().map_err(text)?;
    let quantity = border::to_model(position.canonical_quantity).map_err(text)?;
    let unit = common.unit.unwrap_or_else(|| priced.unit());
    let mut own = unit.exposure(quantity).map_err(text)?;
    if !matches!(contract.terms, Terms::Future { .. } | Terms::Perpetual) {
        return Ok(Figures { own, gain: None, gain_unknown: false });
    }
    let Some((_, gain)) = gain_of(position, market)? else {
        return Ok(Figures { own, gain: None, gain_unknown: !position.quantity.is_zero() });
    };
    let settlement = common.settlement.as_ref().map_err(text)?;
    if is_another_coin(settlement, &contract.underlying) {
        let gain = settlement.exposure(gain.to_f64()).map_err(text)?;
        return Ok(Figures { own, gain: Some(Box::new(gain)), gain_unknown: false });
    }
    add_gain(&mut own, gain, settlement, priced.spot_usd).map_err(text)?;
    Ok(Figures { own, gain: None, gain_unknown: false })
}

/// A row, the row of its gain where that has one, and whether the gain so far is unknown.
type RowAndGain = ([Option<Row>; 2], bool);

fn rows((rows, gain_unknown): RowAndGain) -> PositionRows {
    PositionRows { rows: rows.into_iter().flatten().collect(), gain_unknown }
}

fn position_rows_of(
    position: &Position,
    (common, words): (&Common<'_>, &str),
    market: &Market,
) -> Result<RowAndGain, String> {
    let Figures { own, gain, gain_unknown } = figures_of(position, common, market)?;
    let provenance = common.priced.as_ref().map_err(text)?.provenance;
    let row = Row { contract: words.to_owned(), exposure: own, provenance, ..position_place(position) };
    let gain = gain.map(|exposure| Row {
        kind: RowKind::Gain,
        underlying: position.listing.contract.settlement_asset().clone(),
        contract: format!("gain of {words}"),
        exposure: *exposure,
        ..row.clone()
    });
    Ok(([Some(row), gain], gain_unknown))
}

/// True when gains are paid in a coin other than the underlying: they are a row of their own then.
fn is_another_coin(settlement: &Priced, underlying: &Asset) -> bool {
    let asset = &settlement.underlying;
    settlement.rate_asset.is_none() && asset.as_str() != "USD" && asset != underlying
}

/// A position in numbers of the model: all that its figures are made of besides prices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holding {
    /// In the canonical unit.
    pub quantity: f64,
    /// Canonical price that a future was entered at; none for everything else, and when it is not known.
    pub entry: Option<f64>,
}

impl Holding {
    /// Of a position.
    ///
    /// # Errors
    /// When its average price needs too many digits.
    pub fn new(
        listing: &Listing,
        canonical_quantity: Decimal,
        average_price: Option<Price>,
    ) -> Result<Self, String> {
        let quantity = border::to_model(canonical_quantity).map_err(text)?;
        let is_future = matches!(listing.contract.terms, Terms::Perpetual | Terms::Future { .. });
        let Some(entry) = average_price.filter(|p| is_future && !p.get().is_zero()) else {
            return Ok(Self { quantity, entry: None });
        };
        let entry = listing.canonical_price(entry).ok_or("average price needs more than 28 digits")?;
        Ok(Self { quantity, entry: Some(border::to_model(entry.get()).map_err(text)?) })
    }
}

/// Prices that the figures of a future are made of.
#[derive(Debug, Clone, Copy)]
pub struct FuturePrices<'a> {
    /// Of what.
    pub contract: &'a Contract,
    /// One unit of it.
    pub unit: &'a Unit,
    /// Its mark, in the quote currency.
    pub mark: Forward,
    /// What gains are paid in, and one unit of that.
    pub settlement: (&'a Priced, &'a Unit),
}

/// One USD figure of a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FutureFigure {
    /// Of its own row.
    pub own: Fixed,
    /// Of the row of its gain, where it has one.
    pub gain: Option<Fixed>,
}

impl FuturePrices<'_> {
    /// True when the gain of a holding is a row of its own: it is paid in a coin other than the underlying.
    #[must_use]
    pub fn has_gain_row(&self, holding: Holding) -> bool {
        holding.entry.is_some() && is_another_coin(self.settlement.0, &self.contract.underlying)
    }

    /// USD figures of a holding, in the order of the measures: those of the rows of [`position_rows`]. None when one of its figures of
    /// any measure may be too large to publish: then the rows tell.
    #[must_use]
    pub fn figures(&self, holding: Holding, measures: &[Measure]) -> Option<Vec<FutureFigure>> {
        let Holding { quantity, entry } = holding;
        publishable(quantity, self.unit.reach())?;
        let own = |measure| self.unit.figure(quantity, measure).ok();
        let Some(entry) = entry else {
            return measures.iter().map(|m| Some(FutureFigure { own: own(*m)?, gain: None })).collect();
        };
        let per_unit = gain_per_unit(self.contract, entry, self.mark.get()).ok()?;
        publishable(quantity, per_unit.abs())?;
        let gain = border::publish(quantity, per_unit).ok()?;
        let (settlement, unit) = self.settlement;
        publishable(gain.to_f64(), unit.reach())?;
        if is_another_coin(settlement, &self.contract.underlying) {
            let apart = |measure| unit.figure(gain.to_f64(), measure).ok();
            let figure = |m: &Measure| Some(FutureFigure { own: own(*m)?, gain: Some(apart(*m)?) });
            return measures.iter().map(figure).collect();
        }
        // In coin the gain is divided by the index of the future's underlying, not by that of what is paid.
        publishable(gain.to_f64(), unit.reach() / self.unit.spot_usd())?;
        let added = gain_usd(gain, settlement);
        let with_gain = |measure: &Measure| {
            let mut own = own(*measure)?;
            for (_, usd) in added.iter().filter(|(of, _)| of == measure) {
                own += Fixed::quantise(*usd).ok()?;
            }
            Some(FutureFigure { own, gain: None })
        };
        measures.iter().map(with_gain).collect()
    }
}

/// Some when every figure of a quantity of what reaches so far can be published, with room to spare.
#[must_use]
pub fn publishable(quantity: f64, reach: f64) -> Option<()> {
    (quantity.abs() * reach < 1e19).then_some(())
}

/// Where a position belongs, without figures: for what groups by rows when a value is missing.
#[must_use]
pub fn position_place(position: &Position) -> Row {
    let contract = &position.listing.contract;
    Row {
        account: position.account.clone(),
        venue: position.venue.clone(),
        chain: position.chain.clone(),
        symbol: position.listing.symbol.clone(),
        contract: String::new(),
        kind: kind(contract),
        underlying: contract.underlying.clone(),
        expiry: contract.expiry(),
        quantity: position.quantity.get(),
        exposure: Exposure::default(),
        provenance: Provenance { forward: None, vol: None },
    }
}

/// The same of a balance.
#[must_use]
pub fn balance_place(balance: &Balance) -> Row {
    let asset = &balance.money.asset;
    Row {
        account: balance.account.clone(),
        venue: balance.venue.clone(),
        chain: balance.chain.clone(),
        symbol: Symbol::from(asset),
        contract: String::new(),
        kind: RowKind::Balance,
        underlying: asset.clone(),
        expiry: None,
        quantity: balance.money.amount,
        exposure: Exposure::default(),
        provenance: Provenance { forward: None, vol: None },
    }
}

/// Values one balance.
///
/// # Errors
/// The balance as one that cannot be valued.
pub fn balance_row(balance: &Balance, board: &PriceBoard) -> Result<Row, Box<Unpriced>> {
    let asset = &balance.money.asset;
    let unpriced = |reason: String| Unpriced {
        file: balance.origin.file.to_string(),
        row: balance.origin.row,
        account: balance.account.clone(),
        venue: balance.venue.clone(),
        chain: balance.chain.clone(),
        symbol: Symbol::from(asset),
        kind: RowKind::Balance,
        quantity: balance.money.amount,
        reason,
    };
    balance_row_at(balance, board.asset(asset)).map_err(|reason| Box::new(unpriced(reason)))
}

/// [`balance_row`] at a price that the caller has at hand.
///
/// # Errors
/// Why it cannot be valued.
pub fn balance_row_at(balance: &Balance, priced: Result<&Priced, Missing>) -> Result<Row, String> {
    let priced = priced.map_err(text)?;
    let amount = border::to_model(balance.money.amount).map_err(text)?;
    let exposure = priced.exposure(amount).map_err(text)?;
    Ok(Row {
        contract: balance.money.asset.to_string(),
        exposure,
        provenance: priced.provenance,
        ..balance_place(balance)
    })
}

/// Gain of a future since its entry, quantised, with the asset it is paid in; `None` without an entry price.
pub(crate) fn gain_of<'a>(
    position: &'a Position,
    market: &Market,
) -> Result<Option<(&'a Asset, Fixed)>, String> {
    let contract = &position.listing.contract;
    let listing = &position.listing;
    let Holding { quantity, entry: Some(entry) } =
        Holding::new(listing, position.canonical_quantity, position.average_price)?
    else {
        return Ok(None);
    };
    let state = market.future_state(contract).map_err(text)?;
    let per_unit = gain_per_unit(contract, entry, state.mark.get()).map_err(text)?;
    let gain = border::publish(quantity, per_unit).map_err(text)?;
    Ok(Some((contract.settlement_asset(), gain)))
}

/// What a position in a contract is.
#[must_use]
pub const fn kind(contract: &Contract) -> RowKind {
    match &contract.terms {
        Terms::Spot => RowKind::Spot,
        Terms::Perpetual => RowKind::Perpetual,
        Terms::Future { .. } => RowKind::Future,
        Terms::Option { .. } => RowKind::Option,
    }
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A column that rows can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// Whose price drives it.
    Underlying,
    /// Settlement day; `none` for perpetuals, spot and balances.
    Expiry,
    /// Where.
    Venue,
    /// On which ledger.
    Chain,
    /// Owner.
    Account,
    /// Option, future, perpetual, spot, balance.
    Kind,
}

impl GroupBy {
    /// The word for options and headers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Underlying => "underlying",
            Self::Expiry => "expiry",
            Self::Venue => "venue",
            Self::Chain => "chain",
            Self::Account => "account",
            Self::Kind => "kind",
        }
    }

    /// The part of a row's key in this column.
    #[must_use]
    pub fn key(self, row: &Row) -> GroupKey {
        match self {
            Self::Underlying => GroupKey::Text(row.underlying.to_string()),
            Self::Expiry => GroupKey::Expiry(row.expiry),
            Self::Venue => GroupKey::Text(row.venue.to_string()),
            Self::Chain => GroupKey::Text(row.chain.to_string()),
            Self::Account => GroupKey::Text(row.account.to_string()),
            Self::Kind => GroupKey::Text(kind_word(row.kind).into()),
        }
    }
}

/// Word of a kind of row.
#[must_use]
pub const fn kind_word(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Option => "option",
        RowKind::Future => "future",
        RowKind::Perpetual => "perpetual",
        RowKind::Spot => "spot",
        RowKind::Balance => "balance",
        RowKind::Gain => "gain",
    }
}

/// One part of a group's key; expiries sort by time, those without one first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// A name.
    Text(String),
    /// A settlement instant.
    Expiry(Option<Timestamp>),
}

/// One group of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// One part per grouping column.
    pub key: Vec<GroupKey>,
    /// Rows in it.
    pub rows: usize,
    /// Exact sums.
    pub exposure: Exposure,
    /// The underlying that the coin figures are in; `None` when rows of several are mixed and coins do not add.
    pub coin: Option<Asset>,
}

/// Sums by the given columns, in the order of the keys. Grouping by nothing gives the one total, or no group for nothing.
#[must_use]
pub fn group<'a, T: Into<Placed<'a>>>(lines: impl IntoIterator<Item = T>, by: &[GroupBy]) -> Vec<Group> {
    let mut places: BTreeMap<Parts<'_>, usize> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut last: Option<(Parts<'_>, usize)> = None;
    for line in lines {
        let line: Placed<'a> = line.into();
        let parts = line.parts(by);
        let place = match last {
            Some((of, place)) if of == parts => place,
            _ => *places.entry(parts).or_insert_with(|| {
                groups.push(Group {
                    key: by.iter().map(|column| line.key(*column)).collect(),
                    rows: 0,
                    exposure: Exposure::default(),
                    coin: Some(line.underlying.clone()),
                });
                groups.len() - 1
            }),
        };
        last = Some((parts, place));
        let Some(group) = groups.get_mut(place) else { continue };
        group.rows += 1;
        group.exposure += line.exposure;
        if group.coin.as_ref().is_some_and(|coin| coin != line.underlying) {
            group.coin = None;
        }
    }
    groups.sort_by(|a, b| a.key.cmp(&b.key));
    groups
}

impl Group {
    /// The total of an empty book.
    #[must_use]
    pub fn nothing() -> Self {
        Self { key: Vec::new(), rows: 0, exposure: Exposure::default(), coin: None }
    }
}

/// Sum of one measure over rows that pass a test.
pub(crate) fn sum_usd(rows: &[Row], measure: Measure, keep: impl Fn(&Row) -> bool) -> Fixed {
    rows.iter().filter(|row| keep(row)).map(|row| row.exposure.in_usd(measure)).sum()
}
