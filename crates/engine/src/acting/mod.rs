//! What the engine does about figures: rules that want to trade, proposals that wait, orders that are on their way.
//!
//! ```text
//! rule ─ wants ─► gate ─► Proposal ─ a person, or the rule once armed ─► gate ─► Order ─► venue
//!                  │ no                                                   │ no
//!                  ▼                                                      ▼
//!              HeldBack, said once                                    withdrawn
//! ```
//!
//! One rule has one proposal or order at a time, and rests after each. Nothing goes where the connection is lost, where the venue has not
//! reported since it came back, where its report differs, on stale quotes, against the state of the book, over a limit with everything on
//! its way counted, over the largest order, the turnover of an hour or the collar, and where it would leave its account below its initial
//! margin. On a chain, rules are asked when a block comes, because between two blocks nothing can be done.

mod by_hand;
mod collateral;
pub(crate) mod desk;
mod effect;
mod gate;
mod margin_effect;
mod moves;
mod proposal;
mod sizing;
mod wish;

pub(crate) use by_hand::BY_HAND;
pub use collateral::MarginUse;
pub use effect::Effect;
pub use margin_effect::{MarginChange, MarginEffect};
pub use moves::TransferProposal;
pub use proposal::{Closed, Proposal};

use crate::event::{Arming, Event, Link, OrderEvent, OrderNews, ProposalId};
use crate::limits::State;
use crate::orders::{Blotter, Gone, OpenOrder, Order, Phase, Went};
use crate::output::Output;
use crate::policy::{Execution, Hedge, OrderLimits, Policy};
use crate::transfers::Transfers;
use crate::views::Item;
use book::Place;
use by_hand::is_by_hand;
use desk::Desk;
use effect::Trade;
use gate::Refusal;
use journal::{Digest, Seq};
use risk::{GroupBy, GroupKey};
use std::collections::{BTreeMap, BTreeSet};
use units::{Chain, Fixed, OrderId, Quantity, Timestamp, Venue};
use wish::{Wanted, Wish};

/// How the rules begin that close one thing each in the state flatten; no hedge's name may.
pub(crate) const FLATTEN: &str = "flatten ";
const HOUR_MILLIS: i64 = 3_600_000;
/// For orders that a policy without bounds has left.
const ANSWER_WITHIN_SECONDS: u32 = 5;
/// How long a rule rests that margin holds back.
const MARGIN_REST_MILLIS: i64 = 1_000;
const MOST_DOUBLINGS: u32 = 6;

/// Where a rule stands between its orders.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct RuleState {
    /// It rests until then, nanoseconds of Unix time.
    pub(crate) quiet_until: i64,
    /// Orders that venues rejected since the last fill.
    pub(crate) rejects: u32,
    /// What keeps it from acting, as it was said.
    pub(crate) held: Option<String>,
    /// When it last asked for a trade, or a clock found nothing to trade; nanoseconds of Unix time.
    pub(crate) acted: Option<i64>,
}

/// Everything about acting that lasts from event to event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Acting {
    pub(crate) arming: Arming,
    pub(crate) links: BTreeMap<Venue, Link>,
    /// Places whose venue reported what the ledger has since its connection came up.
    pub(crate) proven: BTreeSet<Place>,
    pub(crate) blotter: Blotter,
    pub(crate) proposals: BTreeMap<ProposalId, Proposal>,
    pub(crate) rules: BTreeMap<String, RuleState>,
    /// Notional of orders by time sent, of the last hour.
    pub(crate) sent: Vec<(Timestamp, Fixed)>,
    /// Moves of collateral that wait for a person.
    pub(crate) moves: BTreeMap<ProposalId, TransferProposal>,
    pub(crate) transfers: Transfers,
}

/// Names what one event makes.
pub(crate) struct Names {
    seq: Seq,
    next: u32,
}

impl Names {
    pub(crate) const fn of(seq: Seq) -> Self {
        Self { seq, next: 0 }
    }

    fn proposal(&mut self) -> ProposalId {
        let id = ProposalId::new(self.seq, self.next);
        self.next += 1;
        id
    }
}

