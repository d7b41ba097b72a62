//! The transfers that are not over.

use super::Transfer;
use crate::event::{BlockNumber, ProposalId, TransferEvent, TransferNews};
use crate::output::Output;
use book::Place;
use std::collections::BTreeMap;
use units::{Asset, Chain, Decimal, Money, Timestamp, Venue};

/// How long ids of transfers that are gone are known, so that late news of them is no surprise.
const REMEMBERED_MILLIS: i64 = 86_400_000;
/// How long after its time a transfer may still be on its way to a venue that reads the time by another clock.
const GRACE_MILLIS: i64 = 2_000;
const HOUR_MILLIS: i64 = 3_600_000;
const MOST_FEE: i64 = 10_000_000_000;

/// How far a transfer has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferPhase {
    /// Nobody has answered yet.
    Sent,
    /// The source was asked whether it knows it.
    Asked,
    /// The source has it, and nothing has left.
    Accepted,
    /// It has left and not arrived.
    UnderWay,
    /// It has arrived; what its source took for it is not known yet.
    Arrived,
}

impl TransferPhase {
    /// Word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::UnderWay => "under way",
            Self::Arrived => "arrived",
        }
    }

    /// Whether the money is still, or may still be, at its source.
    #[must_use]
    pub const fn is_at_source(self) -> bool {
        matches!(self, Self::Sent | Self::Asked | Self::Accepted)
    }
}

/// A transfer that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTransfer {
    /// As it was sent.
    pub transfer: Transfer,
    /// The rule that asked for it.
    pub rule: String,
    /// What its source is expected to charge on top, and once it has said so, did.
    pub fee: Decimal,
    /// How far it has got.
    pub phase: TransferPhase,
    /// Since when, or when a venue was last asked.
    pub since: Timestamp,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it should have arrived.
    pub due: Timestamp,
    /// When it left.
    pub left: Option<Timestamp>,
    /// The block that it left in, on a chain.
    pub block: Option<BlockNumber>,
    /// Whether a person was told that it is late.
    pub is_late: bool,
}

impl OpenTransfer {
    /// Seconds since it was sent.
    #[must_use]
    pub const fn age_seconds(&self, now: Timestamp) -> i64 {
        now.unix_nanos().saturating_sub(self.sent.unix_nanos()) / 1_000_000_000
    }

    /// It left, says its source: what that books; nothing when it was known.
    fn leave(
        &mut self,
        time: Timestamp,
        (fee, block): (Decimal, Option<BlockNumber>),
        now: Timestamp,
    ) -> Vec<Step> {
        let fee_step = (!fee.is_zero()).then_some(Step::Fee(fee));
        match self.phase {
            // Told again; after a replaced block perhaps in another one.
            TransferPhase::UnderWay => {
                self.block = block;
                Vec::new()
            }
            TransferPhase::Arrived => fee_step.into_iter().collect(),
            TransferPhase::Sent | TransferPhase::Asked | TransferPhase::Accepted => {
                (self.phase, self.since, self.left) = (TransferPhase::UnderWay, now, Some(time));
                (self.block, self.fee) = (block, fee);
                std::iter::once(Step::Leaves).chain(fee_step).collect()
            }
        }
    }

    /// It arrived, says its destination: what that books. What has arrived has left, also where its source has not been heard yet.
    fn arrive(&mut self, time: Timestamp, now: Timestamp) -> Vec<Step> {
        match self.phase {
            TransferPhase::Arrived => Vec::new(),
            TransferPhase::UnderWay => vec![Step::Arrives],
            TransferPhase::Sent | TransferPhase::Asked | TransferPhase::Accepted => {
                (self.phase, self.since, self.left) = (TransferPhase::Arrived, now, Some(time));
                vec![Step::Leaves, Step::Arrives]
            }
        }
    }

    /// Who can say more of it.
    fn asked(&self) -> &Place {
        if self.phase == TransferPhase::UnderWay { &self.transfer.to } else { &self.transfer.from }
    }
}

/// What the ledger books of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The amount leaves its source.
    Leaves,
    /// The source takes a fee.
    Fee(Decimal),
    /// The amount is credited.
    Arrives,
    /// The departure never happened.
    Returns,
}

/// News that make sense: what is booked, in this order and by this time of the venue, and whether the transfer is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) transfer: Transfer,
    pub(crate) steps: Vec<Step>,
    pub(crate) time: Timestamp,
    pub(crate) ended: Option<Ended>,
}

/// Whether a transfer that is gone moved anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Went {
    Arrived,
    Failed,
}

