//! What acts, and margins, as a snapshot of the machine keeps them.

use crate::acting::{Acting, Effect, MarginChange, MarginEffect, Proposal, RuleState};
use crate::chains::{Chains, Provisional};
use crate::event::{Arming, BlockNumber, Event, Link, ProposalId};
use crate::kept_transfers::TransfersKept;
use crate::limits::Level;
use crate::margins::{Distance, MarginLevels, MarginView, Margins};
use crate::orders::{Blotter, OpenOrder, Order, Phase};
use crate::profit::Profit;
use crate::snapshot::Key;
use crate::wire::{At, Exact, Held};
use book::{Change, Entry, EntryKind, Place};
use instrument::{Listing, Specs, resolve};
use journal::{Digest, Event as _, Tag};
use risk::GroupKey;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use units::{Account, Asset, Chain, Fixed, Money, OrderId, Price, Quantity, Symbol, Venue};

/// Kind and version of a fill of an order in a block, whose encoding provisional fills are kept in.
const FILL: Tag = Tag { kind: 4, version: 2 };

#[derive(Serialize, Deserialize)]
pub(crate) struct ActingKept {
    arming: Arming,
    links: Vec<(Venue, Link)>,
    proven: Vec<Held>,
    open: Vec<OpenKept>,
    gone: Vec<(OrderId, At)>,
    proposals: Vec<ProposalKept>,
    rules: Vec<(String, RuleState)>,
    sent: Vec<(At, [u8; 16])>,
    heads: Vec<(Chain, BlockNumber)>,
    provisional: Vec<(Chain, Vec<ProvisionalKept>)>,
    transfers: TransfersKept,
}

#[derive(Serialize, Deserialize)]
struct OpenKept {
    id: OrderId,
    place: Held,
    symbol: Symbol,
    quantity: Exact,
    limit_price: Exact,
    valid_until: At,
    rule: String,
    filled: Exact,
    phase: Phase,
    since: At,
    is_to_end: bool,
    owed: Option<Exact>,
}

#[derive(Serialize, Deserialize)]
struct EffectKept {
    limit: String,
    group: Vec<Key>,
    /// Before, after, worst, warn, hard.
    figures: [[u8; 16]; 5],
    level: Level,
}

#[derive(Serialize, Deserialize)]
struct ProposalKept {
    id: ProposalId,
    rule: String,
    why: String,
    place: Held,
    symbol: Symbol,
    quantity: Exact,
    limit_price: Exact,
    /// Notional, fee, worst slippage.
    figures: [[u8; 16]; 3],
    effects: Vec<EffectKept>,
    margins: Vec<(Account, Venue, Result<MarginChangeKept, String>)>,
    inputs: [u8; 32],
    made: At,
    expires: At,
}

#[derive(Serialize, Deserialize)]
struct MarginChangeKept {
    rulebook: String,
    parameter_hash: String,
    before: LevelsKept,
    after: LevelsKept,
}

/// Equity, initial, surplus at it, maintenance; maintenance use.
#[derive(Serialize, Deserialize)]
struct LevelsKept([[u8; 16]; 4], Option<[u8; 16]>);

#[derive(Serialize, Deserialize)]
enum ChangeKept {
    Balance(Exact, Asset),
    Position(Exact, Option<Exact>),
    Noted(Exact, Asset),
}

#[derive(Serialize, Deserialize)]
struct ProvisionalKept {
    fill: Vec<u8>,
    /// Kind and change of each entry; place and listing are the fill's.
    entries: Vec<(u8, bool, ChangeKept)>,
    order: Option<OpenKept>,
}

/// Kinds of entries, by their number here.
const KINDS: [EntryKind; 12] = [
    EntryKind::Trade,
    EntryKind::Premium,
    EntryKind::Exchange,
    EntryKind::Realised,
    EntryKind::Fee,
    EntryKind::Funding,
    EntryKind::Settlement,
    EntryKind::Deposit,
    EntryKind::Withdrawal,
    EntryKind::Transfer,
    EntryKind::Adjustment,
    EntryKind::Opening,
];

