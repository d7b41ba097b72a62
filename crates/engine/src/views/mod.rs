//! Live views: the price of everything held, and the sums that limits watch. All of it follows from ledger and market; what is kept is
//! only what need not be computed again.
//!
//! ```text
//! kept, dense            [`Slot`] per contract or asset held: price, one unit of it, everything held of it in a row
//!                        [`Watch`]: exact sums of the (grouping, measure) pairs that the policy names, no others
//! computed when read     rows with all measures and texts, sums of any grouping, the board: [`Views`]
//! ```
//!
//! An event names what it touched: things held, quotes, time. Prices that rest on it are found again, and what is held at them is
//! valued in the watched measures; the sums of its groups change by the difference. Sums are exact integers of the figures that a
//! report prints, so that after any events they are, bit for bit, those of a valuation of the same ledger and market from nothing (a
//! property test holds that).

mod legs;
mod live;
mod reprice;
mod slot;
mod watch;

pub(crate) use live::LiveViews;
pub(crate) use watch::Watch;
pub use watch::{GroupFigure, Watched};

use book::{Balance, Ledger, OpenPosition, Origin, Place, Position};
use instrument::Terms;
use market::{Changes, Market};
use risk::{Exposure, GroupBy, GroupKey, PriceBoard, Row};
use std::collections::BTreeMap;
use units::{Asset, Decimal, Money, Symbol};

/// A thing held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A position, by its listing's symbol.
    Position(Place, Symbol),
    /// A balance.
    Balance(Place, Asset),
}

impl Item {
    /// Where it is held.
    pub(crate) const fn place(&self) -> &Place {
        let (Self::Position(place, _) | Self::Balance(place, _)) = self;
        place
    }
}

/// What a thing held is worth, or why that cannot be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Valued {
    /// A row; two where a gain settles in a coin of its own.
    pub rows: Result<Vec<Row>, String>,
    /// True for a future without an entry price.
    pub gain_unknown: bool,
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

/// Everything held in rows, to be summed by any grouping.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupSums {
    rows: Vec<Row>,
    /// Where things without a value belong.
    unvalued: Vec<Row>,
}

impl GroupSums {
    /// Groups of one grouping.
    #[must_use]
    pub fn of(&self, by: &[GroupBy]) -> BTreeMap<Vec<GroupKey>, GroupSum> {
        let mut groups: BTreeMap<Vec<GroupKey>, GroupSum> = BTreeMap::new();
        let key = |row: &Row| -> Vec<GroupKey> { by.iter().map(|column| column.key(row)).collect() };
        for row in &self.rows {
            let sum = groups.entry(key(row)).or_default();
            sum.rows += 1;
            sum.exposure += &row.exposure;
            *sum.underlyings.entry(row.underlying.clone()).or_default() += 1;
        }
        for row in &self.unvalued {
            groups.entry(key(row)).or_default().unvalued += 1;
        }
        groups
    }
}

/// What events touched since the views were last brought up to date.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Touched {
    /// In any order, and some perhaps more than once: an event touches few.
    pub(crate) items: Vec<Item>,
    pub(crate) changes: Changes,
    /// True when the time of valuation has changed.
    pub(crate) has_aged: bool,
}

/// The views, to be read: computed from the prices at hand when asked for.
#[derive(Debug, Clone, Copy)]
pub struct Views<'a> {
    pub(crate) live: &'a LiveViews,
    pub(crate) ledger: &'a Ledger,
    pub(crate) market: &'a Market,
}

impl Views<'_> {
    /// Everything held, in the order of places and names.
    #[must_use]
    pub fn items(&self) -> BTreeMap<Item, Valued> {
        let named = self.live.named();
        named.filter_map(|(item, at)| Some((item.clone(), self.valued(&item, at)?.0))).collect()
    }

    /// True when something held has no value: every sum that it belongs to lacks it. Known from event to event, without valuing anything.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.live.has_unvalued()
    }

    /// Sums by group, of any grouping.
    #[must_use]
    pub fn sums(&self) -> GroupSums {
        let mut sums = GroupSums::default();
        for (valued, place) in self.live.named().filter_map(|(item, at)| self.valued(&item, at)) {
            match valued.rows {
                Ok(rows) => sums.rows.extend(rows),
                Err(_) => sums.unvalued.push(place),
            }
        }
        sums
    }

    /// Prices of everything held.
    #[must_use]
    pub fn board(&self) -> PriceBoard {
        self.live.board()
    }

    /// The sums that limits watch, as they are kept from event to event.
    pub fn watched(&self) -> impl Iterator<Item = Watched> {
        self.live.watch().watched()
    }

    /// A thing held, and where it belongs.
    fn valued(&self, item: &Item, at: live::At) -> Option<(Valued, Row)> {
        match item {
            Item::Position(place, symbol) => {
                let position = position_of(place, self.ledger.position(place, symbol)?)?;
                let rows = self.live.position_rows(at.slot, &position, self.market);
                let gain_unknown = rows.as_ref().is_ok_and(|valued| valued.gain_unknown);
                let valued = Valued { rows: rows.map(|valued| valued.rows), gain_unknown };
                Some((valued, risk::position_place(&position)))
            }
            Item::Balance(place, asset) => {
                let balance = balance_of(place, asset, self.ledger.balance(place, asset))?;
                let rows = self.live.balance_row(at.slot, &balance).map(|row| vec![row]);
                Some((Valued { rows, gain_unknown: false }, risk::balance_place(&balance)))
            }
        }
    }
}

/// A position as risk reads it; none for spot, which is in the balances.
pub(crate) fn position_of(place: &Place, held: &OpenPosition) -> Option<Position> {
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
pub(crate) fn origin() -> Origin {
    Origin { file: "ledger".into(), row: 0 }
}