impl Acting {
    /// Notional of the orders of the hour before a time, USD.
    pub(crate) fn turnover(&self, now: Timestamp) -> Fixed {
        let recent = self.sent.iter().filter(|(time, _)| now < time.plus_millis(HOUR_MILLIS));
        recent.map(|(_, notional)| *notional).sum()
    }

    /// Open orders whose contract belongs to a group.
    pub(crate) fn open_in(
        &self,
        by: &[GroupBy],
        key: &[GroupKey],
    ) -> impl Iterator<Item = (&OrderId, &OpenOrder)> {
        self.blotter.open.iter().filter(move |(_, open)| {
            let row = effect::place_of(open);
            by.iter().map(|column| column.key(&row)).eq(key.iter().cloned())
        })
    }

    /// Those of them that nobody was asked to end.
    pub(crate) fn standing_in(&self, by: &[GroupBy], key: &[GroupKey]) -> BTreeSet<OrderId> {
        let open = self.open_in(by, key).filter(|(_, open)| open.phase != Phase::Cancelling);
        open.map(|(id, _)| id.clone()).collect()
    }

    /// A connection came up or was lost.
    pub(crate) fn link(&mut self, venue: &Venue, link: Link, now: Timestamp) -> Vec<Output> {
        self.proven.retain(|place| place.venue != *venue);
        self.links.insert(venue.clone(), link);
        if link == Link::Down {
            return Vec::new();
        }
        let mut outputs = self.blotter.ask(venue, now);
        outputs.extend(self.transfers.ask(|place| place.venue == *venue, now));
        outputs
    }

    /// The process started: nothing is known of any venue, and a person must arm it again.
    pub(crate) fn started(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (venue, link) in self.links.iter_mut().filter(|(_, link)| **link == Link::Up) {
            *link = Link::Down;
            outputs.push(Output::LinkChanged { venue: venue.clone(), link: Link::Down });
        }
        if self.arming == Arming::Armed {
            self.arming = Arming::Disarmed;
            outputs.push(Output::ArmingChanged(Arming::Disarmed));
        }
        outputs
    }

    /// A venue's news of an order.
    pub(crate) fn hear(&mut self, desk: Desk<'_>, event: &OrderEvent) -> Vec<Output> {
        let mut outputs = Vec::new();
        match self.blotter.hear(event, desk.now) {
            Ok(gone) => {
                if let OrderNews::Rejected(why) = &event.news
                    && gone.is_some()
                {
                    outputs.push(Output::Alert { text: format!("{} was rejected: {why}", event.id) });
                }
                self.gone(desk, gone, &mut outputs);
            }
            Err(text) => outputs.push(Output::Alert { text }),
        }
        outputs
    }

    /// A fill of an order.
    pub(crate) fn filled(&mut self, desk: Desk<'_>, id: &OrderId, quantity: Quantity) -> Vec<Output> {
        let (gone, odd) = self.blotter.fill(id, quantity, desk.now);
        let mut outputs: Vec<Output> = odd.map(|text| Output::Alert { text }).into_iter().collect();
        self.gone(desk, gone, &mut outputs);
        outputs
    }

    fn gone(&mut self, desk: Desk<'_>, gone: Option<Gone>, outputs: &mut Vec<Output>) {
        let Some(Gone { id, rule, went }) = gone else { return };
        let rejects = self.rules.get(&rule).map_or(0, |state| state.rejects);
        let rejects = match went {
            Went::Rejected => rejects.saturating_add(1),
            Went::Filled => 0,
            Went::Unfilled => rejects,
        };
        self.rest_after(desk, &rule, rejects);
        outputs.push(Output::OrderGone { id });
    }

    /// A rule rests after what it sent is over, the longer the more of it was refused.
    fn rest_after(&mut self, desk: Desk<'_>, rule: &str, rejects: u32) {
        let cool_down = cool_down_seconds(desk.policy, rule).unwrap_or(1);
        // Who is rejected rests, also without a cool-down.
        let base = if rejects > 0 { cool_down.max(1) } else { cool_down };
        let rest = i64::from(base) * 1_000 * (1 << rejects.min(MOST_DOUBLINGS));
        let state = self.rules.entry(rule.to_owned()).or_default();
        (state.rejects, state.quiet_until) = (rejects, desk.now.plus_millis(rest).unix_nanos());
    }