fn number(kind: EntryKind) -> u8 {
    KINDS.iter().position(|known| *known == kind).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn kind_of(number: u8) -> Result<EntryKind, String> {
    KINDS.get(usize::from(number)).copied().ok_or_else(|| format!("no entry is of kind {number}"))
}

const fn raw(figure: Fixed) -> [u8; 16] {
    figure.raw().to_le_bytes()
}

const fn fixed(bytes: [u8; 16]) -> Fixed {
    Fixed::from_raw(i128::from_le_bytes(bytes))
}

fn listed(specs: &Specs, venue: &Venue, symbol: &Symbol) -> Result<Arc<Listing>, String> {
    let resolved = resolve(venue, symbol, specs).map_err(|error| error.to_string())?;
    match resolved.legs.as_slice() {
        [leg] => Ok(Arc::new(leg.listing.clone())),
        _ => Err(format!("{symbol} is a combo")),
    }
}

impl ActingKept {
    pub(crate) fn of(acting: &Acting, chains: &Chains) -> Self {
        let provisional = chains
            .provisional
            .iter()
            .map(|(chain, fills)| (chain.clone(), fills.iter().map(ProvisionalKept::of).collect()));
        Self {
            arming: acting.arming,
            links: acting.links.iter().map(|(venue, link)| (venue.clone(), *link)).collect(),
            proven: acting.proven.iter().map(Held::from).collect(),
            open: acting.blotter.open.values().map(OpenKept::of).collect(),
            gone: acting.blotter.gone.iter().map(|(id, time)| (id.clone(), At::of(*time))).collect(),
            proposals: acting.proposals.values().map(ProposalKept::of).collect(),
            rules: acting.rules.iter().map(|(rule, state)| (rule.clone(), state.clone())).collect(),
            sent: acting.sent.iter().map(|(time, notional)| (At::of(*time), raw(*notional))).collect(),
            heads: chains.heads.iter().map(|(chain, number)| (chain.clone(), *number)).collect(),
            provisional: provisional.collect(),
            transfers: TransfersKept::of(&acting.transfers, &acting.moves),
        }
    }

    pub(crate) fn restored(self, specs: &Specs) -> Result<(Acting, Chains), String> {
        let mut blotter = Blotter {
            gone: self.gone.into_iter().map(|(id, time)| (id, time.get())).collect(),
            ..Blotter::default()
        };
        for kept in self.open {
            let open = kept.restored(specs)?;
            blotter.open.insert(open.order.id.clone(), open);
        }
        let (transfers, moves) = self.transfers.restored();
        let mut acting = Acting {
            transfers,
            moves,
            arming: self.arming,
            links: self.links.into_iter().collect(),
            proven: self.proven.into_iter().map(Place::from).collect(),
            blotter,
            rules: self.rules.into_iter().collect(),
            sent: self.sent.into_iter().map(|(time, notional)| (time.get(), fixed(notional))).collect(),
            ..Acting::default()
        };
        for kept in self.proposals {
            let proposal = kept.restored(specs)?;
            acting.proposals.insert(proposal.id, proposal);
        }
        let mut chains = Chains { heads: self.heads.into_iter().collect(), ..Chains::default() };
        for (chain, fills) in self.provisional {
            let fills: Result<Vec<Provisional>, String> =
                fills.into_iter().map(|fill| fill.restored(specs)).collect();
            chains.provisional.insert(chain, fills?);
        }
        Ok((acting, chains))
    }
}

impl OpenKept {
    fn of(open: &OpenOrder) -> Self {
        let Order { id, place, symbol, quantity, limit_price, valid_until } = &open.order;
        Self {
            id: id.clone(),
            place: place.into(),
            symbol: symbol.clone(),
            quantity: Exact::of(quantity.get()),
            limit_price: Exact::of(limit_price.get()),
            valid_until: At::of(*valid_until),
            rule: open.rule.clone(),
            filled: Exact::of(open.filled.get()),
            phase: open.phase,
            since: At::of(open.since),
            is_to_end: open.is_to_end,
            owed: open.owed.map(|owed| Exact::of(owed.get())),
        }
    }

    fn restored(self, specs: &Specs) -> Result<OpenOrder, String> {
        let place = Place::from(self.place);
        let listing = listed(specs, &place.venue, &self.symbol)?;
        let order = Order {
            id: self.id,
            place,
            symbol: self.symbol,
            quantity: Quantity::new(self.quantity.get()),
            limit_price: Price::new(self.limit_price.get()),
            valid_until: self.valid_until.get(),
        };
        let filled = Quantity::new(self.filled.get());
        let owed = self.owed.map(|owed| Quantity::new(owed.get()));
        let (phase, since, is_to_end) = (self.phase, self.since.get(), self.is_to_end);
        Ok(OpenOrder { order, listing, rule: self.rule, filled, phase, since, is_to_end, owed })
    }
}

impl ProposalKept {
    fn of(proposal: &Proposal) -> Self {
        let effects = proposal.effects.iter().map(|effect| EffectKept {
            limit: effect.limit.clone(),
            group: effect.group.iter().map(Key::from).collect(),
            figures: [effect.before, effect.after, effect.worst, effect.warn, effect.hard].map(raw),
            level: effect.level,
        });
        Self {
            id: proposal.id,
            rule: proposal.rule.clone(),
            why: proposal.why.clone(),
            place: (&proposal.place).into(),
            symbol: proposal.listing.symbol.clone(),
            quantity: Exact::of(proposal.quantity.get()),
            limit_price: Exact::of(proposal.limit_price.get()),
            figures: [raw(proposal.notional_usd), raw(proposal.fee_usd), raw(proposal.worst_slippage_usd)],
            effects: effects.collect(),
            margins: proposal.margins.iter().map(margin_kept).collect(),
            inputs: *proposal.inputs.bytes(),
            made: At::of(proposal.made),
            expires: At::of(proposal.expires),
        }
    }

    fn restored(self, specs: &Specs) -> Result<Proposal, String> {
        let place = Place::from(self.place);
        let listing = listed(specs, &place.venue, &self.symbol)?;
        let effects = self.effects.into_iter().map(|kept| {
            let [before, after, worst, warn, hard] = kept.figures.map(fixed);
            let group = kept.group.into_iter().map(GroupKey::from).collect();
            Effect { limit: kept.limit, group, before, after, worst, warn, hard, level: kept.level }
        });
        let [notional_usd, fee_usd, worst_slippage_usd] = self.figures.map(fixed);
        Ok(Proposal {
            id: self.id,
            rule: self.rule,
            why: self.why,
            place,
            listing,
            quantity: Quantity::new(self.quantity.get()),
            limit_price: Price::new(self.limit_price.get()),
            notional_usd,
            fee_usd,
            worst_slippage_usd,
            effects: effects.collect(),
            margins: self.margins.into_iter().map(margin_restored).collect(),
            inputs: Digest::new(self.inputs),
            made: self.made.get(),
            expires: self.expires.get(),
        })
    }
}

fn margin_kept(effect: &MarginEffect) -> (Account, Venue, Result<MarginChangeKept, String>) {
    let figures = effect.figures.as_ref().map_err(Clone::clone).map(|change| MarginChangeKept {
        rulebook: change.rulebook.clone(),
        parameter_hash: change.parameter_hash.clone(),
        before: LevelsKept::of(&change.before),
        after: LevelsKept::of(&change.after),
    });
    (effect.account.clone(), effect.venue.clone(), figures)
}

fn margin_restored(
    (account, venue, kept): (Account, Venue, Result<MarginChangeKept, String>),
) -> MarginEffect {
    let figures = kept.map(|MarginChangeKept { rulebook, parameter_hash, before, after }| MarginChange {
        rulebook,
        parameter_hash,
        before: before.restored(),
        after: after.restored(),
    });
    MarginEffect { account, venue, figures }
}

impl LevelsKept {
    fn of(levels: &MarginLevels) -> Self {
        let MarginLevels { equity_usd, initial_margin_usd, initial_surplus_usd, .. } = *levels;
        let figures =
            [equity_usd, initial_margin_usd, initial_surplus_usd, levels.maintenance_margin_usd].map(raw);
        Self(figures, levels.maintenance_use.map(raw))
    }

    fn restored(self) -> MarginLevels {
        let [equity_usd, initial_margin_usd, initial_surplus_usd, maintenance_margin_usd] = self.0.map(fixed);
        let maintenance_use = self.1.map(fixed);
        MarginLevels {
            equity_usd,
            initial_margin_usd,
            initial_surplus_usd,
            maintenance_margin_usd,
            maintenance_use,
        }
    }
}

impl ProvisionalKept {
    fn of(provisional: &Provisional) -> Self {
        let mut fill = Vec::new();
        Event::Fill(provisional.fill.clone()).encode(&mut fill);
        let entries = provisional.entries.iter().map(|entry| {
            let change = match &entry.change {
                Change::Balance(money) => ChangeKept::Balance(Exact::of(money.amount), money.asset.clone()),
                Change::Noted(money) => ChangeKept::Noted(Exact::of(money.amount), money.asset.clone()),
                Change::Position { quantity, entry_value } => {
                    ChangeKept::Position(Exact::of(quantity.get()), entry_value.map(Exact::of))
                }
            };
            (number(entry.kind), entry.listing.is_some(), change)
        });
        Self { fill, entries: entries.collect(), order: provisional.order.as_ref().map(OpenKept::of) }
    }

    fn restored(self, specs: &Specs) -> Result<Provisional, String> {
        let Event::Fill(fill) = Event::decode(FILL, &self.fill)? else {
            return Err("a provisional fill is none".into());
        };
        let listing = listed(specs, &fill.place.venue, &fill.symbol)?;
        let entries = self.entries.into_iter().map(|(kind, is_listed, change)| {
            let kind = kind_of(kind)?;
            let money = |amount: Exact, asset| Money { amount: amount.get(), asset };
            let change = match change {
                ChangeKept::Balance(amount, asset) => Change::Balance(money(amount, asset)),
                ChangeKept::Noted(amount, asset) => Change::Noted(money(amount, asset)),
                ChangeKept::Position(quantity, value) => Change::Position {
                    quantity: Quantity::new(quantity.get()),
                    entry_value: value.map(|value| value.get()),
                },
            };
            let listing = is_listed.then(|| listing.clone());
            Ok(Entry { place: fill.place.clone(), listing, kind, change })
        });
        let entries: Result<Vec<Entry>, String> = entries.collect();
        let block = fill.block.ok_or("a provisional fill without a block")?;
        let order = self.order.map(|kept| kept.restored(specs)).transpose()?;
        Ok(Provisional { block, entries: entries?, order, fill })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct MarginsKept {
    /// File and text of each rulebook.
    texts: Vec<(String, String)>,
    of: Vec<(Account, Venue, Result<MarginKept, String>)>,
    computed: Option<At>,
}

#[derive(Serialize, Deserialize)]
struct MarginKept {
    rulebook: String,
    parameter_hash: String,
    /// Equity, counted, initial, maintenance.
    figures: [[u8; 16]; 4],
    maintenance_use: Option<[u8; 16]>,
    /// By index: down, up.
    liquidation: Vec<(Asset, [Option<[u8; 16]>; 2])>,
    unmargined: u64,
    underlyings: Vec<Asset>,
}

impl MarginsKept {
    pub(crate) fn of(margins: &Margins) -> Self {
        let of = margins.of.iter().map(|((account, venue), view)| {
            let kept = view.as_ref().map(MarginKept::of).map_err(Clone::clone);
            (account.clone(), venue.clone(), kept)
        });
        Self {
            texts: margins.texts.values().cloned().collect(),
            of: of.collect(),
            computed: margins.computed.map(At::of),
        }
    }

    pub(crate) fn restored(self) -> Result<Margins, String> {
        let mut margins = Margins::default();
        for (file, text) in &self.texts {
            margins.add(file, text).map_err(|issues| issues.to_string())?;
        }
        for (account, venue, kept) in self.of {
            margins.of.insert((account, venue), kept.map(MarginKept::restored));
        }
        margins.computed = self.computed.map(|at| at.get());
        Ok(margins)
    }
}

impl MarginKept {
    fn of(view: &MarginView) -> Self {
        let liquidation = view.liquidation.iter().map(|(asset, distance)| {
            (asset.clone(), [distance.down_percent.map(raw), distance.up_percent.map(raw)])
        });
        Self {
            rulebook: view.rulebook.clone(),
            parameter_hash: view.parameter_hash.clone(),
            figures: [
                view.equity_usd,
                view.counted_usd,
                view.initial_margin_usd,
                view.maintenance_margin_usd,
            ]
            .map(raw),
            maintenance_use: view.maintenance_use.map(raw),
            liquidation: liquidation.collect(),
            unmargined: view.unmargined as u64,
            underlyings: view.underlyings.iter().cloned().collect(),
        }
    }

    fn restored(self) -> MarginView {
        let [equity_usd, counted_usd, initial_margin_usd, maintenance_margin_usd] = self.figures.map(fixed);
        let liquidation = self.liquidation.into_iter().map(|(asset, [down, up])| {
            (asset, Distance { down_percent: down.map(fixed), up_percent: up.map(fixed) })
        });
        MarginView {
            rulebook: self.rulebook,
            parameter_hash: self.parameter_hash,
            equity_usd,
            counted_usd,
            initial_margin_usd,
            maintenance_margin_usd,
            maintenance_use: self.maintenance_use.map(fixed),
            liquidation: liquidation.collect(),
            unmargined: usize::try_from(self.unmargined).unwrap_or(usize::MAX),
            underlyings: self.underlyings.into_iter().collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ProfitKept {
    cash: Vec<(Held, u8, Asset, Exact)>,
    noted: Vec<(Held, Asset, Exact)>,
}

impl ProfitKept {
    pub(crate) fn of(profit: &Profit) -> Self {
        let cash = profit.of.iter().map(|((place, kind, asset), sum)| {
            (Held::from(place), number(*kind), asset.clone(), Exact::of(*sum))
        });
        let noted = profit.noted.iter();
        let noted = noted.map(|((place, asset), sum)| (Held::from(place), asset.clone(), Exact::of(*sum)));
        Self { cash: cash.collect(), noted: noted.collect() }
    }

    pub(crate) fn restored(self) -> Result<Profit, String> {
        let mut profit = Profit::default();
        for (place, kind, asset, sum) in self.cash {
            profit.of.insert((Place::from(place), kind_of(kind)?, asset), sum.get());
        }
        for (place, asset, sum) in self.noted {
            profit.noted.insert((Place::from(place), asset), sum.get());
        }
        Ok(profit)
    }
}
