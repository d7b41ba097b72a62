//! What was earned: by cause since the start of `[explain]`, an exact identity; and the cash that the ledger booked, by place and kind.
//!
//! ```text
//! value now - value at the start = time + delta + gamma + vega + vanna + volga + carry + rate + residual      the market, by greeks
//!                                + trades + fees + funding + ... (flows)  + unexplained
//! ```

use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use engine::{Flow, ValueChange};
use risk::explain::Cause;
use serde::Serialize;
use serde_json::Value;
use units::{Fixed, Timestamp};

pub(super) const VIEW: View = View {
    name: "profit",
    says: "What was earned since the start, by cause: greeks, trades, fees, funding, transfers, and what is not explained",
    params: &[],
    every_millis: 500,
    compute,
    schema: shape::<Profit>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Profit {
    /// Set when there is no explanation by cause: why.
    why_not: Option<String>,
    #[schema(value_type = Option<String>)]
    since: Option<Timestamp>,
    /// End of the last interval.
    #[schema(value_type = Option<String>)]
    until: Option<Timestamp>,
    intervals: u64,
    total: Option<Change>,
    by_underlying: Vec<Change>,
    /// Size of what is not explained, residual included, against the sum of the sizes of all parts.
    unexplained_share: Option<f64>,
    /// Things that the last interval could not explain.
    not_explained: Vec<NotExplained>,
    cash: Vec<Cash>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Change {
    /// Null for the total.
    underlying: Option<String>,
    #[schema(value_type = String)]
    start_usd: Fixed,
    #[schema(value_type = String)]
    value_usd: Fixed,
    #[schema(value_type = String)]
    change_usd: Fixed,
    /// They add up to the change to the last digit.
    parts: Vec<Part>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Part {
    part: &'static str,
    #[schema(value_type = String)]
    usd: Fixed,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NotExplained {
    item: String,
    why: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Cash {
    place: String,
    cause: &'static str,
    asset: String,
    amount: String,
}

fn compute(frame: &Frame, _: &Params) -> Result<Value, ViewError> {
    let engine = frame.engine();
    let explained = engine.explained();
    let why_not = if engine.policy().explain.is_none() {
        Some("the policy has no [explain]: nothing is told by cause")
    } else if explained.since().is_none() {
        Some("no interval has begun: nothing that is held has had a price")
    } else {
        None
    };
    let has_begun = explained.since().is_some();
    let total = has_begun.then(|| change(None, &explained.total()));
    let cash = engine.profit().cash().iter().map(|((place, kind, asset), amount)| Cash {
        place: place.to_string(),
        cause: kind.word(),
        asset: asset.to_string(),
        amount: amount.normalize().to_string(),
    });
    let by_underlying = explained.by_underlying().iter();
    value(&Profit {
        why_not: why_not.map(str::to_owned),
        since: explained.since(),
        until: explained.until(),
        intervals: explained.intervals(),
        unexplained_share: total.as_ref().and_then(share),
        by_underlying: by_underlying.map(|(asset, of)| change(Some(asset.to_string()), of)).collect(),
        total,
        not_explained: explained
            .unexplained()
            .iter()
            .map(|(item, why)| NotExplained { item: item.to_string(), why: why.clone() })
            .collect(),
        cash: cash.collect(),
    })
}

fn change(underlying: Option<String>, of: &ValueChange) -> Change {
    let part = |key: &'static str, usd| Part { part: key.strip_suffix("_usd").unwrap_or(key), usd };
    let causes = Cause::ALL.into_iter().map(|cause| part(cause.key(), of.cause(cause)));
    let flows = Flow::ALL.into_iter().map(|flow| part(flow.key(), of.flow(flow)));
    let parts = causes.chain([part("residual", of.residual_usd)]).chain(flows);
    let parts = parts.chain([part("unexplained", of.unexplained_usd)]);
    Change {
        underlying,
        start_usd: of.start_usd,
        value_usd: of.value_usd,
        change_usd: of.value_usd - of.start_usd,
        parts: parts.collect(),
    }
}

fn share(total: &Change) -> Option<f64> {
    let all: Fixed = total.parts.iter().map(|part| part.usd.abs()).sum();
    let unexplained = total.parts.iter().filter(|part| matches!(part.part, "residual" | "unexplained"));
    let unexplained: Fixed = unexplained.map(|part| part.usd.abs()).sum();
    (!all.is_zero()).then(|| unexplained.to_f64() / all.to_f64())
}