    /// A person answers a proposal.
    pub(crate) fn answer(
        &mut self,
        desk: Desk<'_>,
        (who, id): (&str, ProposalId),
        answer: Answer,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        let Some(proposal) = self.proposals.remove(&id) else {
            if let Some(outputs) = self.answer_move(desk, (who, id), answer) {
                return outputs;
            }
            let rule = format!(
                "{id} is no open proposal: it was answered, sent, withdrawn or dropped after its time"
            );
            return vec![Output::Refused { rule }];
        };
        match answer {
            Answer::No => {
                let who = who.to_owned();
                outputs.push(Output::ProposalClosed { id, why: Closed::Declined { who } });
                self.rest(desk, &proposal.rule);
            }
            Answer::Yes => {
                self.carry_out(desk, &proposal, Closed::Approved { who: who.to_owned() }, &mut outputs);
            }
        }
        outputs
    }

    fn rest(&mut self, desk: Desk<'_>, rule: &str) {
        let millis = i64::from(cool_down_seconds(desk.policy, rule).unwrap_or(1)) * 1_000;
        self.rules.entry(rule.to_owned()).or_default().quiet_until =
            desk.now.plus_millis(millis).unix_nanos();
    }

    /// Sends the order of a proposal, if it may still go.
    fn carry_out(&mut self, desk: Desk<'_>, proposal: &Proposal, why: Closed, outputs: &mut Vec<Output>) {
        let Proposal { id, rule, place, listing, quantity, limit_price, .. } = proposal;
        // What a rule sends by itself was looked at in this very event.
        let is_of_now = why == Closed::Automatic;
        let seen = (*quantity, *limit_price);
        // What a person chose goes whole or not at all.
        let is_whole = is_of_now || is_by_hand(rule);
        let size = if is_whole { Ok(*quantity) } else { wish::size_of_now(desk, listing, *quantity) };
        let limit = if is_of_now { Ok(*limit_price) } else { wish::limit_of_now(desk, listing, seen) };
        let sized = size.and_then(|size| Ok((size, limit?)));
        let order = sized.and_then(|(quantity, limit_price)| {
            let trade = Trade { place, listing, quantity, price: limit_price };
            gate::judge(self, desk, trade).map_err(|refusal| refusal.to_string())?;
            if !is_of_now {
                margin_effect::margins(desk, trade, proposal.fee_usd)
                    .map_err(|refusal| refusal.to_string())?;
            }
            let valid = desk.policy.orders.as_ref().map_or(0, |bounds| bounds.valid_seconds);
            Ok(Order {
                id: OrderId::new(&id.to_string()).map_err(|error| error.to_string())?,
                place: place.clone(),
                symbol: listing.symbol.clone(),
                quantity,
                limit_price,
                valid_until: desk.now.plus_millis(i64::from(valid) * 1_000),
            })
        });
        match order {
            Ok(order) => {
                outputs.push(Output::ProposalClosed { id: *id, why });
                self.sent.push((desk.now, proposal.notional_usd));
                self.blotter.send(order.clone(), listing.clone(), rule, desk.now);
                outputs.push(Output::Order(order));
            }
            Err(why) => {
                outputs.push(Output::ProposalClosed { id: *id, why: Closed::Withdrawn { why } });
                self.rest(desk, rule);
            }
        }
    }

