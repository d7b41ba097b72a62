//! The machine: one event in, what follows from it out.

use crate::acting::desk::Desk;
use crate::acting::{Acting, Answer, Names, Proposal, TransferProposal};
use crate::chains::{Chains, Depth, Provisional};
use crate::event::{
    Arming, BlockNumber, CashEvent, CashKind, Command, Event, FillEvent, Link, ProposalId, ReportedEvent,
    TransferEvent,
};
use crate::explain::Explain;
use crate::limits::{Limits, Scope, State};
use crate::listings::Listings;
use crate::margins::Margins;
use crate::orders::OpenOrder;
use crate::output::{Held, Output};
use crate::policy::Policy;
use crate::profit::Profit;
use crate::quotes::Quotes;
use crate::transfers::{Heard, OpenTransfer, Step, in_transit, is_in_transit};
use crate::triggers::{News, Triggers};
use crate::views::{Item, LiveViews, Touched, Views};
use book::{Change, Entry, Fill, Ledger, LedgerError, OpenPosition, Place};
use instrument::{Listing, Specs, Terms};
use journal::Stamp;
use market::Market;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Asset, Chain, Decimal, Fixed, OrderId, Price, Symbol, Timestamp, Venue};

/// Venues keep balances to eight digits after the point: a smaller difference is their rounding, not a message that was lost.
const DUST: Decimal = Decimal::from_parts(1, 0, 0, false, 8);
/// How far a venue's clock may be ahead of ours.
const MOST_AHEAD_MILLIS: i64 = 300_000;

/// The engine. What is state changes by events alone; tables of venues are given at the start.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) specs: Arc<Specs>,
    pub(crate) listings: Listings,
    pub(crate) now: Timestamp,
    pub(crate) ledger: Ledger,
    pub(crate) quotes: Quotes,
    pub(crate) policy_text: String,
    pub(crate) policy: Policy,
    /// True until every group has been tested against the policy.
    pub(crate) policy_is_new: bool,
    pub(crate) limits: Limits,
    pub(crate) triggers: Triggers,
    pub(crate) stale: BTreeSet<Asset>,
    /// The last report of each place that differs from the ledger.
    pub(crate) differing: BTreeMap<Place, ReportedEvent>,
    /// When the report was true that a place was last set to: fills from before are in it.
    pub(crate) adopted: BTreeMap<Place, Timestamp>,
    pub(crate) views: LiveViews,
    pub(crate) acting: Acting,
    pub(crate) chains: Chains,
    pub(crate) margins: Margins,
    pub(crate) profit: Profit,
    pub(crate) explain: Explain,
}

impl Engine {
    /// An empty book and market at a time, without limits.
    #[must_use]
    pub fn new(specs: Arc<Specs>, now: Timestamp) -> Self {
        Self {
            specs,
            listings: Listings::default(),
            now,
            ledger: Ledger::new(Ledger::FILL_MEMORY_DAYS),
            quotes: Quotes::new(now),
            policy_text: String::new(),
            policy: Policy::default(),
            policy_is_new: false,
            limits: Limits::default(),
            triggers: Triggers::default(),
            stale: BTreeSet::new(),
            differing: BTreeMap::new(),
            adopted: BTreeMap::new(),
            views: LiveViews::default(),
            acting: Acting::default(),
            chains: Chains::default(),
            margins: Margins::default(),
            profit: Profit::default(),
            explain: Explain::default(),
        }
    }

    /// Time of valuation.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Positions and balances.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The market at the time of valuation.
    #[must_use]
    pub const fn market(&self) -> &Market {
        self.quotes.market()
    }

    /// The quotes that it was made of.
    #[must_use]
    pub const fn quotes(&self) -> &market::Snapshot {
        self.quotes.snapshot()
    }

