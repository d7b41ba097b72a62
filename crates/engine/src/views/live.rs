//! What is kept of the views, and how a thing held comes, changes and goes.

use super::reprice::Class;
use super::slot::{Counted, Figures, Held, OfContract, PlaceParts, Slot, SlotId, What};
use super::watch::{Counts, Watch};
use super::{Item, Touched, balance_of, position_of};
use book::{AtPlace, Balance, Ledger, Place, Position};
use instrument::{Contract, Listing, Settlement, Terms};
use market::{Market, Missing};
use risk::{
    GroupBy, HeldPrices, Holding, Measure, PositionRows, PriceBoard, Priced, Row, balance_row_at,
    position_rows_at,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use units::{Asset, Symbol, border};

/// Where a thing held is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) slot: SlotId,
    pub(super) index: u32,
}

/// A place that something was held at: it keeps its number for as long as the engine lives.
#[derive(Debug, Clone)]
struct PlaceSlot {
    place: Place,
    parts: PlaceParts,
    positions: BTreeMap<Symbol, At>,
    balances: BTreeMap<Asset, At>,
}

/// The views as they are kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveViews {
    pub(super) slots: Vec<Slot>,
    free: Vec<SlotId>,
    pub(super) contracts: BTreeMap<Contract, SlotId>,
    pub(super) assets: BTreeMap<Asset, SlotId>,
    /// Contracts by what their USD figures rest on.
    pub(super) classes: BTreeMap<(Asset, Settlement), Class>,
    places: Vec<Arc<PlaceSlot>>,
    numbers: BTreeMap<Place, u32>,
    /// Number of the place that was asked for last: what an event touches is at one place nearly always.
    last_place: u32,
    watch: Watch,
    /// True until everything held is in the groups that are watched.
    is_reset: bool,
    changes: Vec<(Item, Option<String>)>,
}

/// How much of a thing is held, as the ledger has it.
struct Current {
    /// Of a position.
    listing: Option<Arc<Listing>>,
    holding: Option<Holding>,
}