    /// What follows from everything else, after an event: reminders, ends, wishes.
    pub(crate) fn follow(&mut self, desk: Desk<'_>, event: &Event, names: &mut Names) -> Vec<Output> {
        let mut outputs = Vec::new();
        let links = &self.links;
        let is_up = |venue: &Venue| links.get(venue) == Some(&Link::Up);
        let answer_within =
            desk.policy.orders.as_ref().map_or(ANSWER_WITHIN_SECONDS, |o| o.answer_within_seconds);
        outputs.extend(self.blotter.remind(answer_within, is_up, desk.now));
        self.sent.retain(|(time, _)| desk.now < time.plus_millis(HOUR_MILLIS));
        self.drop_old(desk, &mut outputs);
        self.follow_moves(desk, event, names, &mut outputs);
        let Some(bounds) = &desk.policy.orders else { return outputs };
        for rule in &desk.policy.hedges {
            let chain = &rule.place.chain;
            if !chain.is_off_chain() && !desk.heads.contains_key(chain) {
                let why = format!("no block of {chain} has come: rules there are asked at its blocks");
                self.held(&rule.name, Some(why), &mut outputs);
                continue;
            }
            self.drop_needless(desk, rule, &mut outputs);
            if self.is_turn(&rule.place.chain, event) && self.is_free(&rule.name, desk.now) {
                let most = self.most(bounds, desk.now);
                let acted = self.acted(&rule.name);
                let wanted = wish::hedge(desk, (rule, acted), (bounds, most), self.blotter.open.values());
                // A clock counts from a look at something: what is opened from nothing is hedged at once.
                if wanted == Ok(None) && is_due(rule, acted, desk.now) && !wish::is_flat(desk, rule) {
                    self.rules.entry(rule.name.clone()).or_default().acted = Some(desk.now.unix_nanos());
                }
                self.consider(desk, (&rule.name, rule.execution), wanted, names, &mut outputs);
            }
        }
        self.flatten(desk, bounds, event, names, &mut outputs);
        outputs
    }

    /// When a rule last asked for a trade.
    fn acted(&self, rule: &str) -> Option<Timestamp> {
        self.rules.get(rule)?.acted.map(Timestamp::from_unix_nanos)
    }

    /// A proposal of a hedge whose delta is back in its band is not needed any more. What a clock, or a hedge's
    /// age, asked for stands until its time.
    fn drop_needless(&mut self, desk: Desk<'_>, rule: &Hedge, outputs: &mut Vec<Output>) {
        let Some(bounds) = &desk.policy.orders else { return };
        let waiting = self.proposals.iter().find(|(_, proposal)| proposal.rule == rule.name);
        let Some(id) = waiting.map(|(id, _)| *id) else { return };
        if rule.habits.due_years(&rule.sizing).is_some() {
            return;
        }
        let wanted = wish::hedge(desk, (rule, None), (bounds, bounds.largest), self.blotter.open.values());
        if wanted == Ok(None) {
            self.proposals.remove(&id);
            let why = format!("the delta of {} needs no trade any more", rule.underlying);
            outputs.push(Output::ProposalClosed { id, why: Closed::Withdrawn { why } });
        }
    }

    /// Ends what the state of the book no longer allows, and what nobody answered.
    fn drop_old(&mut self, desk: Desk<'_>, outputs: &mut Vec<Output>) {
        let rules: BTreeSet<&str> = desk.policy.hedges.iter().map(|hedge| hedge.name.as_str()).collect();
        let is_flattening = desk.state == State::Flatten;
        let is_known = |rule: &str| cool_down_seconds(desk.policy, rule).is_some();
        self.rules.retain(|rule, _| is_known(rule) || (is_flattening && rule.starts_with(FLATTEN)));
        let mut closed = Vec::new();
        for (id, proposal) in &self.proposals {
            let is_flatten = proposal.rule.starts_with(FLATTEN);
            let why = if desk.now >= proposal.expires {
                Some(Closed::Expired)
            } else if is_flatten && desk.state != State::Flatten {
                Some(Closed::Withdrawn { why: format!("the book is {}", desk.state.word()) })
            } else if !is_flatten && !is_by_hand(&proposal.rule) && !rules.contains(proposal.rule.as_str()) {
                Some(Closed::Withdrawn { why: "its rule is gone".into() })
            } else if desk.state == State::Paused {
                Some(Closed::Withdrawn { why: format!("the book is {}", desk.state.word()) })
            } else {
                None
            };
            closed.extend(why.map(|why| (*id, why)));
        }
        for (id, why) in closed {
            if let Some(proposal) = self.proposals.remove(&id) {
                self.rest(desk, &proposal.rule);
            }
            outputs.push(Output::ProposalClosed { id, why });
        }
        let is_over = |open: &OpenOrder| {
            let is_flatten = open.rule.starts_with(FLATTEN);
            match desk.state {
                _ if !is_flatten && !is_by_hand(&open.rule) && !rules.contains(open.rule.as_str()) => true,
                State::Normal | State::Warn => is_flatten,
                State::Paused => true,
                State::Flatten => !is_flatten && !gate::may_stand(self, desk, open),
                State::ReduceOnly => is_flatten || !gate::may_stand(self, desk, open),
            }
        };
        let standing = self.blotter.open.iter().filter(|(_, open)| open.phase != Phase::Cancelling);
        let over: BTreeSet<OrderId> =
            standing.filter(|(_, open)| is_over(open)).map(|(id, _)| id.clone()).collect();
        outputs.extend(self.cancel(desk.now, &over));
    }

