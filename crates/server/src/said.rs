//! What the engine said, as entries of a timeline: newest last, by record and place, so that each leads back to the event it came of.

use book::{Change, EntryKind};
use engine::{Arming, Closed, Level, Link, Output, Turn};
use journal::Seq;
use serde::Serialize;
use std::collections::VecDeque;
use units::Timestamp;

/// How many entries are kept; older ones are in the journal.
const KEPT: usize = 20_000;

/// Every kind of entry.
pub const KINDS: [&str; 23] = [
    "adjustment",
    "alert",
    "armed",
    "cancel",
    "difference",
    "fill",
    "held_back",
    "level",
    "link",
    "order",
    "order_gone",
    "proposal_closed",
    "proposed",
    "query",
    "reconciled",
    "refused",
    "settlement",
    "stale",
    "state",
    "transfer",
    "trigger",
    "undone",
    "value",
];

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Said {
    /// The event that it came of.
    pub record: u64,
    /// Its place among what that event gave.
    pub index: u32,
    /// Of the event.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// `state`, `level`, `trigger`, `alert`, `proposed`, `proposal_closed`, `order`, `fill`, ...
    pub kind: &'static str,
    /// `act`, `warn` or `info`.
    pub severity: &'static str,
    /// The output in words.
    pub text: String,
}

impl Said {
    /// An output as an entry; none for bookings that are in the figures and for rows of quotes, which are counted elsewhere.
    #[must_use]
    pub fn of((record, index): (Seq, u32), time: Timestamp, output: &Output) -> Option<Self> {
        let (kind, severity) = kind(output)?;
        Some(Self { record: record.get(), index, time, kind, severity, text: output.to_string() })
    }

    /// Of a proposal that is no longer open: which, and why.
    pub(crate) fn closed(&self) -> Option<(&str, &str)> {
        self.text.strip_prefix("proposal closed: ")?.split_once(": ")
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Inside => "info",
        Level::Warn => "warn",
        Level::Hard => "act",
    }
}

fn kind(output: &Output) -> Option<(&'static str, &'static str)> {
    Some(match output {
        // Trades are news, what they book beside them is not.
        Output::Posted(entry) if entry.kind == EntryKind::Trade => match entry.change {
            Change::Position { .. } => ("fill", "info"),
            _ => return None,
        },
        Output::Posted(entry) => match entry.kind {
            EntryKind::Settlement => ("settlement", "info"),
            EntryKind::Transfer | EntryKind::Deposit | EntryKind::Withdrawal => ("transfer", "info"),
            EntryKind::Adjustment => ("adjustment", "warn"),
            _ => return None,
        },
        Output::QuoteRefused(_) => return None,
        Output::Refused { .. } => ("refused", "warn"),
        Output::Difference { .. } => ("difference", "act"),
        Output::Reconciled { .. } => ("reconciled", "info"),
        Output::Stale { stale: true, .. } => ("stale", "warn"),
        Output::Stale { stale: false, .. } => ("stale", "info"),
        Output::Value { lost: Some(_), .. } => ("value", "warn"),
        Output::Value { lost: None, .. } => ("value", "info"),
        Output::Proposed(_) | Output::TransferProposed(_) => ("proposed", "act"),
        Output::Transfer(_) => ("transfer", "info"),
        Output::TransferGone { failed: Some(_), .. } => ("transfer", "warn"),
        Output::TransferGone { failed: None, .. } => ("transfer", "info"),
        Output::ProposalClosed { .. } => ("proposal_closed", "info"),
        Output::HeldBack { why: Some(_), .. } => ("held_back", "warn"),
        Output::HeldBack { why: None, .. } => ("held_back", "info"),
        Output::OrderGone { .. } => ("order_gone", "info"),
        Output::Undone { .. } => ("undone", "warn"),
        Output::LinkChanged { link: Link::Down, .. } => ("link", "act"),
        Output::LinkChanged { link: Link::Up, .. } => ("link", "info"),
        Output::ArmingChanged(Arming::Armed) => ("armed", "warn"),
        Output::ArmingChanged(Arming::Disarmed) => ("armed", "info"),
        Output::Alert { .. } => ("alert", "act"),
        Output::Order(_) => ("order", "info"),
        Output::Cancel { .. } => ("cancel", "info"),
        Output::Query { .. } | Output::QueryTransfer { .. } => ("query", "info"),
        Output::Level(change) => ("level", level(change.to)),
        Output::Trigger(change) => match change.turn {
            Turn::Fired => ("trigger", "act"),
            Turn::InDoubt { .. } => ("trigger", "warn"),
            Turn::Released => ("trigger", "info"),
        },
        Output::StateChanged { to: engine::State::Normal, .. } => ("state", "info"),
        Output::StateChanged { .. } => ("state", "act"),
    })
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Only those of records before or at this one.
    pub(crate) up_to: Option<u64>,
    /// Only of these kinds; all when empty.
    pub(crate) kinds: Vec<String>,
    pub(crate) most: usize,
}

