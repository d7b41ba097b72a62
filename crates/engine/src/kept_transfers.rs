//! Moves of collateral as a snapshot of the machine keeps them.

use crate::acting::{MarginUse, TransferProposal};
use crate::event::{BlockNumber, ProposalId};
use crate::transfers::{OpenTransfer, Transfer, TransferPhase, Transfers, Went};
use crate::wire::{Amount, At, Exact, Held};
use book::Place;
use journal::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::Fixed;

#[derive(Serialize, Deserialize)]
pub(crate) struct TransfersKept {
    open: Vec<OpenKept>,
    gone: Vec<(ProposalId, At, Went)>,
    sent: Vec<(At, String, Exact)>,
    proposals: Vec<ProposalKept>,
}

#[derive(Serialize, Deserialize)]
struct OpenKept {
    id: ProposalId,
    from: Held,
    to: Held,
    money: Amount,
    valid_until: At,
    rule: String,
    fee: Exact,
    phase: TransferPhase,
    since: At,
    sent: At,
    due: At,
    left: Option<At>,
    block: Option<BlockNumber>,
    is_late: bool,
}

#[derive(Serialize, Deserialize)]
struct ProposalKept {
    id: ProposalId,
    rule: String,
    why: String,
    from: Held,
    to: Held,
    money: Amount,
    fee: Exact,
    /// Before and after at the source, before and after at the destination.
    uses: [Option<[u8; 16]>; 4],
    inputs: [u8; 32],
    made: At,
    expires: At,
}

impl TransfersKept {
    pub(crate) fn of(transfers: &Transfers, proposals: &BTreeMap<ProposalId, TransferProposal>) -> Self {
        let sent = transfers.sent.iter();
        Self {
            open: transfers.open.values().map(OpenKept::of).collect(),
            gone: transfers.gone.iter().map(|(id, (time, went))| (*id, At::of(*time), *went)).collect(),
            sent: sent
                .map(|(time, rule, amount)| (At::of(*time), rule.clone(), Exact::of(*amount)))
                .collect(),
            proposals: proposals.values().map(ProposalKept::of).collect(),
        }
    }

    pub(crate) fn restored(self) -> (Transfers, BTreeMap<ProposalId, TransferProposal>) {
        let open = self.open.into_iter().map(|kept| (kept.id, kept.restored()));
        let gone = self.gone.into_iter().map(|(id, time, went)| (id, (time.get(), went)));
        let sent = self.sent.into_iter().map(|(time, rule, amount)| (time.get(), rule, amount.get()));
        let transfers = Transfers { open: open.collect(), gone: gone.collect(), sent: sent.collect() };
        let proposals = self.proposals.into_iter().map(|kept| (kept.id, kept.restored()));
        (transfers, proposals.collect())
    }
}

impl OpenKept {
    fn of(open: &OpenTransfer) -> Self {
        let Transfer { id, from, to, money, valid_until } = &open.transfer;
        Self {
            id: *id,
            from: from.into(),
            to: to.into(),
            money: money.into(),
            valid_until: At::of(*valid_until),
            rule: open.rule.clone(),
            fee: Exact::of(open.fee),
            phase: open.phase,
            since: At::of(open.since),
            sent: At::of(open.sent),
            due: At::of(open.due),
            left: open.left.map(At::of),
            block: open.block,
            is_late: open.is_late,
        }
    }

    fn restored(self) -> OpenTransfer {
        let transfer = Transfer {
            id: self.id,
            from: Place::from(self.from),
            to: Place::from(self.to),
            money: self.money.into(),
            valid_until: self.valid_until.get(),
        };
        let (since, sent, due) = (self.since.get(), self.sent.get(), self.due.get());
        let (fee, left) = (self.fee.get(), self.left.map(|at| at.get()));
        let Self { rule, phase, block, is_late, .. } = self;
        OpenTransfer { transfer, rule, fee, phase, since, sent, due, left, block, is_late }
    }
}

impl ProposalKept {
    fn of(proposal: &TransferProposal) -> Self {
        let (source, destination) = (&proposal.at_source, &proposal.at_destination);
        let uses = [source.before, source.after, destination.before, destination.after];
        Self {
            id: proposal.id,
            rule: proposal.rule.clone(),
            why: proposal.why.clone(),
            from: (&proposal.from).into(),
            to: (&proposal.to).into(),
            money: (&proposal.money).into(),
            fee: Exact::of(proposal.fee),
            uses: uses.map(|used| used.map(|used| used.raw().to_le_bytes())),
            inputs: *proposal.inputs.bytes(),
            made: At::of(proposal.made),
            expires: At::of(proposal.expires),
        }
    }

    fn restored(self) -> TransferProposal {
        let uses = self.uses.map(|used| used.map(|raw| Fixed::from_raw(i128::from_le_bytes(raw))));
        let [source_before, source_after, before, after] = uses;
        TransferProposal {
            id: self.id,
            rule: self.rule,
            why: self.why,
            from: self.from.into(),
            to: self.to.into(),
            money: self.money.into(),
            fee: self.fee.get(),
            at_source: MarginUse { before: source_before, after: source_after },
            at_destination: MarginUse { before, after },
            inputs: Digest::new(self.inputs),
            made: self.made.get(),
            expires: self.expires.get(),
        }
    }
}