impl LiveViews {
    pub(crate) const fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(crate) const fn watch_mut(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// Watches these sums and no others, once it is brought up to date.
    pub(crate) fn keep(&mut self, watched: &BTreeSet<(Vec<GroupBy>, Measure)>) {
        self.watch.reset(watched);
        self.is_reset = true;
    }

    /// Brings everything that was touched up to date.
    pub(crate) fn update(&mut self, ledger: &Ledger, market: &Market, touched: &Touched) {
        let mut moved = self.reprice(market, &touched.changes, touched.has_aged);
        if std::mem::take(&mut self.is_reset) {
            let Self { slots, places, watch, .. } = self;
            let parts = |place: u32| places.get(place as usize).map(|place| place.parts);
            slots.iter_mut().for_each(|slot| slot.regroup(parts, watch));
            moved = (0..).zip(slots.iter()).map(|(id, _)| id).collect();
        }
        for id in moved {
            let Some(slot) = self.slots.get_mut(id as usize) else { continue };
            for index in slot.revalue(&mut self.watch) {
                self.value(id, index, (ledger, market));
            }
        }
        let mut items: Vec<&Item> = touched.items.iter().collect();
        items.sort_unstable();
        items.dedup();
        for of_place in items.chunk_by(|one, next| one.place() == next.place()) {
            let Some(first) = of_place.first() else { continue };
            let here = ledger.at(first.place());
            of_place.iter().for_each(|item| self.touch(item, current(item, here), (ledger, market)));
        }
    }

    /// What lost its value, with the reason, and what has one again, since the last call; each thing once, with the last that came of it.
    pub(crate) fn take_changes(&mut self) -> Vec<(Item, Option<String>)> {
        let mut changes = std::mem::take(&mut self.changes);
        changes.reverse();
        changes.sort_by(|(one, _), (other, _)| one.cmp(other));
        changes.dedup_by(|(one, _), (other, _)| one == other);
        changes
    }

    /// Coins that something held depends on.
    pub(crate) fn coins(&self) -> impl Iterator<Item = &Asset> {
        let of_contracts = self.classes.keys().map(|(underlying, _)| underlying);
        of_contracts.chain(self.assets.keys()).filter(|asset| !asset.is_currency())
    }

    /// Everything held.
    pub(super) fn named(&self) -> impl Iterator<Item = (Item, At)> {
        self.places.iter().flat_map(|place| {
            let PlaceSlot { place, positions, balances, .. } = &**place;
            let positions =
                positions.iter().map(|(symbol, at)| (Item::Position(place.clone(), symbol.clone()), *at));
            let balances =
                balances.iter().map(|(asset, at)| (Item::Balance(place.clone(), asset.clone()), *at));
            positions.chain(balances)
        })
    }

    pub(super) fn board(&self) -> PriceBoard {
        let price = |id: &SlotId| Some(self.slots.get(*id as usize)?.price.clone());
        let contracts = self.contracts.iter().filter_map(|(of, id)| Some((of.clone(), price(id)?)));
        let assets = self.assets.iter().filter_map(|(of, id)| Some((of.clone(), price(id)?)));
        PriceBoard { contracts: contracts.collect(), assets: assets.collect() }
    }

    pub(super) fn position_rows(
        &self,
        slot: SlotId,
        position: &Position,
        market: &Market,
    ) -> Result<PositionRows, String> {
        let price = |slot: Option<&'_ Slot>| slot.map(|slot| slot.price.clone());
        let none = || Err(Missing::Index { underlying: position.listing.contract.underlying.clone() });
        let slot = self.slots.get(slot as usize);
        let contract = price(slot).unwrap_or_else(none);
        let settlement = price(slot.and_then(|slot| self.paid(slot))).unwrap_or_else(none);
        let prices = HeldPrices {
            contract: contract.as_ref().map_err(Clone::clone),
            settlement: settlement.as_ref().map_err(Clone::clone),
        };
        position_rows_at(position, prices, market)
    }

    pub(super) fn balance_row(&self, slot: SlotId, balance: &Balance) -> Result<Row, String> {
        let none = Err(Missing::Rate { asset: balance.money.asset.clone() });
        let price = self.slots.get(slot as usize).map_or(none, |slot| slot.price.clone());
        balance_row_at(balance, price.as_ref().map_err(Clone::clone))
    }

    /// The asset that the gains of a contract are paid in.
    fn paid(&self, slot: &Slot) -> Option<&Slot> {
        let What::Contract(of) = &slot.what else { return None };
        self.slots.get(of.paid_in as usize)
    }

    /// Takes over how much there is of a thing held now.
    fn touch(&mut self, item: &Item, current: Option<Current>, at_hand: (&Ledger, &Market)) {
        let number = self.number_of(item.place());
        let before = number.and_then(|number| self.find(number, item));
        let Some(current) = current else {
            if let Some(at) = before {
                self.remove(item, at);
            }
            return;
        };
        let same = before.filter(|at| current.listing.as_deref().is_none_or(|of| self.is_of(*at, of)));
        if let (Some(at), None) = (before, same) {
            self.remove(item, at);
        }
        let Some(at) = same.or_else(|| self.insert(item, &current, at_hand.1)) else { return };
        let slot = self.slots.get_mut(at.slot as usize);
        if let Some(held) = slot.and_then(|slot| slot.held.get_mut(at.index as usize)) {
            (held.listing, held.holding) = (current.listing, current.holding);
        }
        self.value(at.slot, at.index as usize, at_hand);
    }

    fn is_of(&self, at: At, listing: &Listing) -> bool {
        let held = self.slots.get(at.slot as usize).and_then(|slot| slot.held.get(at.index as usize));
        let own = held.and_then(|held| held.listing.as_deref());
        own.is_some_and(|own| std::ptr::eq(own, listing) || own.contract == listing.contract)
    }

    /// The number of a place that something was held at.
    fn number_of(&mut self, place: &Place) -> Option<u32> {
        if self.places.get(self.last_place as usize).is_some_and(|last| last.place == *place) {
            return Some(self.last_place);
        }
        self.last_place = *self.numbers.get(place)?;
        Some(self.last_place)
    }

    fn find(&self, place: u32, item: &Item) -> Option<At> {
        let place = self.places.get(place as usize)?;
        match item {
            Item::Position(_, symbol) => place.positions.get(symbol).copied(),
            Item::Balance(_, asset) => place.balances.get(asset).copied(),
        }
    }

    fn insert(&mut self, item: &Item, current: &Current, market: &Market) -> Option<At> {
        let place = item.place();
        let id = match (&current.listing, item) {
            (Some(listing), _) => self.contract_slot(&listing.contract, market),
            (None, Item::Balance(_, asset)) => self.asset_slot(asset, market),
            (None, Item::Position(..)) => return None,
        };
        let number = self.number(place);
        let place = self.places.get_mut(number as usize).map(Arc::make_mut)?;
        let slot = self.slots.get_mut(id as usize)?;
        let at = At { slot: id, index: u32::try_from(slot.held.len()).unwrap_or(u32::MAX) };
        slot.push(Held::new(number, current.listing.clone(), current.holding), place.parts, &mut self.watch);
        match item {
            Item::Position(_, symbol) => drop(place.positions.insert(symbol.clone(), at)),
            Item::Balance(_, asset) => drop(place.balances.insert(asset.clone(), at)),
        }
        Some(at)
    }

    fn remove(&mut self, item: &Item, at: At) {
        let place = item.place();
        let number = self.number_of(place);
        if let Some(place) = number.and_then(|n| self.places.get_mut(n as usize)).map(Arc::make_mut) {
            match item {
                Item::Position(_, symbol) => drop(place.positions.remove(symbol)),
                Item::Balance(_, asset) => drop(place.balances.remove(asset)),
            }
        }
        let Some(slot) = self.slots.get_mut(at.slot as usize) else { return };
        // The last one of the slot takes its index.
        let moved = slot.swap_remove(at.index as usize, &mut self.watch);
        let moved = moved.map(|held| (held.place, held.listing.clone()));
        if let Some((number, listing)) = moved
            && let Some(place) = self.places.get_mut(number as usize).map(Arc::make_mut)
        {
            match (&listing, &slot.what) {
                (Some(listing), _) => drop(place.positions.insert(listing.symbol.clone(), at)),
                (None, What::Asset { asset, .. }) => drop(place.balances.insert(asset.clone(), at)),
                (None, What::Contract(_)) => {}
            }
        }
        self.release(at.slot);
    }

    /// Lets a slot go that nothing needs any more.
    fn release(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get(id as usize).filter(|slot| slot.held.is_empty()) else { return };
        match &slot.what {
            What::Asset { asset, paid_by: 0 } => {
                self.assets.remove(asset);
                self.free.push(id);
            }
            What::Asset { .. } => {}
            What::Contract(of) => {
                let paid_in = of.paid_in;
                let class = (of.contract.underlying.clone(), of.contract.settlement.clone());
                self.contracts.remove(&of.contract);
                if self.classes.get_mut(&class).is_some_and(|class| class.remove(id)) {
                    self.classes.remove(&class);
                }
                self.free.push(id);
                if let Some(What::Asset { paid_by, .. }) =
                    self.slots.get_mut(paid_in as usize).map(|slot| &mut slot.what)
                {
                    *paid_by = paid_by.saturating_sub(1);
                }
                self.release(paid_in);
            }
        }
    }

    fn number(&mut self, place: &Place) -> u32 {
        if let Some(number) = self.number_of(place) {
            return number;
        }
        let Place { account, venue, chain } = place;
        let parts = PlaceParts {
            account: self.watch.part(account.as_str()),
            venue: self.watch.part(venue.as_str()),
            chain: self.watch.part(chain.as_str()),
        };
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let (positions, balances) = (BTreeMap::new(), BTreeMap::new());
        self.places.push(Arc::new(PlaceSlot { place: place.clone(), parts, positions, balances }));
        self.numbers.insert(place.clone(), number);
        self.last_place = number;
        number
    }

    fn contract_slot(&mut self, contract: &Contract, market: &Market) -> SlotId {
        if let Some(id) = self.contracts.get(contract) {
            return *id;
        }
        let paid_in = self.asset_slot(contract.settlement_asset(), market);
        if let Some(What::Asset { paid_by, .. }) =
            self.slots.get_mut(paid_in as usize).map(|slot| &mut slot.what)
        {
            *paid_by += 1;
        }
        let of = OfContract { contract: contract.clone(), paid_in, mark: None, is_quoted: false };
        let underlying = self.watch.part(contract.underlying.as_str());
        // Its class looks the price up.
        let none = Err(Missing::Index { underlying: contract.underlying.clone() });
        let slot = Slot::new(What::Contract(Box::new(of)), none, underlying);
        let id = self.keep_slot(slot);
        self.contracts.insert(contract.clone(), id);
        self.join_class(id, contract, market);
        id
    }

    fn asset_slot(&mut self, asset: &Asset, market: &Market) -> SlotId {
        if let Some(id) = self.assets.get(asset) {
            return *id;
        }
        let underlying = self.watch.part(asset.as_str());
        let what = What::Asset { asset: asset.clone(), paid_by: 0 };
        let id = self.keep_slot(Slot::new(what, Priced::asset(asset, market), underlying));
        self.assets.insert(asset.clone(), id);
        id
    }

    fn keep_slot(&mut self, slot: Slot) -> SlotId {
        if let Some(id) = self.free.pop()
            && let Some(free) = self.slots.get_mut(id as usize)
        {
            *free = slot;
            return id;
        }
        self.slots.push(slot);
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }

    /// Values one thing held.
    fn value(&mut self, id: SlotId, index: usize, at_hand: (&Ledger, &Market)) {
        let Some(slot) = self.slots.get(id as usize) else { return };
        let Some(held) = slot.held.get(index) else { return };
        let (before, number) = (held.counted, held.place);
        let was_unvalued = before == Counted::As(Counts::Unvalued);
        if was_unvalued && slot.price.is_err() {
            return;
        }
        let paid = self.paid(slot);
        let paid_part = paid.map_or(slot.underlying, |paid| paid.underlying);
        let figures = match slot.figures(index, self.watch.measures(), paid) {
            Some(figures) => Ok(figures),
            None => self.in_full(id, index, at_hand),
        };
        let Some(place) = self.places.get(number as usize) else { return };
        let Some(slot) = self.slots.get_mut(id as usize) else { return };
        let lost = match figures {
            Ok(figures) => {
                slot.put(index, &figures, (paid_part, place.parts), &mut self.watch);
                None
            }
            Err(reason) => {
                slot.put_unvalued(index, &mut self.watch);
                Some(reason)
            }
        };
        if lost.is_some() != was_unvalued
            && let Some(item) = self.item(id, index)
        {
            self.changes.push((item, lost));
        }
    }

    /// True when something held has no value.
    pub(super) fn has_unvalued(&self) -> bool {
        let held = self.slots.iter().flat_map(|slot| &slot.held);
        held.into_iter().any(|held| held.counted == Counted::As(Counts::Unvalued))
    }

    fn item(&self, id: SlotId, index: usize) -> Option<Item> {
        let slot = self.slots.get(id as usize)?;
        let held = slot.held.get(index)?;
        let place = self.places.get(held.place as usize)?.place.clone();
        match (&held.listing, &slot.what) {
            (Some(listing), _) => Some(Item::Position(place, listing.symbol.clone())),
            (None, What::Asset { asset, .. }) => Some(Item::Balance(place, asset.clone())),
            (None, What::Contract(_)) => None,
        }
    }

    /// Watched figures of a thing held by way of its rows: for what may be out of range, and for why there are none.
    fn in_full(
        &self,
        id: SlotId,
        index: usize,
        (ledger, market): (&Ledger, &Market),
    ) -> Result<Figures, String> {
        let figures = |row: &Row| -> Vec<_> {
            self.watch.measures().iter().map(|measure| row.exposure.in_usd(*measure)).collect()
        };
        let none = || "not held".to_owned();
        let slot = self.slots.get(id as usize).ok_or_else(none)?;
        if let Err(missing) = &slot.price {
            return Err(reason(missing));
        }
        match self.item(id, index).ok_or_else(none)? {
            Item::Position(place, symbol) => {
                let held = ledger.position(&place, &symbol).ok_or_else(none)?;
                let position = position_of(&place, held).ok_or_else(none)?;
                let PositionRows { rows, .. } = self.position_rows(id, &position, market)?;
                let mut all = rows.iter().map(figures);
                Ok(Figures { own: all.next().unwrap_or_default(), gain: all.next() })
            }
            Item::Balance(place, asset) => {
                let balance = balance_of(&place, &asset, ledger.balance(&place, &asset)).ok_or_else(none)?;
                Ok(Figures { own: figures(&self.balance_row(id, &balance)?), gain: None })
            }
        }
    }
}

/// Why there is no price, in a text that does not grow piece by piece: before the first quotes everything has one.
fn reason(missing: &Missing) -> String {
    let mut text = String::with_capacity(96);
    // Writing to a text cannot fail.
    let _ = write!(text, "{missing}");
    text
}

/// None when it is not held any more; spot is held as balances.
fn current(item: &Item, here: AtPlace<'_>) -> Option<Current> {
    match item {
        Item::Position(_, symbol) => {
            let held = here.position(symbol)?;
            let listing = held.listing();
            let is_future = matches!(listing.contract.terms, Terms::Perpetual | Terms::Future { .. });
            let entry = if is_future { held.average_price() } else { None };
            let holding = Holding::new(listing, held.canonical_quantity(), entry).ok();
            (listing.contract.terms != Terms::Spot)
                .then(|| Current { listing: Some(listing.clone()), holding })
        }
        Item::Balance(_, asset) => {
            let amount = here.balance(asset);
            let holding = border::to_model(amount).ok().map(|quantity| Holding { quantity, entry: None });
            (!amount.is_zero()).then_some(Current { listing: None, holding })
        }
    }
}