    /// What is held, its value, sums.
    #[must_use]
    pub const fn views(&self) -> Views<'_> {
        Views { live: &self.views, ledger: &self.ledger, market: self.quotes.market() }
    }

    /// What the book may do.
    #[must_use]
    pub const fn state(&self) -> State {
        self.limits.state
    }

    /// The text of the limits at work; empty without any.
    #[must_use]
    pub fn policy_text(&self) -> &str {
        &self.policy_text
    }

    /// The user's own rates.
    #[must_use]
    pub const fn rates(&self) -> &BTreeMap<Asset, units::Spot> {
        self.quotes.rates()
    }

    /// Limits at work.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Underlyings without a quote for too long.
    #[must_use]
    pub const fn stale(&self) -> &BTreeSet<Asset> {
        &self.stale
    }

    /// Places whose venue reports something else than the ledger: nothing may be traded there.
    pub fn unreconciled(&self) -> impl Iterator<Item = &Place> {
        self.differing.keys()
    }

    /// Orders that may still be filled.
    #[must_use]
    pub const fn orders(&self) -> &BTreeMap<OrderId, OpenOrder> {
        &self.acting.blotter.open
    }

    /// Proposals that wait for a person.
    #[must_use]
    pub const fn proposals(&self) -> &BTreeMap<ProposalId, Proposal> {
        &self.acting.proposals
    }

    /// Moves of collateral that wait for a person.
    #[must_use]
    pub const fn transfer_proposals(&self) -> &BTreeMap<ProposalId, TransferProposal> {
        &self.acting.moves
    }

    /// Transfers that are not over: what has left and not arrived is in no account.
    #[must_use]
    pub const fn transfers(&self) -> &BTreeMap<ProposalId, OpenTransfer> {
        &self.acting.transfers.open
    }

    /// What was earned since the ledger was opened, by cause.
    #[must_use]
    pub const fn profit(&self) -> &Profit {
        &self.profit
    }

    /// What changed the value of the book, by cause, as of the last clock that explained it; nothing without `[explain]`.
    #[must_use]
    pub const fn explained(&self) -> &Explain {
        &self.explain
    }

    /// Margin of every account, as of the last clock that computed it.
    #[must_use]
    pub const fn margins(&self) -> &Margins {
        &self.margins
    }

    /// Whether rules may act by themselves.
    #[must_use]
    pub const fn arming(&self) -> Arming {
        self.acting.arming
    }

    /// Connections that were ever told of.
    #[must_use]
    pub const fn links(&self) -> &BTreeMap<Venue, Link> {
        &self.acting.links
    }

    /// Rules that would act and may not, with what holds them back.
    pub fn held_back(&self) -> impl Iterator<Item = (&str, &str)> {
        self.acting.rules.iter().filter_map(|(rule, state)| Some((rule.as_str(), state.held.as_deref()?)))
    }

    /// Notional of the orders of the last hour, USD.
    #[must_use]
    pub fn turnover(&self, now: Timestamp) -> Fixed {
        self.acting.turnover(now)
    }

    /// Applies one event.
    pub fn apply(&mut self, stamp: Stamp, event: &Event) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut touched = Touched::default();
        let mut names = Names::of(stamp.seq);
        let stranger = places(event).into_iter().flatten().find_map(|place| {
            if is_in_transit(place) {
                return Some(format!("{place}: the engine's own name for money under way: no venue has it"));
            }
            self.policy.stranger(&place.account)
        });
        if let Some(rule) = stranger {
            return vec![Output::Refused { rule }];
        }
        match event {
            Event::Clock => self.clock(stamp.time, &mut touched, &mut outputs),
            Event::Quotes { feed, rows } => {
                let issues = self.quotes.take(&self.specs, feed, rows, &mut touched);
                outputs.extend(issues.kept().iter().cloned().map(Output::QuoteRefused));
            }
            Event::Snapshot { feed, rows } => {
                self.clock(stamp.time, &mut touched, &mut outputs);
                let issues = self.quotes.take(&self.specs, feed, rows, &mut touched);
                outputs.extend(issues.kept().iter().cloned().map(Output::QuoteRefused));
            }
            Event::Rate { asset, usd } => self.quotes.rate(asset, *usd, &mut touched),
            Event::Fill(fill) => self.fill(stamp.time, fill, &mut touched, &mut outputs),
            Event::Cash(cash) => self.cash(cash, &mut touched, &mut outputs),
            Event::Settle { venue, symbol, price, time } => {
                let done = self.settle((venue, symbol), *price, *time);
                posted(done, &mut touched, &mut outputs);
            }
            Event::Order(news) => {
                let (acting, desk) = self.split(stamp.time);
                outputs.extend(acting.hear(desk, news));
            }
            Event::Transfer(news) => self.transfer(stamp.time, news, &mut touched, &mut outputs),
            Event::Link { venue, link } => {
                outputs.push(Output::LinkChanged { venue: venue.clone(), link: *link });
                outputs.extend(self.acting.link(venue, *link, stamp.time));
            }
            Event::Block { chain, number } => {
                if let Err(rule) = self.chains.block(chain, *number) {
                    outputs.push(Output::Refused { rule });
                }
            }
            Event::Reorg { chain, from } => {
                self.reorganise(stamp.time, (chain, *from), &mut touched, &mut outputs);
            }
            Event::Started => outputs.extend(self.acting.started()),
            Event::Reported(reported) => self.reported(stamp.time, reported, &mut outputs),
            Event::Policy { text } => self.new_policy(text, &mut outputs),
            Event::Rulebook { file, text } => {
                if let Err(issues) = self.margins.add(file, text) {
                    outputs.push(Output::Refused { rule: issues.to_string() });
                }
            }
            Event::Operator { who, command } => {
                self.operator(stamp.time, (who, command), &mut names, &mut touched, &mut outputs);
            }
        }
        self.account(&mut outputs);
        self.follow((stamp.time, event), &touched, &mut outputs);
        let (acting, desk) = self.split(stamp.time);
        outputs.extend(acting.follow(desk, event, &mut names));
        outputs
    }

    /// Adds what was posted to what was earned.
    fn account(&mut self, outputs: &mut Vec<Output>) {
        let mut odd = Vec::new();
        for output in outputs.iter() {
            if let Output::Posted(entry) = output {
                odd.extend(self.profit.add(entry).err().map(|text| Output::Alert { text }));
                odd.extend(self.explain.add(entry).err().map(|text| Output::Alert { text }));
            }
        }
        outputs.extend(odd);
    }

    /// Computes margins when they are due.
    fn margin(&mut self) {
        let Some(rules) = &self.policy.margin else { return };
        if self.margins.is_due(rules, self.now) {
            self.margins.compute(rules, &self.ledger, self.quotes.market(), self.now);
        }
    }

    /// Explains what the book gained or lost when that is due.
    fn explain(&mut self) {
        if let Some(rules) = self.policy.explain {
            self.explain.follow(rules, &self.ledger, &self.quotes, self.now);
        }
    }

    /// What acts, and what it looks at.
    fn split(&mut self, now: Timestamp) -> (&mut Acting, Desk<'_>) {
        let Self { acting, policy, ledger, quotes, views, margins, stale, differing, limits, chains, .. } =
            self;
        let (heads, state) = (&chains.heads, limits.state);
        let desk =
            Desk { policy, ledger, quotes, views, heads, limits, margins, stale, differing, state, now };
        (acting, desk)
    }

    /// Undoes the fills of blocks that are gone.
    fn reorganise(
        &mut self,
        now: Timestamp,
        (chain, from): (&Chain, BlockNumber),
        touched: &mut Touched,
        outputs: &mut Vec<Output>,
    ) {
        let (gone, depth) = self.chains.reorganise(chain, from);
        if depth == Depth::BelowFinal {
            let text = format!(
                "{chain} replaced blocks from {from} whose fills counted as final: its places wait for reports"
            );
            outputs.push(Output::Alert { text });
            self.acting.proven.retain(|place| place.chain != *chain);
        }
        for heard in self.acting.transfers.reorganise(chain, from, now) {
            self.moved(now, heard, touched, outputs);
        }
        for Provisional { fill: event, entries, order, .. } in gone {
            let booked = self.booked(&event);
            match booked.and_then(|fill| self.ledger.undo(&fill, &entries).map_err(|e| e.to_string())) {
                Ok(entries) => {
                    let (place, id) = (event.place.clone(), event.id.clone());
                    posted(Ok(entries), touched, outputs);
                    outputs.push(Output::Undone { place, id });
                    if let Some(order) = order {
                        self.acting.blotter.unfill(&order, event.quantity, now);
                    }
                }
                Err(why) => {
                    let text =
                        format!("fill '{}' is not undone, its place waits for a report: {why}", event.id);
                    outputs.push(Output::Alert { text });
                    self.acting.proven.remove(&event.place);
                }
            }
        }
    }

    /// Takes a venue's news of a transfer.
    fn transfer(
        &mut self,
        now: Timestamp,
        event: &TransferEvent,
        touched: &mut Touched,
        outputs: &mut Vec<Output>,
    ) {
        match self.acting.transfers.hear(event, now) {
            Ok(None) => {}
            Ok(Some(heard)) => self.moved(now, heard, touched, outputs),
            Err(text) => outputs.push(Output::Alert { text }),
        }
    }

    /// Books what has become of a transfer.
    fn moved(&mut self, now: Timestamp, heard: Heard, touched: &mut Touched, outputs: &mut Vec<Output>) {
        let Heard { transfer, steps, time, ended } = heard;
        let (from, to, money) = (&transfer.from, &transfer.to, &transfer.money);
        for step in steps {
            let booked = in_transit(from).map_err(|error| error.to_string()).and_then(|transit| {
                let text = |error: LedgerError| error.to_string();
                match &step {
                    Step::Leaves => {
                        self.as_adopted(from, (&money.asset, time), |l| l.transfer((from, &transit), money))
                    }
                    Step::Fee(amount) => {
                        let fee = units::Money { amount: *amount, asset: money.asset.clone() };
                        self.as_adopted(from, (&money.asset, time), |ledger| ledger.fee(from, &fee))
                    }
                    Step::Arrives => {
                        self.as_adopted(to, (&money.asset, time), |l| l.transfer((&transit, to), money))
                    }
                    Step::Returns => self.ledger.transfer((&transit, from), money).map_err(text),
                }
            });
            if step == Step::Returns {
                let text = format!("transfer {} has not left: its block is gone", transfer.id);
                outputs.push(Output::Alert { text });
            }
            posted(booked, touched, outputs);
        }
        if let Some(ended) = ended {
            let (acting, desk) = self.split(now);
            acting.move_ended(desk, (transfer.id, ended), outputs);
        }
    }

    /// Books at a place. Where a report that has it in it already was adopted, the balance stays, and what the report left unexplained is
    /// explained.
    fn as_adopted(
        &mut self,
        place: &Place,
        (asset, time): (&Asset, Timestamp),
        book: impl FnOnce(&mut Ledger) -> Result<Vec<Entry>, LedgerError>,
    ) -> Result<Vec<Entry>, String> {
        let text = |error: LedgerError| error.to_string();
        let before = self.ledger.balance(place, asset);
        let mut entries = book(&mut self.ledger).map_err(text)?;
        if self.adopted.get(place).is_some_and(|adopted| time <= *adopted) {
            let money = units::Money { amount: before, asset: asset.clone() };
            entries.extend(self.ledger.set_balance(place, &money).map_err(text)?);
        }
        Ok(entries)
    }

    fn clock(&mut self, time: Timestamp, touched: &mut Touched, outputs: &mut Vec<Output>) {
        if time < self.now {
            let rule =
                format!("the clock went back from {} to {time}: the time of valuation stays", self.now);
            outputs.push(Output::Refused { rule });
            return;
        }
        self.now = time;
        self.quotes.advance(time, touched);
    }

    /// Brings views, ages, limits, triggers and state up to date.
    fn follow(&mut self, (sent, event): (Timestamp, &Event), touched: &Touched, outputs: &mut Vec<Output>) {
        self.views.update(&self.ledger, self.quotes.market(), touched);
        outputs
            .extend(self.views.take_changes().into_iter().map(|(item, lost)| Output::Value { item, lost }));
        let stale = self.quotes.stale(self.policy.stale_after_seconds, self.views.coins());
        let changed = stale.symmetric_difference(&self.stale).cloned();
        outputs
            .extend(changed.map(|asset| Output::Stale { stale: stale.contains(&asset), underlying: asset }));
        let scope = if stale == self.stale && !self.policy_is_new { Scope::Changed } else { Scope::All };
        (self.stale, self.policy_is_new) = (stale, false);
        let told = (&self.stale, scope);
        outputs.extend(self.limits.evaluate(&self.policy, self.views.watch(), told, sent.max(self.now)));
        if matches!(event, Event::Clock | Event::Snapshot { .. }) {
            self.margin();
            self.explain();
        }
        let news = match event {
            Event::Clock | Event::Snapshot { .. } => News::Time,
            Event::Quotes { .. } | Event::Rate { .. } => News::Market,
            _ => News::Own,
        };
        outputs.extend(self.fire((scope, news), sent));
        self.views.watch_mut().settle();
        self.limits.follow(&self.policy, self.triggers.asks(&self.policy), outputs);
    }

    /// Tests the triggers. Their time is that of valuation, as their figures are; what they send is sent now.
    fn fire(&mut self, told: (Scope, News), sent: Timestamp) -> Vec<Output> {
        let Self {
            acting,
            policy,
            ledger,
            quotes,
            views,
            margins,
            stale,
            differing,
            limits,
            triggers,
            chains,
            now,
            ..
        } = self;
        let (heads, state) = (&chains.heads, limits.state);
        // Between two clocks time has passed as well.
        let now = sent.max(*now);
        let desk =
            Desk { policy, ledger, quotes, views, heads, limits, margins, stale, differing, state, now };
        triggers.evaluate(desk, acting, told, sent)
    }

    fn listing(&mut self, venue: &Venue, symbol: &Symbol) -> Result<Arc<Listing>, String> {
        self.listings.find(venue, symbol, &self.specs)
    }

    fn fill(
        &mut self,
        received: Timestamp,
        event: &FillEvent,
        touched: &mut Touched,
        outputs: &mut Vec<Output>,
    ) {
        // One fill dated far ahead would make all that follow too old to be told from duplicates.
        if event.time > received.plus_millis(MOST_AHEAD_MILLIS) {
            let rule = format!(
                "{}: fill '{}' is dated {}, over five minutes after it was received at {received}: check the venue's clock",
                event.place, event.id, event.time
            );
            outputs.push(Output::Refused { rule });
            return;
        }
        // A message that comes late, after a person has taken over a report that has its fill in it.
        if let Some(adopted) = self.adopted.get(&event.place)
            && event.time < *adopted
        {
            let rule = format!(
                "{}: fill '{}' of {} is in the report of {adopted} that was adopted",
                event.place, event.id, event.time
            );
            outputs.push(Output::Refused { rule });
            return;
        }
        let done = self.booked(event).and_then(|fill| self.ledger.fill(&fill).map_err(|e| e.to_string()));
        // A fill that is not booked, such as a duplicate, fills no order.
        let is_booked = done.is_ok();
        let entries = done.as_ref().ok().filter(|_| event.block.is_some()).cloned();
        posted(done, touched, outputs);
        if !is_booked {
            return;
        }
        if let (Some(block), Some(entries)) = (event.block, entries) {
            let fill = event.clone();
            let order = event.order.as_ref().and_then(|id| self.acting.blotter.open.get(id).cloned());
            self.chains.remember(&event.place.chain, Provisional { block, fill, entries, order });
        }
        if let Some(id) = &event.order {
            let (acting, desk) = self.split(received);
            outputs.extend(acting.filled(desk, id, event.quantity));
        }
    }

    /// A fill as the ledger takes it.
    fn booked(&mut self, event: &FillEvent) -> Result<Fill, String> {
        Ok(Fill {
            id: event.id.clone(),
            place: event.place.clone(),
            listing: self.listing(&event.place.venue, &event.symbol)?,
            quantity: event.quantity,
            price: event.price,
            fee: event.fee.clone(),
            time: event.time,
        })
    }

    fn cash(&mut self, event: &CashEvent, touched: &mut Touched, outputs: &mut Vec<Output>) {
        let CashEvent { place, money, kind, .. } = event;
        let size = units::Money { amount: money.amount.abs(), asset: money.asset.clone() };
        let text = |e: LedgerError| e.to_string();
        let done = match kind {
            CashKind::Deposit if money.amount < Decimal::ZERO => {
                self.ledger.withdraw(place, &size).map_err(text)
            }
            CashKind::Deposit => self.ledger.deposit(place, &size).map_err(text),
            CashKind::Transfer { to } if money.amount < Decimal::ZERO => {
                self.ledger.transfer((to, place), &size).map_err(text)
            }
            CashKind::Transfer { to } => self.ledger.transfer((place, to), &size).map_err(text),
            CashKind::Funding { symbol } => self
                .listing(&place.venue, symbol)
                .and_then(|listing| self.ledger.funding(place, &listing, money).map_err(text)),
        };
        posted(done, touched, outputs);
    }

    fn settle(
        &mut self,
        (venue, symbol): (&Venue, &Symbol),
        price: Price,
        _time: Timestamp,
    ) -> Result<Vec<Entry>, String> {
        let listing = self.listing(venue, symbol)?;
        self.ledger.settle(&listing, price).map_err(|e| e.to_string())
    }

    /// Compares a venue's report with the ledger. Differences are said one by one and block the place.
    fn reported(&mut self, now: Timestamp, reported: &ReportedEvent, outputs: &mut Vec<Output>) {
        let place = &reported.place;
        let differences = self.differences(reported);
        if differences.is_empty() {
            let (acting, desk) = self.split(now);
            outputs.extend(acting.agreed(desk, place));
            if self.differing.remove(place).is_some() {
                outputs.push(Output::Reconciled { place: place.clone() });
            }
            return;
        }
        for (held, own, reported) in differences {
            outputs.push(Output::Difference { place: place.clone(), held, own, reported });
        }
        self.acting.proven.remove(place);
        self.differing.insert(place.clone(), reported.clone());
        // News of a transfer may have been lost: its venue knows what a person would have to guess.
        if self.acting.links.get(&place.venue) == Some(&Link::Up) {
            outputs.extend(self.acting.transfers.ask(|end| end == place, now));
        }
    }

    /// What the ledger has and what the venue reports, where they are not the same.
    fn differences(&self, reported: &ReportedEvent) -> Vec<(Held, Decimal, Decimal)> {
        let place = &reported.place;
        let mut both: BTreeMap<Held, (Decimal, Decimal)> = BTreeMap::new();
        let here = self.ledger.positions().filter(|(at, held)| *at == place && !is_spot(held));
        for (_, held) in here {
            both.entry(Held::Position(held.listing().symbol.clone())).or_default().0 += held.quantity().get();
        }
        for (_, asset, amount) in self.ledger.balances().filter(|(at, ..)| *at == place) {
            both.entry(Held::Balance(asset.clone())).or_default().0 += amount;
        }
        for position in &reported.positions {
            both.entry(Held::Position(position.symbol.clone())).or_default().1 += position.quantity.get();
        }
        for (asset, amount) in &reported.balances {
            both.entry(Held::Balance(asset.clone())).or_default().1 += *amount;
        }
        let differs = |held: &Held, own: Decimal, venue: Decimal| match held {
            Held::Position(_) => own != venue,
            Held::Balance(_) => (own - venue).abs() > DUST,
        };
        both.into_iter()
            .filter(|(held, (own, venue))| differs(held, *own, *venue))
            .map(|(held, (a, b))| (held, a, b))
            .collect()
    }

    fn new_policy(&mut self, text: &str, outputs: &mut Vec<Output>) {
        match Policy::parse("policy", text, &self.specs) {
            Ok(policy) => {
                self.views.keep(&policy.watched());
                self.limits.carry(&self.policy, &policy);
                self.triggers.carry(&self.policy, &policy);
                if policy.explain.is_none() {
                    self.explain = Explain::default();
                }
                self.policy = policy;
                self.policy_is_new = true;
                self.policy_text = text.to_owned();
            }
            Err(issues) => outputs.push(Output::Refused { rule: format!("the old policy stays:\n{issues}") }),
        }
    }

    fn operator(
        &mut self,
        now: Timestamp,
        (who, command): (&str, &Command),
        names: &mut Names,
        touched: &mut Touched,
        outputs: &mut Vec<Output>,
    ) {
        match command {
            Command::State(state) => self.limits.by_person = *state,
            Command::Arming(arming) => {
                if self.acting.arming != *arming {
                    outputs.push(Output::ArmingChanged(*arming));
                }
                self.acting.arming = *arming;
            }
            Command::Approve(id) => {
                let (acting, desk) = self.split(now);
                outputs.extend(acting.answer(desk, (who, *id), Answer::Yes));
            }
            Command::Decline(id) => {
                let (acting, desk) = self.split(now);
                outputs.extend(acting.answer(desk, (who, *id), Answer::No));
            }
            Command::Propose(ticket) => match self.listing(&ticket.place.venue, &ticket.symbol) {
                Ok(listing) => {
                    let (acting, desk) = self.split(now);
                    outputs.extend(acting.propose(desk, (who, ticket), listing, names));
                }
                Err(rule) => outputs.push(Output::Refused { rule }),
            },
            Command::Cancel(id) => outputs.extend(self.acting.cancel_one(now, id)),
            Command::Adopt { place } => {
                let Some(reported) = self.differing.remove(place) else {
                    let rule = format!("{place}: nothing to adopt, its last report is what the ledger has");
                    outputs.push(Output::Refused { rule });
                    return;
                };
                for (held, _, reported_amount) in self.differences(&reported) {
                    let done = self.adopt(&reported, &held, reported_amount);
                    posted(done, touched, outputs);
                }
                self.adopted.insert(place.clone(), reported.time);
                let (acting, desk) = self.split(now);
                outputs.extend(acting.agreed(desk, place));
                outputs.push(Output::Reconciled { place: place.clone() });
            }
        }
    }

    fn adopt(
        &mut self,
        reported: &ReportedEvent,
        held: &Held,
        amount: Decimal,
    ) -> Result<Vec<Entry>, String> {
        let place = &reported.place;
        match held {
            Held::Balance(asset) => {
                let money = units::Money { amount, asset: asset.clone() };
                self.ledger.set_balance(place, &money).map_err(|e| e.to_string())
            }
            Held::Position(symbol) => {
                let listing = self.listing(&place.venue, symbol)?;
                let quantity = units::Quantity::new(amount);
                // The price of a position that is reported in several rows is not that of the whole.
                let mut rows = reported.positions.iter().filter(|position| position.symbol == *symbol);
                let price = rows.next().and_then(|row| row.average_price).filter(|_| rows.next().is_none());
                self.ledger.set_position(place, &listing, (quantity, price)).map_err(|e| e.to_string())
            }
        }
    }
}