    /// Asks for the end of orders.
    pub(crate) fn cancel(&mut self, now: Timestamp, ids: &BTreeSet<OrderId>) -> Vec<Output> {
        let links = &self.links;
        self.blotter.cancel(now, ids, |venue| links.get(venue) == Some(&Link::Up))
    }

    /// A place's venue reports what the ledger has, or its report was adopted.
    pub(crate) fn agreed(&mut self, desk: Desk<'_>, place: &Place) -> Vec<Output> {
        self.proven.insert(place.clone());
        let mut outputs = Vec::new();
        for ended in self.transfers.agreed(place, desk.now) {
            self.move_ended(desk, ended, &mut outputs);
        }
        for gone in self.blotter.agreed(place, desk.now) {
            self.gone(desk, Some(gone), &mut outputs);
        }
        outputs
    }

    /// A rule that has nothing waiting nor on its way, and does not rest.
    fn is_free(&self, rule: &str, now: Timestamp) -> bool {
        let is_resting = self.rules.get(rule).is_some_and(|state| now.unix_nanos() < state.quiet_until);
        !is_resting
            && !self.proposals.values().any(|proposal| proposal.rule == rule)
            && !self.blotter.open.values().any(|open| open.rule == rule)
            && !self.moves.values().any(|proposal| proposal.rule == rule)
            && !self.transfers.open.values().any(|open| open.rule == rule)
    }

    /// Rules at exchanges may act at any event, those on a chain when it has a new block.
    fn is_turn(&self, chain: &Chain, event: &Event) -> bool {
        match event {
            Event::Block { chain: at, .. } => at == chain || chain.is_off_chain(),
            _ => chain.is_off_chain(),
        }
    }

    /// The notional that one more order may have.
    fn most(&self, bounds: &OrderLimits, now: Timestamp) -> Fixed {
        let left = bounds.hourly_turnover - self.turnover(now);
        left.min(bounds.largest).max(Fixed::ZERO)
    }

    /// Closes what is held, one thing after the other, where the policy has somebody who may.
    fn flatten(
        &mut self,
        desk: Desk<'_>,
        bounds: &OrderLimits,
        event: &Event,
        names: &mut Names,
        outputs: &mut Vec<Output>,
    ) {
        let Some(execution) = bounds.flatten.filter(|_| desk.state == State::Flatten) else { return };
        let held: Vec<Item> = desk
            .ledger
            .positions()
            .map(|(place, held)| Item::Position(place.clone(), held.listing().symbol.clone()))
            .collect();
        for item in held {
            let Item::Position(place, _) = &item else { continue };
            if !self.is_turn(&place.chain, event) {
                continue;
            }
            let rule = format!("{FLATTEN}{item}");
            if self.is_free(&rule, desk.now) {
                let wanted = wish::close(desk, &item, bounds, self.most(bounds, desk.now));
                self.consider(desk, (&rule, execution), wanted, names, outputs);
            }
        }
    }

