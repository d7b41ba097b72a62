//! Moves of collateral: proposals, what is sent, what follows from news of it.

use super::collateral::{self, MarginUse, MoveWish};
use super::desk::Desk;
use super::proposal::Closed;
use super::{ANSWER_WITHIN_SECONDS, Acting, Answer, Names};
use crate::event::{Arming, Event, Link, ProposalId};
use crate::limits::State;
use crate::output::Output;
use crate::policy::{Collateral, Execution};
use crate::transfers::{Ended, Transfer};
use book::Place;
use journal::Digest;
use std::fmt;
use units::{Asset, Decimal, Fixed, Money, Timestamp, Venue};

/// How long a proposal waits where the policy has no `[orders]` that say it.
const PROPOSAL_SECONDS: u32 = 60;

/// A move of collateral that a rule asks for, with everything that a person needs to say yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferProposal {
    /// Names it; the transfer that it becomes has the same name.
    pub id: ProposalId,
    /// The rule that asks.
    pub rule: String,
    /// The figure that made it ask, and why it is less than that needs, if it is.
    pub why: String,
    /// Where it leaves.
    pub from: Place,
    /// Where it arrives.
    pub to: Place,
    /// What arrives.
    pub money: Money,
    /// What the source takes on top, in the same asset.
    pub fee: Decimal,
    /// Maintenance use of the account that it leaves.
    pub at_source: MarginUse,
    /// Maintenance use of the account that it goes to.
    pub at_destination: MarginUse,
    /// Hash of the figures above: what is approved is what was seen.
    pub inputs: Digest,
    /// When it was made.
    pub made: Timestamp,
    /// When it is dropped.
    pub expires: Timestamp,
}

impl TransferProposal {
    fn of(desk: Desk<'_>, rule: &Collateral, wish: MoveWish, names: &mut Names) -> Self {
        let seconds = desk.policy.orders.as_ref().map_or(PROPOSAL_SECONDS, |orders| orders.proposal_seconds);
        let mut proposal = Self {
            id: names.proposal(),
            rule: rule.name.clone(),
            why: wish.why,
            from: wish.from,
            to: rule.to.clone(),
            money: wish.money,
            fee: rule.fee,
            at_source: wish.uses.at_source,
            at_destination: wish.uses.at_destination,
            inputs: Digest::new([0; 32]),
            made: desk.now,
            expires: desk.now.plus_millis(i64::from(seconds) * 1_000),
        };
        proposal.inputs = Digest::of_state(proposal.figures().as_bytes());
        proposal
    }

    fn figures(&self) -> String {
        let Self { rule, why, from, to, money, fee, at_source, at_destination, .. } = self;
        format!(
            "{rule}: {} {} from {from} to {to}, {why}; use there {at_destination}, at the source {at_source}; fee {fee} {}",
            money.amount, money.asset, money.asset
        )
    }
}

