//! A contract or asset that is held: its price, one unit of it, and all that is held of it side by side.

use super::watch::{Belongs, Counts, GroupId, Part, Watch};
use instrument::{Contract, Listing};
use market::Missing;
use risk::{FuturePrices, Holding, Measure, Priced, RowKind, Unit, publishable};
use std::sync::Arc;
use units::{Asset, Fixed, Forward, Timestamp, border};

/// Number of a slot.
pub(super) type SlotId = u32;

/// A contract or an asset.
#[derive(Debug, Clone)]
pub(super) enum What {
    Contract(Box<OfContract>),
    Asset {
        asset: Asset,
        /// Contracts held whose gains are paid in it.
        paid_by: usize,
    },
}

#[derive(Debug, Clone)]
pub(super) struct OfContract {
    pub(super) contract: Contract,
    /// What its gains are paid in.
    pub(super) paid_in: SlotId,
    /// Mark of a future.
    pub(super) mark: Option<Forward>,
    /// True when it rests on its own quotes alone, besides USD rates.
    pub(super) is_quoted: bool,
}

/// One contract or asset.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) what: What,
    pub(super) price: Result<Priced, Missing>,
    /// One unit at the price; none without one.
    pub(super) unit: Option<Unit>,
    pub(super) underlying: Part,
    pub(super) kind: RowKind,
    pub(super) expiry: Option<Timestamp>,
    pub(super) held: Vec<Held>,
    /// Quantities of those that are the quantity times one unit and have a value; not a number for the others.
    plain: Vec<f64>,
    /// Figures in the sums, by thing held, then watched measure.
    figures: Vec<Fixed>,
    /// Groups of the sums, by thing held, then grouping.
    groups: Vec<GroupId>,
}

/// One thing held of a slot.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Number of its place.
    pub(super) place: u32,
    /// Of a position.
    pub(super) listing: Option<Arc<Listing>>,
    /// In the canonical unit, and entry; none when it is out of range, which its rows tell.
    pub(super) holding: Option<Holding>,
    pub(super) counted: Counted,
    /// The row of a gain that is paid in another coin.
    gain: Option<Box<Line>>,
}

/// How a thing held counts in the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    NotYet,
    As(Counts),
}

#[derive(Debug, Clone)]
struct Line {
    figures: Vec<Fixed>,
    groups: Vec<GroupId>,
    underlying: Part,
}

/// Watched figures of one thing held, and those of its gain's own row.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) own: Vec<Fixed>,
    pub(super) gain: Option<Vec<Fixed>>,
}

/// Names of a place, as numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaceParts {
    pub(super) account: Part,
    pub(super) venue: Part,
    pub(super) chain: Part,
}

impl Held {
    pub(super) const fn new(place: u32, listing: Option<Arc<Listing>>, holding: Option<Holding>) -> Self {
        Self { place, listing, holding, counted: Counted::NotYet, gain: None }
    }
}

impl Slot {
    pub(super) fn new(what: What, price: Result<Priced, Missing>, underlying: Part) -> Self {
        let (kind, expiry) = match &what {
            What::Contract(of) => (risk::row_kind(&of.contract), of.contract.expiry()),
            What::Asset { .. } => (RowKind::Balance, None),
        };
        let unit = price.as_ref().ok().map(Priced::unit);
        let (held, plain, figures, groups) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { what, price, unit, underlying, kind, expiry, held, plain, figures, groups }
    }

    pub(super) const fn is_future(&self) -> bool {
        matches!(self.kind, RowKind::Future | RowKind::Perpetual)
    }

    /// Takes another price; true when it is one.
    pub(super) fn put_price(&mut self, price: Result<Priced, Missing>) -> bool {
        if price == self.price {
            return false;
        }
        self.price = price;
        self.follow_price();
        true
    }

    /// Brings the unit up to the price.
    pub(super) fn follow_price(&mut self) {
        match (&self.price, &mut self.unit) {
            (Ok(price), Some(unit)) => unit.follow(price),
            (Ok(price), unit) => *unit = Some(price.unit()),
            (Err(_), unit) => *unit = None,
        }
    }

    pub(super) fn belongs(&self, place: PlaceParts) -> Belongs {
        let PlaceParts { account, venue, chain } = place;
        let Self { underlying, expiry, kind, .. } = self;
        Belongs { account, venue, chain, underlying: *underlying, expiry: *expiry, kind: *kind }
    }

