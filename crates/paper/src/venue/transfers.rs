//! Moves of our money to another place: what a venue was asked for, what left, what was credited.
//!
//! An exchange accepts a request, and takes the amount and its fee some time later, if they and its margin are still there; the amount is
//! credited elsewhere after its transit time. On a chain the block that takes the transaction takes the money; it goes on when so many blocks
//! lie on top that no reorganisation reaches it, and one that comes before undoes it. Each id is taken once.

use super::Venue;
use super::chain::Action;
use crate::accounts::Op;
use book::Place;
use engine::{BlockNumber, Event, ProposalId, Transfer, TransferEvent, TransferNews};
use instrument::Terms;
use std::collections::BTreeMap;
use units::{Asset, Decimal, Money, Timestamp, border};

/// How far a transfer has got at its source.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// A transaction that is in no block.
    Pending,
    /// Taken, and not carried out.
    Accepted,
    /// The money has left, on a chain in this block.
    Left { time: Timestamp, block: Option<u64> },
    /// Never carried out.
    Refused(String),
}

#[derive(Debug, Clone)]
struct Record {
    transfer: Transfer,
    stage: Stage,
    /// Whether the money is on its way and cannot be taken back.
    is_final: bool,
}

/// Transfers by our id.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    leaving: BTreeMap<ProposalId, Record>,
    credited: BTreeMap<ProposalId, (Place, Timestamp)>,
}

impl Venue {
    /// A request has come in: an exchange takes it and carries it out later, on a chain it waits for a block.
    pub(super) fn transfer(&mut self, now: Timestamp, transfer: Transfer) {
        let id = transfer.id;
        if self.transfers.leaving.contains_key(&id) {
            self.answer_transfer(now, id, &transfer.from);
            return;
        }
        let is_unlucky = self.draw.chance(self.config.faults.rejected);
        let checked = self.may_leave(now, &transfer).and_then(|()| {
            if is_unlucky { Err("withdrawals are suspended: try again".into()) } else { Ok(()) }
        });
        let stage = match (checked, &self.blocks) {
            (Err(reason), _) => Stage::Refused(reason),
            (Ok(()), Some(_)) => Stage::Pending,
            (Ok(()), None) => Stage::Accepted,
        };
        let from = transfer.from.clone();
        self.transfers.leaving.insert(id, Record { transfer, stage: stage.clone(), is_final: false });
        match stage {
            Stage::Pending => {
                if let Some(blocks) = &mut self.blocks {
                    blocks.submit(Action::Transfer(id), &mut self.draw);
                }
            }
            _ => self.answer_transfer(now, id, &from),
        }
    }

    /// A request that no venue can carry out.
    pub(crate) fn refuse_transfer(&mut self, now: Timestamp, transfer: Transfer, reason: &str) {
        let (id, from) = (transfer.id, transfer.from.clone());
        let stage = Stage::Refused(reason.into());
        self.transfers.leaving.entry(id).or_insert(Record { transfer, stage, is_final: false });
        self.answer_transfer(now, id, &from);
    }

    /// The time has come at which an exchange carries a transfer out: what is on its way now.
    pub(crate) fn depart(&mut self, now: Timestamp, id: ProposalId) -> Option<Transfer> {
        let record = self.transfers.leaving.get(&id).filter(|record| record.stage == Stage::Accepted)?;
        let transfer = record.transfer.clone();
        self.leave(now, id, None);
        let record = self.transfers.leaving.get_mut(&id)?;
        record.is_final = matches!(record.stage, Stage::Left { .. });
        record.is_final.then_some(transfer)
    }

    /// A block takes the transaction of a transfer.
    pub(super) fn include_transfer(&mut self, now: Timestamp, id: ProposalId) {
        if self.transfers.leaving.get(&id).is_some_and(|record| record.stage == Stage::Pending) {
            self.leave(now, id, Some(self.head()));
        }
    }

    /// A transfer comes to nothing.
    pub(super) fn drop_transfer(&mut self, now: Timestamp, id: ProposalId, reason: &str) {
        let Some(record) = self.transfers.leaving.get_mut(&id) else { return };
        record.stage = Stage::Refused(reason.into());
        let from = record.transfer.from.clone();
        self.answer_transfer(now, id, &from);
    }

    /// What lies so deep that it cannot be taken back goes on.
    pub(crate) fn confirmed(&mut self) -> Vec<Transfer> {
        let (head, confirmations) = (self.head(), u64::from(self.config.transfer.confirmations));
        let is_deep = |record: &&mut Record| {
            let block = if let Stage::Left { block, .. } = record.stage { block } else { None };
            !record.is_final && block.is_some_and(|block| block + confirmations <= head)
        };
        let deep = self.transfers.leaving.values_mut().filter(is_deep);
        deep.map(|record| {
            record.is_final = true;
            record.transfer.clone()
        })
        .collect()
    }

    /// Departures in this block and later ones never happened: their transactions wait again.
    pub(super) fn take_back_transfers(&mut self, from: u64) {
        let is_gone = |record: &&mut Record| matches!(record.stage, Stage::Left { block: Some(block), .. } if block >= from);
        let mut again = Vec::new();
        for record in self.transfers.leaving.values_mut().filter(is_gone) {
            record.stage = Stage::Pending;
            again.push(record.transfer.id);
        }
        for id in again {
            if let Some(blocks) = &mut self.blocks {
                blocks.submit(Action::Transfer(id), &mut self.draw);
            }
        }
    }

    /// Money from another place has come.
    pub(crate) fn credit(&mut self, now: Timestamp, transfer: &Transfer) {
        let Transfer { id, to, money, .. } = transfer;
        match self.accounts.post(Op::Deposit(to.clone(), money.clone()), self.head()) {
            Ok(()) => {
                self.transfers.credited.insert(*id, (to.clone(), now));
                self.answer_transfer(now, *id, to);
            }
            Err(error) => self.troubles.push(error.to_string()),
        }
    }