impl Acting {
    /// What is proposed or approved to leave places of which this is said, with its fee, and has not left: it is not free.
    pub(crate) fn leaving<'a>(
        &'a self,
        is_meant: impl Fn(&Place) -> bool + Copy + 'a,
    ) -> impl Iterator<Item = (&'a Asset, Decimal)> + 'a {
        let proposed = self.moves.values().filter(move |proposal| is_meant(&proposal.from));
        let proposed = proposed.map(|proposal| (&proposal.money.asset, proposal.money.amount + proposal.fee));
        proposed.chain(self.transfers.leaving(is_meant))
    }

    /// What follows for moves from everything else, after an event: reminders, ends, wishes.
    pub(super) fn follow_moves(
        &mut self,
        desk: Desk<'_>,
        event: &Event,
        names: &mut Names,
        outputs: &mut Vec<Output>,
    ) {
        let links = &self.links;
        let is_up = |venue: &Venue| links.get(venue) == Some(&Link::Up);
        let orders = desk.policy.orders.as_ref();
        let answer_within = orders.map_or(ANSWER_WITHIN_SECONDS, |orders| orders.answer_within_seconds);
        outputs.extend(self.transfers.remind(answer_within, is_up, desk.now));
        self.drop_old_moves(desk, outputs);
        let is_clock = matches!(event, Event::Clock | Event::Snapshot { .. });
        // Between two computations the use of margin is that of another time.
        if !is_clock || desk.margins.computed() != Some(desk.now) {
            return;
        }
        for rule in &desk.policy.collaterals {
            self.drop_needless_move(desk, rule, outputs);
            if self.is_free(&rule.name, desk.now) {
                self.consider_move(desk, rule, names, outputs);
            }
        }
    }

    fn consider_move(
        &mut self,
        desk: Desk<'_>,
        rule: &Collateral,
        names: &mut Names,
        outputs: &mut Vec<Output>,
    ) {
        let wish = match collateral::wish(self, desk, rule) {
            Ok(Some(wish)) => wish,
            Ok(None) => return self.held(&rule.name, None, outputs),
            Err(why) => return self.held(&rule.name, Some(why), outputs),
        };
        self.held(&rule.name, None, outputs);
        let proposal = TransferProposal::of(desk, rule, wish, names);
        self.rules.entry(rule.name.clone()).or_default().acted = Some(desk.now.unix_nanos());
        outputs.push(Output::TransferProposed(Box::new(proposal.clone())));
        if rule.execution == Execution::Armed && self.arming == Arming::Armed {
            self.carry_out_move(desk, &proposal, Closed::Automatic, outputs);
        } else {
            self.moves.insert(proposal.id, proposal);
        }
    }

    /// A person answers a proposal of a move; none where no such one is open.
    pub(super) fn answer_move(
        &mut self,
        desk: Desk<'_>,
        (who, id): (&str, ProposalId),
        answer: Answer,
    ) -> Option<Vec<Output>> {
        let proposal = self.moves.remove(&id)?;
        let (who, mut outputs) = (who.to_owned(), Vec::new());
        match answer {
            Answer::No => {
                outputs.push(Output::ProposalClosed { id, why: Closed::Declined { who } });
                self.rest(desk, &proposal.rule);
            }
            Answer::Yes => self.carry_out_move(desk, &proposal, Closed::Approved { who }, &mut outputs),
        }
        Some(outputs)
    }

    /// Asks for the transfer of a proposal, if it may still go.
    fn carry_out_move(
        &mut self,
        desk: Desk<'_>,
        proposal: &TransferProposal,
        why: Closed,
        outputs: &mut Vec<Output>,
    ) {
        let TransferProposal { id, rule, from, money, .. } = proposal;
        let found = desk.policy.collaterals.iter().find(|known| known.name == *rule);
        let judged = found.ok_or_else(|| "its rule is gone".to_owned()).and_then(|rule| {
            collateral::judge(self, desk, rule, (from, money))?;
            Ok(rule)
        });
        let rule = match judged {
            Ok(rule) => rule,
            Err(why) => {
                outputs.push(Output::ProposalClosed { id: *id, why: Closed::Withdrawn { why } });
                return self.rest(desk, &proposal.rule);
            }
        };
        let within = i64::from(rule.arrives_within_seconds) * 1_000;
        let transfer = Transfer {
            id: *id,
            from: from.clone(),
            to: proposal.to.clone(),
            money: money.clone(),
            valid_until: desk.now.plus_millis(within),
        };
        outputs.push(Output::ProposalClosed { id: *id, why });
        self.transfers.send(transfer.clone(), &rule.name, proposal.fee, desk.now);
        outputs.push(Output::Transfer(transfer));
    }

    /// A transfer is over.
    pub(crate) fn move_ended(
        &mut self,
        desk: Desk<'_>,
        (id, ended): (ProposalId, Ended),
        outputs: &mut Vec<Output>,
    ) {
        let Ended { rule, failed } = ended;
        let rejects = self.rules.get(&rule).map_or(0, |state| state.rejects);
        let rejects = if failed.is_some() { rejects.saturating_add(1) } else { 0 };
        self.rest_after(desk, &rule, rejects);
        outputs.push(Output::TransferGone { id, failed });
    }

    /// A proposal of an account whose use is back below what asked for it is not needed any more.
    fn drop_needless_move(&mut self, desk: Desk<'_>, rule: &Collateral, outputs: &mut Vec<Output>) {
        if collateral::is_short(desk, rule) != Ok(false) {
            return;
        }
        let why = format!("the use of {} on {} asks for nothing any more", rule.to.account, rule.to.venue);
        let waiting = self.moves.extract_if(.., |_, proposal| proposal.rule == rule.name);
        outputs.extend(
            waiting.map(|(id, _)| Output::ProposalClosed { id, why: Closed::Withdrawn { why: why.clone() } }),
        );
    }

    fn drop_old_moves(&mut self, desk: Desk<'_>, outputs: &mut Vec<Output>) {
        let is_known = |rule: &str| desk.policy.collaterals.iter().any(|known| known.name == rule);
        let why = |proposal: &TransferProposal| {
            if desk.now >= proposal.expires {
                Some(Closed::Expired)
            } else if !is_known(&proposal.rule) {
                Some(Closed::Withdrawn { why: "its rule is gone".into() })
            } else if matches!(desk.state, State::Paused | State::Flatten) {
                Some(Closed::Withdrawn { why: format!("the book is {}", desk.state.word()) })
            } else {
                None
            }
        };
        let closed: Vec<(ProposalId, Closed)> =
            self.moves.iter().filter_map(|(id, proposal)| Some((*id, why(proposal)?))).collect();
        for (id, why) in closed {
            if let Some(proposal) = self.moves.remove(&id).filter(|proposal| is_known(&proposal.rule)) {
                self.rest(desk, &proposal.rule);
            }
            outputs.push(Output::ProposalClosed { id, why });
        }
    }
}

impl fmt::Display for MarginUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |used: Option<Fixed>| used.map_or("endless".into(), |used| used.to_decimal_text(4));
        write!(f, "{} to {}", text(self.before), text(self.after))
    }
}

impl fmt::Display for TransferProposal {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.inputs.to_string();
        let inputs = inputs.get(..16).unwrap_or(&inputs);
        write!(f, "{} by {}; inputs {inputs}; until {}", self.id, self.figures(), self.expires)
    }
}
