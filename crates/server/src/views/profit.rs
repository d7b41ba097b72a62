//! What was earned since the ledger was opened: cash by cause, exact.

use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use book::EntryKind;
use serde::Serialize;
use serde_json::Value;

pub(super) const VIEW: View = View {
    name: "profit",
    says: "What was earned since the ledger was opened, by cause",
    params: &[],
    every_millis: 500,
    compute,
    schema: shape::<Profit>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Profit {
    /// Set when there is no explanation by greeks: why.
    why_not: Option<String>,
    cash: Vec<Cash>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Cash {
    place: String,
    cause: &'static str,
    asset: String,
    amount: String,
}

fn compute(frame: &Frame, _: &Params) -> Result<Value, ViewError> {
    let cash = frame.engine().profit().cash().iter().map(|((place, kind, asset), amount)| Cash {
        place: place.to_string(),
        cause: word(*kind),
        asset: asset.to_string(),
        amount: amount.to_string(),
    });
    value(&Profit { why_not: Some("the policy has no [explain]".into()), cash: cash.collect() })
}

/// Word of a kind of entry.
pub(super) const fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Trade => "trade",
        EntryKind::Premium => "premium",
        EntryKind::Exchange => "exchange",
        EntryKind::Realised => "realised",
        EntryKind::Fee => "fee",
        EntryKind::Funding => "funding",
        EntryKind::Settlement => "settlement",
        EntryKind::Deposit => "deposit",
        EntryKind::Withdrawal => "withdrawal",
        EntryKind::Transfer => "transfer",
        EntryKind::Adjustment => "adjustment",
        EntryKind::Opening => "opening",
        _ => "entry",
    }
}