/// Whose holdings an event changes or reports.
fn places(event: &Event) -> [Option<&Place>; 2] {
    match event {
        Event::Fill(fill) => [Some(&fill.place), None],
        Event::Cash(CashEvent { place, kind: CashKind::Transfer { to }, .. }) => [Some(place), Some(to)],
        Event::Cash(cash) => [Some(&cash.place), None],
        Event::Reported(reported) => [Some(&reported.place), None],
        Event::Transfer(news) => [Some(&news.place), None],
        Event::Operator { command: Command::Propose(ticket), .. } => [Some(&ticket.place), None],
        _ => [None, None],
    }
}

/// Spot is held as balances.
fn is_spot(held: &OpenPosition) -> bool {
    held.listing().contract.terms == Terms::Spot
}

/// Says what was booked, or why not, and what it touched.
fn posted(done: Result<Vec<Entry>, String>, touched: &mut Touched, outputs: &mut Vec<Output>) {
    match done {
        Ok(entries) => {
            for entry in entries {
                match &entry.change {
                    Change::Balance(money) => {
                        touched.items.push(Item::Balance(entry.place.clone(), money.asset.clone()));
                    }
                    Change::Position { .. } => {
                        if let Some(listing) = &entry.listing {
                            touched.items.push(Item::Position(entry.place.clone(), listing.symbol.clone()));
                        }
                    }
                    Change::Noted(_) => {}
                }
                outputs.push(Output::Posted(entry));
            }
        }
        Err(rule) => outputs.push(Output::Refused { rule }),
    }
}