/// How a transfer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) rule: String,
    /// Why nothing moved; none when it arrived.
    pub(crate) failed: Option<String>,
}

/// All transfers that are not over, the ids of those that were, and what was sent in the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Transfers {
    pub(crate) open: BTreeMap<ProposalId, OpenTransfer>,
    pub(crate) gone: BTreeMap<ProposalId, (Timestamp, Went)>,
    pub(crate) sent: Vec<(Timestamp, String, Decimal)>,
}

impl Transfers {
    /// A new transfer is on its way to its source.
    pub(crate) fn send(&mut self, transfer: Transfer, rule: &str, fee: Decimal, now: Timestamp) {
        self.sent.push((now, rule.to_owned(), transfer.money.amount));
        let due = transfer.valid_until;
        let open = OpenTransfer {
            rule: rule.to_owned(),
            fee,
            phase: TransferPhase::Sent,
            since: now,
            sent: now,
            due,
            left: None,
            block: None,
            is_late: false,
            transfer,
        };
        self.open.insert(open.transfer.id, open);
    }

    /// What a rule sent in the hour before a time.
    pub(crate) fn of_hour(&self, rule: &str, now: Timestamp) -> Decimal {
        let recent =
            self.sent.iter().filter(|(time, of, _)| of == rule && now < time.plus_millis(HOUR_MILLIS));
        recent.map(|(.., amount)| *amount).sum()
    }