    /// Whether a transfer has been credited here.
    pub(crate) fn has_credited(&self, id: ProposalId) -> bool {
        self.transfers.credited.contains_key(&id)
    }

    /// What has left in blocks that stand.
    pub(crate) fn departed(&self) -> impl Iterator<Item = &Transfer> {
        let records = self.transfers.leaving.values();
        records.filter(|record| matches!(record.stage, Stage::Left { .. })).map(|record| &record.transfer)
    }

    fn leave(&mut self, now: Timestamp, id: ProposalId, block: Option<u64>) {
        let Some(record) = self.transfers.leaving.get(&id) else { return };
        let transfer = record.transfer.clone();
        if let Err(reason) = self.may_leave(now, &transfer).and_then(|()| self.debit(&transfer)) {
            self.drop_transfer(now, id, &reason);
            return;
        }
        if let Some(record) = self.transfers.leaving.get_mut(&id) {
            record.stage = Stage::Left { time: now, block };
        }
        self.answer_transfer(now, id, &transfer.from);
    }

    fn debit(&mut self, transfer: &Transfer) -> Result<(), String> {
        let Transfer { from, money, .. } = transfer;
        let text = |error: book::LedgerError| error.to_string();
        self.accounts.post(Op::Withdrawal(from.clone(), money.clone()), self.head()).map_err(text)?;
        match self.transfer_fee(&money.asset) {
            Some(fee) => self.accounts.post(Op::Fee(from.clone(), fee), self.head()).map_err(text),
            None => Ok(()),
        }
    }

    fn transfer_fee(&self, asset: &Asset) -> Option<Money> {
        let fee = self.config.transfer.fee.iter().find(|fee| fee.asset == *asset)?;
        Some(Money { amount: fee.amount, asset: asset.clone() })
    }

    /// Its time, its place, its balance, its margin.
    fn may_leave(&self, now: Timestamp, transfer: &Transfer) -> Result<(), String> {
        let Transfer { from, to, money, valid_until, .. } = transfer;
        if now > *valid_until {
            return Err(format!("it came at {now}, after its time"));
        }
        if !self.places.contains(from) || from == to {
            return Err(format!("{from}: no such account here, or it is both ends"));
        }
        if money.amount <= Decimal::ZERO {
            return Err("an amount is above zero".into());
        }
        let fee = self.transfer_fee(&money.asset).map_or(Decimal::ZERO, |fee| fee.amount);
        let whole = money.amount.checked_add(fee).ok_or("an amount with its fee has at most 28 digits")?;
        let held = self.accounts.ledger().balance(from, &money.asset);
        if held < whole {
            return Err(format!("{from} holds {held} {}, less than {whole}", money.asset));
        }
        let (equity_usd, asked_usd) = self.margin_usd(from);
        let leaves_usd = border::to_model(whole).map_err(|error| error.to_string())? * self.usd(&money.asset);
        if equity_usd - leaves_usd < asked_usd {
            return Err(format!("{from}: its margin would be short"));
        }
        Ok(())
    }

    /// Balances, and what positions ask for: a share of their notional.
    fn margin_usd(&self, place: &Place) -> (f64, f64) {
        let ledger = self.accounts.ledger();
        let here = ledger.balances().filter(|(at, ..)| *at == place);
        let model = |amount: Decimal| border::to_model(amount).unwrap_or(0.0);
        let equity = here.map(|(_, asset, amount)| model(amount) * self.usd(asset)).sum();
        let held = ledger
            .positions()
            .filter(|(at, held)| *at == place && held.listing().contract.terms != Terms::Spot);
        let notional: f64 = held
            .filter_map(|(_, held)| {
                let listed = &self.listed[*self.by_symbol.get(&held.listing().symbol)?];
                let size = model(held.canonical_quantity()).abs();
                let is_in_usd = listed.is_inverse && listed.option.is_none();
                Some(if is_in_usd { size } else { size * model(self.index[listed.underlying]) })
            })
            .sum();
        (equity, notional * self.config.transfer.margin_rate)
    }

    fn usd(&self, asset: &Asset) -> f64 {
        let coin = self.underlyings.iter().position(|underlying| underlying == asset);
        match coin.and_then(|at| self.index.get(at)) {
            Some(index) => border::to_model(*index).unwrap_or(0.0),
            None => self.rates.get(asset).copied().unwrap_or(1.0),
        }
    }

    /// What has become of a transfer, as this end knows it.
    pub(super) fn answer_transfer(&mut self, now: Timestamp, id: ProposalId, place: &Place) {
        let credited = self.transfers.credited.get(&id).filter(|(to, _)| to == place);
        let leaving = self.transfers.leaving.get(&id).filter(|record| record.transfer.from == *place);
        let (news, time) = match (credited, leaving.map(|record| &record.stage)) {
            (Some((_, time)), _) => (TransferNews::Arrived, *time),
            (None, None | Some(Stage::Pending)) => (TransferNews::NotKnown, now),
            (None, Some(Stage::Accepted)) => (TransferNews::Accepted, now),
            (None, Some(Stage::Refused(reason))) => (TransferNews::Rejected(reason.clone()), now),
            (None, Some(Stage::Left { time, block })) => {
                let fee = leaving.and_then(|record| self.transfer_fee(&record.transfer.money.asset));
                (TransferNews::Left { fee, block: block.map(BlockNumber::new) }, *time)
            }
        };
        self.outbox.push(Event::Transfer(TransferEvent { id, place: place.clone(), news, time }));
    }
}