    /// Puts a thing into its groups, without figures yet.
    pub(super) fn push(&mut self, held: Held, place: PlaceParts, watch: &mut Watch) {
        watch.groups_of(&self.belongs(place), &mut self.groups);
        self.figures.extend(std::iter::repeat_n(Fixed::ZERO, watch.measures().len()));
        self.plain.push(f64::NAN);
        self.held.push(held);
    }

    /// Forgets figures and groups: they are of measures and groupings that are watched no longer. Puts everything into its new groups.
    pub(super) fn regroup(&mut self, places: impl Fn(u32) -> Option<PlaceParts>, watch: &mut Watch) {
        (self.plain, self.figures, self.groups) = (Vec::new(), Vec::new(), Vec::new());
        let width = watch.width();
        for (index, mut held) in std::mem::take(&mut self.held).into_iter().enumerate() {
            let Some(place) = places(held.place) else { continue };
            held.gain = None;
            let counted = held.counted;
            self.push(held, place, watch);
            if let (Counted::As(counts), Some(groups)) = (counted, self.groups.get(index * width..)) {
                watch.count_in(groups, self.underlying, counts);
            }
        }
    }

    /// Takes a thing out of the sums and the slot; its groups are to be released. Says the last one, which took its place.
    pub(super) fn swap_remove(&mut self, index: usize, watch: &mut Watch) -> Option<&Held> {
        self.uncount(index, watch);
        let (measures, width) = (watch.measures().len(), watch.width());
        let groups: Vec<GroupId> = self.groups.iter().skip(index * width).take(width).copied().collect();
        watch.release(&groups);
        swap_out(&mut self.figures, index, measures);
        swap_out(&mut self.groups, index, width);
        self.plain.swap_remove(index);
        self.held.swap_remove(index);
        self.held.get(index)
    }

    /// Values all things held that are plain: the quantity times one unit. Says which are not, and so are to be valued one by one.
    pub(super) fn revalue(&mut self, watch: &mut Watch) -> Vec<usize> {
        let unit = match &self.unit {
            Some(unit) if !self.is_future() => unit,
            Some(_) => return (0..self.held.len()).collect(),
            // What has no value already goes on having none.
            None => {
                let is_counted = |held: &Held| held.counted != Counted::As(Counts::Unvalued);
                return (0..self.held.len()).filter(|i| self.held.get(*i).is_some_and(is_counted)).collect();
            }
        };
        let reach = unit.reach();
        let is_plain = |quantity: &f64| publishable(*quantity, reach).is_some();
        let others = (0..).zip(&self.plain).filter(|(_, quantity)| !is_plain(quantity));
        let others: Vec<usize> = others.map(|(index, _)| index).collect();
        let (measures, width) = (watch.measures().len(), watch.width());
        for (place, measure) in watch.measures().to_vec().into_iter().enumerate() {
            let unit = unit.usd(measure);
            let figures = self.figures.iter_mut().skip(place).step_by(measures);
            let differences = self.plain.iter().zip(figures).map(|(quantity, figure)| {
                if !is_plain(quantity) {
                    return Fixed::ZERO;
                }
                let now = border::publish(*quantity, unit).unwrap_or(*figure);
                now - std::mem::replace(figure, now)
            });
            watch.add(place, differences, &self.groups, width);
        }
        others
    }

    /// Watched figures of one thing held, where no row need be made for them.
    pub(super) fn figures(&self, index: usize, measures: &[Measure], paid: Option<&Self>) -> Option<Figures> {
        let holding = self.held.get(index)?.holding?;
        let unit = self.unit.as_ref()?;
        if !self.is_future() {
            publishable(holding.quantity, unit.reach())?;
            let own = measures.iter().map(|measure| unit.figure(holding.quantity, *measure).ok());
            return Some(Figures { own: own.collect::<Option<_>>()?, gain: None });
        }
        let What::Contract(of) = &self.what else { return None };
        let paid = paid?;
        let settlement = (paid.price.as_ref().ok()?, paid.unit.as_ref()?);
        let prices = FuturePrices { contract: &of.contract, unit, mark: of.mark?, settlement };
        let all = prices.figures(holding, measures)?;
        let own = all.iter().map(|figure| figure.own).collect();
        let has_gain = prices.has_gain_row(holding);
        let gain = has_gain.then(|| all.iter().map(|figure| figure.gain.unwrap_or_default()).collect());
        Some(Figures { own, gain })
    }