    /// What may still leave places of which this is said, with its fee: it is not free.
    pub(crate) fn leaving<'a>(
        &'a self,
        is_meant: impl Fn(&Place) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Asset, Decimal)> + 'a {
        let open = self.open.values().filter(move |open| is_meant(&open.transfer.from));
        open.filter(|open| open.phase.is_at_source())
            .map(|open| (&open.transfer.money.asset, open.transfer.money.amount + open.fee))
    }

    /// Takes a venue's news; `None` when they tell nothing new.
    ///
    /// # Errors
    /// The rule that they break.
    pub(crate) fn hear(&mut self, event: &TransferEvent, now: Timestamp) -> Result<Option<Heard>, String> {
        let TransferEvent { id, place, news, time } = event;
        let Some(open) = self.open.get_mut(id) else {
            let moved = matches!(news, TransferNews::Left { .. } | TransferNews::Arrived);
            return match self.gone.get(id) {
                Some((_, Went::Failed)) if moved => Err(format!(
                    "{id} moved after all, says {place}: nothing is booked before a report is adopted"
                )),
                Some(_) => Ok(None),
                None => Err(format!("{place} tells of {id}, which is no transfer of this engine")),
            };
        };
        let Transfer { from, to, money, valid_until, .. } = open.transfer.clone();
        let end = match news {
            TransferNews::Arrived => to,
            TransferNews::NotKnown if *place == to => to,
            _ => from,
        };
        if end != *place {
            return Err(format!("{id}: news of {place}, which is not the end that can say so"));
        }
        let mut heard =
            Heard { transfer: open.transfer.clone(), steps: Vec::new(), time: *time, ended: None };
        match news {
            TransferNews::Accepted => {
                if matches!(open.phase, TransferPhase::Sent | TransferPhase::Asked) {
                    (open.phase, open.since) = (TransferPhase::Accepted, now);
                }
                return Ok(None);
            }
            // It may be on its way still: only when its source would not let it leave any more is it gone.
            TransferNews::NotKnown => {
                open.since = now;
                if *place == open.transfer.to || !open.phase.is_at_source() {
                    return Ok(None);
                }
                if *time < valid_until.plus_millis(GRACE_MILLIS) {
                    open.phase = TransferPhase::Asked;
                    return Ok(None);
                }
                heard.ended = self.end(id, Some("its venue does not know it".into()), now);
            }
            TransferNews::Rejected(why) => {
                if !open.phase.is_at_source() {
                    return Err(format!("{id}: rejected after it left: {why}"));
                }
                heard.ended = self.end(id, Some(why.clone()), now);
            }
            TransferNews::Left { fee, block } => {
                let charged = charge(id, fee.as_ref(), &money)?;
                let has_arrived = open.phase == TransferPhase::Arrived;
                heard.steps = open.leave(*time, (charged, *block), now);
                if has_arrived {
                    heard.ended = self.end(id, None, now);
                }
            }
            TransferNews::Arrived => {
                let was_told = open.phase == TransferPhase::UnderWay;
                heard.steps = open.arrive(*time, now);
                if was_told {
                    heard.ended = self.end(id, None, now);
                }
            }
        }
        Ok(Some(heard))
    }

    /// Blocks of a chain from one on are gone: departures in them never happened.
    pub(crate) fn reorganise(&mut self, chain: &Chain, from: BlockNumber, now: Timestamp) -> Vec<Heard> {
        let is_gone = |open: &OpenTransfer| {
            open.phase == TransferPhase::UnderWay
                && open.transfer.from.chain == *chain
                && open.block.is_some_and(|block| block >= from)
        };
        let gone = self.open.values_mut().filter(|open| is_gone(open));
        gone.map(|open| {
            (open.phase, open.since, open.left, open.block) = (TransferPhase::Asked, now, None, None);
            let back = (!open.fee.is_zero()).then_some(Step::Fee(-open.fee));
            Heard {
                transfer: open.transfer.clone(),
                steps: std::iter::once(Step::Returns).chain(back).collect(),
                time: now,
                ended: None,
            }
        })
        .collect()
    }

    /// What must be said by now: questions to venues whose connection stands, and what is late.
    pub(crate) fn remind(
        &mut self,
        answer_within_seconds: u32,
        is_up: impl Fn(&Venue) -> bool,
        now: Timestamp,
    ) -> Vec<Output> {
        let answer = i64::from(answer_within_seconds) * 1_000;
        let mut said = Vec::new();
        for open in self.open.values_mut() {
            if now >= open.due && !open.is_late && open.phase != TransferPhase::Arrived {
                open.is_late = true;
                let (age, phase) = (open.age_seconds(now), open.phase.word());
                let text = format!("transfer {} is late: {phase} after {age} s", open.transfer);
                said.push(Output::Alert { text });
            }
            // What is under way in time is left in peace.
            let is_asked_for = open.is_late || open.phase != TransferPhase::UnderWay;
            if is_asked_for && now >= open.since.plus_millis(answer) && is_up(&open.asked().venue) {
                open.since = now;
                if open.phase == TransferPhase::Sent {
                    open.phase = TransferPhase::Asked;
                }
                said.push(Output::QueryTransfer { id: open.transfer.id, place: open.asked().clone() });
            }
        }
        self.gone.retain(|_, (time, _)| now < time.plus_millis(REMEMBERED_MILLIS));
        self.sent.retain(|(time, ..)| now < time.plus_millis(HOUR_MILLIS));
        said
    }

    /// Asks about every transfer that a venue can say something of: it came back, or its report is not what the ledger has.
    pub(crate) fn ask(&mut self, is_meant: impl Fn(&Place) -> bool, now: Timestamp) -> Vec<Output> {
        let meant = self.open.values_mut().filter(|open| is_meant(open.asked()));
        meant
            .map(|open| {
                open.since = now;
                if open.phase == TransferPhase::Sent {
                    open.phase = TransferPhase::Asked;
                }
                Output::QueryTransfer { id: open.transfer.id, place: open.asked().clone() }
            })
            .collect()
    }

    /// The report of a place has been agreed with: what its venue took for a transfer that has arrived is in it.
    pub(crate) fn agreed(&mut self, place: &Place, now: Timestamp) -> Vec<(ProposalId, Ended)> {
        let told = |open: &OpenTransfer| open.phase == TransferPhase::Arrived && open.transfer.from == *place;
        let ids: Vec<ProposalId> =
            self.open.values().filter(|open| told(open)).map(|open| open.transfer.id).collect();
        ids.into_iter().filter_map(|id| Some((id, self.end(&id, None, now)?))).collect()
    }

    fn end(&mut self, id: &ProposalId, failed: Option<String>, now: Timestamp) -> Option<Ended> {
        let open = self.open.remove(id)?;
        let went = if failed.is_some() { Went::Failed } else { Went::Arrived };
        self.gone.insert(*id, (now, went));
        Some(Ended { rule: open.rule, failed })
    }
}

/// What a source took on top, in the asset of the transfer.
fn charge(id: &ProposalId, fee: Option<&Money>, of: &Money) -> Result<Decimal, String> {
    match fee {
        Some(fee) if fee.asset != of.asset => {
            Err(format!("{id}: a fee of {} {}: it is paid in {}", fee.amount, fee.asset, of.asset))
        }
        // Beyond this no sum of fees and amounts is sure to fit.
        Some(fee) if !(Decimal::ZERO..=Decimal::from(MOST_FEE)).contains(&fee.amount) => {
            Err(format!("{id}: a fee of {} {}: from zero to {MOST_FEE}", fee.amount, fee.asset))
        }
        fee => Ok(fee.map_or(Decimal::ZERO, |fee| fee.amount)),
    }
}
