//! Prices of what is held, brought up to the market: only those that a change can have moved, and with no more work than it takes.
//!
//! | changed | contracts | work |
//! |---|---|---|
//! | own quotes; forward of the expiry | those contracts | looked up anew |
//! | index, a USD rate | of the classes whose rates moved | quoted options: USD factors only, no kernel; others: looked up anew |
//! | time | all | options with a quoted vol: time to expiry, kernels; others: looked up anew |
//! | anything of the underlying, or a rate | those without quotes of their own | looked up anew |

use super::live::LiveViews;
use super::slot::{OfContract, Slot, SlotId, What};
use instrument::{Contract, Settlement};
use market::{Changes, Market, Moves, VolSource};
use risk::{Form, Priced, UsdRates};
use std::collections::BTreeSet;
use units::Asset;

/// Contracts of one underlying and settlement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Class {
    rates: Option<UsdRates>,
    slots: Vec<SlotId>,
    /// Those that do not rest on quotes of their own.
    loose: BTreeSet<SlotId>,
}

/// What may have moved the prices of a class.
#[derive(Clone, Copy)]
struct Cause<'a> {
    market: &'a Market,
    moves: Option<&'a Moves>,
    /// Rates of the class; none when they cannot be had or are out of range.
    rates: Option<UsdRates>,
    /// True when those are not what they were.
    other_rates: bool,
    /// True when some index or rate is another one.
    any_rate: bool,
    has_aged: bool,
}

impl Class {
    /// Takes a contract out; true when none is left.
    pub(super) fn remove(&mut self, id: SlotId) -> bool {
        self.slots.retain(|slot| *slot != id);
        self.loose.remove(&id);
        self.slots.is_empty()
    }
}

fn rates_of((underlying, settlement): (&Asset, &Settlement), market: &Market) -> Option<UsdRates> {
    UsdRates::new((underlying, settlement), market).ok().filter(UsdRates::is_in_range)
}

impl LiveViews {
    /// Puts a new contract into its class.
    pub(super) fn join_class(&mut self, id: SlotId, contract: &Contract, market: &Market) {
        let key = (contract.underlying.clone(), contract.settlement.clone());
        let class = self.classes.entry(key).or_insert_with(|| Class {
            rates: rates_of((&contract.underlying, &contract.settlement), market),
            ..Class::default()
        });
        class.slots.push(id);
        if let Some(slot) = self.slots.get_mut(id as usize) {
            look_up(id, slot, &mut class.loose, market);
        }
    }

    /// Brings prices up to the market; says which slots are to be valued again.
    pub(super) fn reprice(&mut self, market: &Market, changes: &Changes, has_aged: bool) -> Vec<SlotId> {
        let mut moved = Vec::new();
        if !has_aged && !changes.rates && changes.underlyings.is_empty() {
            return moved;
        }
        let any_rate = changes.rates || changes.underlyings.values().any(|moves| moves.index);
        let Self { slots, assets, contracts, classes, .. } = self;
        if any_rate {
            for (asset, id) in assets.iter() {
                let Some(slot) = slots.get_mut(*id as usize) else { continue };
                if slot.put_price(Priced::asset(asset, market)) {
                    moved.push(*id);
                }
            }
        }
        for ((underlying, settlement), class) in classes.iter_mut() {
            let moves = changes.underlyings.get(underlying);
            let rates = if any_rate { rates_of((underlying, settlement), market) } else { class.rates };
            let other_rates = rates != class.rates;
            class.rates = rates;
            let cause = Cause { market, moves, rates, other_rates, any_rate, has_aged };
            let own = moves.into_iter().flat_map(|moves| &moves.contracts);
            let own = own.filter(|contract| contract.settlement == *settlement);
            let own: BTreeSet<SlotId> = own.filter_map(|contract| contracts.get(contract).copied()).collect();
            let all = has_aged || other_rates || moves.is_some_and(|moves| !moves.forwards.is_empty());
            let loose: Vec<SlotId> =
                if moves.is_some() || any_rate { class.loose.iter().copied().collect() } else { Vec::new() };
            let rest = if all { class.slots.as_slice() } else { loose.as_slice() };
            for id in own.iter().chain(rest.iter().filter(|id| !own.contains(id))) {
                let Some(slot) = slots.get_mut(*id as usize) else { continue };
                let work = if own.contains(id) { Work::LookUp } else { cause.work(slot) };
                let has_moved = match work {
                    Work::None => false,
                    Work::LookUp => look_up(*id, slot, &mut class.loose, market),
                    Work::Follow => follow(slot, &cause) || look_up(*id, slot, &mut class.loose, market),
                };
                if has_moved {
                    moved.push(*id);
                }
            }
        }
        moved
    }
}

enum Work {
    None,
    LookUp,
    /// Only USD factors or the time to expiry have changed.
    Follow,
}

impl Cause<'_> {
    fn work(&self, slot: &Slot) -> Work {
        let What::Contract(of) = &slot.what else { return Work::None };
        if !of.is_quoted {
            let is_touched = self.has_aged || self.any_rate || self.moves.is_some();
            return if is_touched { Work::LookUp } else { Work::None };
        }
        let forward_moved = |moves: &Moves| slot.expiry.is_some_and(|at| moves.forwards.contains(&at));
        let is_option = !slot.is_future();
        if is_option && self.moves.is_some_and(forward_moved) {
            return Work::LookUp;
        }
        if !self.has_aged && !self.other_rates {
            return Work::None;
        }
        let vol = slot.price.as_ref().ok().and_then(|price| price.provenance.vol);
        let keeps_vol = vol == Some(VolSource::Quoted) || (vol.is_some() && !self.has_aged);
        if is_option && keeps_vol && self.rates.is_some() { Work::Follow } else { Work::LookUp }
    }
}

/// Looks a price up; true when it is another one, and for futures always: gains go by marks.
fn look_up(id: SlotId, slot: &mut Slot, loose: &mut BTreeSet<SlotId>, market: &Market) -> bool {
    let What::Contract(of) = &mut slot.what else { return false };
    let OfContract { contract, mark, is_quoted, .. } = &mut **of;
    let price = Priced::new(contract, market);
    let has_no_smile = price.as_ref().is_ok_and(|price| price.smile.is_none());
    *is_quoted = has_no_smile && market.is_quoted(contract);
    if *is_quoted {
        loose.remove(&id);
    } else {
        loose.insert(id);
    }
    *mark = market.future_state(contract).ok().map(|state| state.mark);
    let is_future = slot.is_future();
    slot.put_price(price) || is_future
}

/// Follows rates and time without looking anything up; false when that cannot be done.
fn follow(slot: &mut Slot, cause: &Cause<'_>) -> bool {
    let (Ok(price), Some(rates)) = (&mut slot.price, cause.rates) else { return false };
    let Form::Option(black) = &mut price.form else { return false };
    if cause.has_aged {
        let years = slot.expiry.and_then(|expiry| cause.market.asof.years_until(expiry).ok());
        let Some(years) = years.filter(|years| !years.is_expired()) else { return false };
        black.expiry = years;
    }
    price.follow_rates(&rates);
    slot.follow_price();
    true
}
