//! Profit by cause as a snapshot of the machine keeps it: sums, what came and went, and the quotes and book that the interval under way
//! began with. Its market is made of those again.

use super::{Base, Explain, Flow, Flows, ValueChange};
use crate::quotes::Quotes;
use crate::views::Item;
use crate::wire::{At, Exact, Held, Quote};
use book::{Ledger, Place};
use instrument::Specs;
use market::RawQuote;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Asset, Fixed, Spot, Symbol};

type Raw = [u8; 16];

#[derive(Serialize, Deserialize)]
pub(crate) struct ExplainKept {
    sums: Vec<(Asset, ChangeKept)>,
    since: Option<At>,
    intervals: u64,
    unexplained: Vec<(ItemKept, String)>,
    base: Option<BaseKept>,
    cash: Vec<(Flow, Asset, Exact)>,
    positions: Vec<(Held, Symbol, Flow)>,
}

#[derive(Serialize, Deserialize)]
struct ChangeKept {
    /// Start, value, residual, unexplained.
    figures: [Raw; 4],
    causes: [Raw; 8],
    flows: [Raw; 6],
    unexplained: u64,
}

#[derive(Serialize, Deserialize)]
enum ItemKept {
    Position(Held, Symbol),
    Balance(Held, Asset),
}

#[derive(Serialize, Deserialize)]
struct BaseKept {
    at: At,
    rows: Vec<Quote>,
    rates: Vec<(Asset, f64)>,
    ledger: Vec<u8>,
}

const fn raw(figure: Fixed) -> Raw {
    figure.raw().to_le_bytes()
}

const fn fixed(bytes: Raw) -> Fixed {
    Fixed::from_raw(i128::from_le_bytes(bytes))
}

impl ExplainKept {
    pub(crate) fn of(explain: &Explain) -> Self {
        let sums = explain.by_underlying.iter();
        let unexplained = explain.unexplained.iter();
        let cash = explain.flows.cash.iter();
        let positions = explain.flows.positions.iter();
        Self {
            sums: sums.map(|(asset, change)| (asset.clone(), ChangeKept::of(change))).collect(),
            since: explain.since.map(At::of),
            intervals: explain.intervals,
            unexplained: unexplained.map(|(item, why)| (ItemKept::of(item), why.clone())).collect(),
            base: explain.base.as_deref().map(BaseKept::of),
            cash: cash.map(|((flow, asset), sum)| (*flow, asset.clone(), Exact::of(*sum))).collect(),
            positions: positions
                .map(|((place, symbol), flow)| (place.into(), symbol.clone(), *flow))
                .collect(),
        }
    }

    pub(crate) fn restored(self, specs: &Specs) -> Result<Explain, String> {
        let sums = self.sums.into_iter().map(|(asset, change)| (asset, change.restored()));
        let unexplained = self.unexplained.into_iter().map(|(item, why)| (item.restored(), why));
        let cash = self.cash.into_iter().map(|(flow, asset, sum)| ((flow, asset), sum.get()));
        let positions = self.positions.into_iter();
        let positions = positions.map(|(place, symbol, flow)| ((Place::from(place), symbol), flow));
        Ok(Explain {
            by_underlying: sums.collect(),
            since: self.since.map(|at| at.get()),
            intervals: self.intervals,
            unexplained: unexplained.collect(),
            base: self.base.map(|base| base.restored(specs).map(Arc::new)).transpose()?,
            flows: Flows { cash: cash.collect(), positions: positions.collect() },
        })
    }
}

impl ChangeKept {
    fn of(change: &ValueChange) -> Self {
        let ValueChange { start_usd, value_usd, residual_usd, unexplained_usd, .. } = *change;
        Self {
            figures: [start_usd, value_usd, residual_usd, unexplained_usd].map(raw),
            causes: change.causes_usd.map(raw),
            flows: change.flows_usd.map(raw),
            unexplained: change.unexplained,
        }
    }

    fn restored(self) -> ValueChange {
        let [start_usd, value_usd, residual_usd, unexplained_usd] = self.figures.map(fixed);
        let (causes_usd, flows_usd) = (self.causes.map(fixed), self.flows.map(fixed));
        let unexplained = self.unexplained;
        ValueChange {
            start_usd,
            value_usd,
            causes_usd,
            residual_usd,
            flows_usd,
            unexplained_usd,
            unexplained,
        }
    }
}

impl ItemKept {
    fn of(item: &Item) -> Self {
        match item {
            Item::Position(place, symbol) => Self::Position(place.into(), symbol.clone()),
            Item::Balance(place, asset) => Self::Balance(place.into(), asset.clone()),
        }
    }

    fn restored(self) -> Item {
        match self {
            Self::Position(place, symbol) => Item::Position(place.into(), symbol),
            Self::Balance(place, asset) => Item::Balance(place.into(), asset),
        }
    }
}

impl BaseKept {
    fn of(base: &Base) -> Self {
        let mut ledger = Vec::new();
        base.ledger.encode(&mut ledger);
        Self {
            at: At::of(base.at),
            rows: base.rows.iter().map(Quote::from).collect(),
            rates: base.rates.iter().map(|(asset, usd)| (asset.clone(), usd.get())).collect(),
            ledger,
        }
    }

    fn restored(self, specs: &Specs) -> Result<Base, String> {
        let at = self.at.get();
        let rows: Vec<RawQuote> = self.rows.into_iter().map(RawQuote::from).collect();
        let rates = self.rates.into_iter().map(|(asset, usd)| Ok((asset, Spot::new(usd)?)));
        let rates: Result<BTreeMap<Asset, Spot>, units::UnitError> = rates.collect();
        let rates = rates.map_err(|error| error.to_string())?;
        let market = Quotes::restored(specs, at, &rows, rates.clone())?.market().clone();
        let ledger = Ledger::decode(&self.ledger, specs).map_err(|error| error.to_string())?;
        Ok(Base { at, rows, rates, market, ledger })
    }
}