/// The newest entries.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    entries: VecDeque<Said>,
    /// True once an entry has been let go.
    has_older: bool,
}

impl Timeline {
    fn add(&mut self, said: Said) {
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
            self.has_older = true;
        }
        self.entries.push_back(said);
    }

    /// A proposal that its rule has carried out at once asks nobody for anything.
    fn ask_for_nothing(&mut self, record: u64, id: &str) {
        let mut of_record = self.entries.iter_mut().rev().take_while(|said| said.record == record);
        let is_it =
            |said: &&mut Said| said.kind == "proposed" && said.text.starts_with(&format!("proposed: {id} "));
        if let Some(said) = of_record.find(is_it) {
            said.severity = "info";
        }
    }

    /// Takes in what the engine said.
    pub(crate) fn hear(&mut self, (record, index): (Seq, u32), time: Timestamp, output: &Output) {
        if let Output::ProposalClosed { id, why: Closed::Automatic } = output {
            self.ask_for_nothing(record.get(), &id.to_string());
        }
        if let Some(said) = Said::of((record, index), time, output) {
            self.add(said);
        }
    }

    /// Entries, newest first, and whether there are more.
    pub(crate) fn newest(&self, wanted: &Wanted) -> (Vec<Said>, bool) {
        let passes = |said: &&Said| {
            wanted.up_to.is_none_or(|record| said.record <= record)
                && (wanted.kinds.is_empty() || wanted.kinds.iter().any(|kind| kind == said.kind))
        };
        let mut found = self.entries.iter().rev().filter(passes);
        let entries: Vec<Said> = found.by_ref().take(wanted.most).cloned().collect();
        let more = found.next().is_some() || self.has_older;
        (entries, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::ProposalId;
    use std::collections::BTreeSet;

    #[test]
    fn a_closed_proposal_is_told_with_its_reason() {
        let id = ProposalId::new(Seq::new(7), 0);
        let why = Closed::Withdrawn { why: "limits: delta: too much".into() };
        let output = Output::ProposalClosed { id, why };
        let said = Said::of((Seq::new(9), 1), Timestamp::from_unix_nanos(0), &output).unwrap();
        assert_eq!(said.closed(), Some(("P7.0", "withdrawn: limits: delta: too much")));
        let other = Said { text: "order gone: P7.0".into(), ..said };
        assert_eq!(other.closed(), None);
    }

    /// Every pair of kind and severity in this file, read from its text: a new kind cannot be left out of the list.
    #[test]
    fn the_list_of_kinds_is_all_of_them() {
        let text = include_str!("said.rs");
        let body =
            text.split("fn kind(").nth(1).and_then(|rest| rest.split("/// Which entries").next()).unwrap();
        let used: BTreeSet<&str> =
            body.split("(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(used, KINDS.into_iter().collect());
        assert!(KINDS.is_sorted());
    }
}