    /// Puts the figures of one thing into the sums.
    pub(super) fn put(
        &mut self,
        index: usize,
        figures: &Figures,
        paid: (Part, PlaceParts),
        watch: &mut Watch,
    ) {
        let (measures, width) = (watch.measures().len(), watch.width());
        let groups = self.groups.get(index * width..(index + 1) * width).unwrap_or_default();
        let own = self.figures.get_mut(index * measures..(index + 1) * measures).unwrap_or_default();
        let Some(held) = self.held.get_mut(index) else { return };
        if held.counted != Counted::As(Counts::Row) {
            if held.counted == Counted::As(Counts::Unvalued) {
                watch.count_out(groups, self.underlying, Counts::Unvalued);
            }
            watch.count_in(groups, self.underlying, Counts::Row);
            held.counted = Counted::As(Counts::Row);
        }
        let plain = held.holding.filter(|_| !matches!(self.kind, RowKind::Future | RowKind::Perpetual));
        if let Some(slot) = self.plain.get_mut(index) {
            *slot = plain.map_or(f64::NAN, |holding| holding.quantity);
        }
        replace(groups, own, &figures.own, watch);
        let Some(gain) = &figures.gain else {
            drop_line(held.gain.take(), watch);
            return;
        };
        let line = held.gain.get_or_insert_with(|| {
            let (underlying, PlaceParts { account, venue, chain }) = paid;
            let belongs =
                Belongs { account, venue, chain, underlying, expiry: self.expiry, kind: RowKind::Gain };
            let mut groups = Vec::new();
            watch.groups_of(&belongs, &mut groups);
            watch.count_in(&groups, underlying, Counts::Row);
            Box::new(Line { figures: vec![Fixed::ZERO; measures], groups, underlying })
        });
        replace(&line.groups, &mut line.figures, gain, watch);
    }

    /// Counts a thing as one without a value.
    pub(super) fn put_unvalued(&mut self, index: usize, watch: &mut Watch) {
        let width = watch.width();
        let Some(held) = self.held.get(index) else { return };
        if held.counted == Counted::As(Counts::Unvalued) {
            return;
        }
        self.uncount(index, watch);
        let groups = self.groups.get(index * width..(index + 1) * width).unwrap_or_default();
        watch.count_in(groups, self.underlying, Counts::Unvalued);
        if let Some(held) = self.held.get_mut(index) {
            held.counted = Counted::As(Counts::Unvalued);
        }
    }

    /// Takes a thing out of the sums; its groups stay.
    fn uncount(&mut self, index: usize, watch: &mut Watch) {
        let (measures, width) = (watch.measures().len(), watch.width());
        let groups = self.groups.get(index * width..(index + 1) * width).unwrap_or_default();
        let own = self.figures.get_mut(index * measures..(index + 1) * measures).unwrap_or_default();
        let Some(held) = self.held.get_mut(index) else { return };
        replace(groups, own, &[Fixed::ZERO; Measure::ALL.len()], watch);
        drop_line(held.gain.take(), watch);
        if let Counted::As(counts) = held.counted {
            watch.count_out(groups, self.underlying, counts);
        }
        held.counted = Counted::NotYet;
        if let Some(plain) = self.plain.get_mut(index) {
            *plain = f64::NAN;
        }
    }
}

fn replace(groups: &[GroupId], old: &mut [Fixed], new: &[Fixed], watch: &mut Watch) {
    for (measure, (old, new)) in old.iter_mut().zip(new).enumerate() {
        watch.replace(groups, measure, *new - *old);
        *old = *new;
    }
}

fn drop_line(line: Option<Box<Line>>, watch: &mut Watch) {
    let Some(mut line) = line else { return };
    replace(&line.groups, &mut line.figures, &[Fixed::ZERO; Measure::ALL.len()], watch);
    watch.count_out(&line.groups, line.underlying, Counts::Row);
    watch.release(&line.groups);
}

/// Takes the block of an index out; the last block takes its place.
fn swap_out<T: Copy>(blocks: &mut Vec<T>, index: usize, width: usize) {
    let Some(last) = blocks.len().checked_sub(width) else { return };
    blocks.copy_within(last.., index * width);
    blocks.truncate(last);
}