    /// Turns a wish into a proposal, and an armed rule's proposal into an order.
    fn consider(
        &mut self,
        desk: Desk<'_>,
        (rule, execution): (&str, Execution),
        wanted: Wanted,
        names: &mut Names,
        outputs: &mut Vec<Output>,
    ) {
        let wish = match wanted {
            Ok(Some(wish)) => wish,
            Ok(None) => return self.held(rule, None, outputs),
            Err(why) => return self.held(rule, Some(why), outputs),
        };
        let judged = match self.judged(desk, &wish) {
            Err(Refusal::Limits(broken)) => {
                let bound = |effect: &Effect| effect.share_within(gate::bound(desk, effect));
                let share = broken.iter().map(bound).fold(1.0, f64::min);
                match wish::shrunk(desk, &wish, share) {
                    Some(less) => self.judged(desk, &less).map(|effects| (less, effects)),
                    None => Err(Refusal::Limits(broken)),
                }
            }
            judged => judged.map(|effects| (wish, effects)),
        };
        let made = judged.and_then(|(wish, effects)| proposal_of(desk, rule, wish, effects, names));
        let proposal = match made {
            Ok(proposal) => proposal,
            Err(refusal) => {
                if matches!(refusal, Refusal::Margin(_)) {
                    // A margin is thousands of prices: it is not asked for again at every event.
                    let until = desk.now.plus_millis(MARGIN_REST_MILLIS).unix_nanos();
                    self.rules.entry(rule.to_owned()).or_default().quiet_until = until;
                }
                return self.held(rule, Some(refusal.to_string()), outputs);
            }
        };
        self.held(rule, None, outputs);
        self.rules.entry(rule.to_owned()).or_default().acted = Some(desk.now.unix_nanos());
        outputs.push(Output::Proposed(Box::new(proposal.clone())));
        if execution == Execution::Armed && self.arming == Arming::Armed {
            self.carry_out(desk, &proposal, Closed::Automatic, outputs);
        } else {
            self.proposals.insert(proposal.id, proposal);
        }
    }

    fn judged(&self, desk: Desk<'_>, wish: &Wish) -> Result<Vec<Effect>, Refusal> {
        let Wish { place, listing, quantity, limit_price, .. } = wish;
        gate::judge(self, desk, Trade { place, listing, quantity: *quantity, price: *limit_price })
    }

    /// Says what keeps a rule from acting, when that is something else than before.
    fn held(&mut self, rule: &str, why: Option<String>, outputs: &mut Vec<Output>) {
        let before = self.rules.get(rule).and_then(|state| state.held.as_ref());
        // Figures move at every event: a reason that differs in them only is the same one.
        if before.map(|text| without_figures(text)) == why.as_ref().map(|text| without_figures(text)) {
            return;
        }
        self.rules.entry(rule.to_owned()).or_default().held.clone_from(&why);
        outputs.push(Output::HeldBack { rule: rule.to_owned(), why });
    }
}

/// Whether a clock has its time, or a hedge its age.
fn is_due(rule: &Hedge, acted: Option<Timestamp>, now: Timestamp) -> bool {
    rule.habits.due_years(&rule.sizing).is_some_and(|years| sizing::age_years(now, acted) >= years)
}

/// How long a rule of the policy rests; none of those that it does not have.
fn cool_down_seconds(policy: &Policy, rule: &str) -> Option<u32> {
    let of_hedge = policy.hedges.iter().find(|hedge| hedge.name == rule).map(|hedge| hedge.cool_down_seconds);
    let of_move = policy.collaterals.iter().find(|known| known.name == rule);
    of_hedge.or(of_move.map(|known| known.cool_down_seconds))
}

/// A text with its numbers taken out.
fn without_figures(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '-')).collect()
}

/// What a person says to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

fn proposal_of(
    desk: Desk<'_>,
    rule: &str,
    wish: Wish,
    effects: Vec<Effect>,
    names: &mut Names,
) -> Result<Proposal, Refusal> {
    let Wish { place, listing, quantity, limit_price, worst_slippage, why } = wish;
    let notional_usd = desk.notional(&listing, quantity.get())?;
    let bounds = desk.policy.orders.as_ref().ok_or_else(|| "the policy has no [orders]".to_owned())?;
    let fee = desk.policy.trading_of(&listing).map_or(0.0, |row| row.fee);
    let usd = |value: f64| Fixed::quantise(value).map_err(|error| error.to_string());
    let fee_usd = usd(notional_usd.to_f64() * fee)?;
    let trade = Trade { place: &place, listing: &listing, quantity, price: limit_price };
    let margins = margin_effect::margins(desk, trade, fee_usd)?;
    let mut proposal = Proposal {
        id: names.proposal(),
        rule: rule.to_owned(),
        why,
        place,
        listing,
        quantity,
        limit_price,
        notional_usd,
        fee_usd,
        worst_slippage_usd: usd(notional_usd.to_f64() * worst_slippage)?,
        effects,
        margins,
        inputs: Digest::new([0; 32]),
        made: desk.now,
        expires: desk.now.plus_millis(i64::from(bounds.proposal_seconds) * 1_000),
    };
    proposal.inputs = proposal.digest();
    Ok(proposal)
}
