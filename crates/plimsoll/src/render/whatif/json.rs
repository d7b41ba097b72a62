//! What-if as JSON, schema `plimsoll.whatif/1` (docs/formats.md).

use crate::margin_commands::{AccountFigures, Counts, Pair, Published, WhatifDocument};
use crate::render::json::pretty;
use crate::render::margin::json::{AccountJson, BasisJson, TotalJson, account, basis, total};
use serde::Serialize;
use units::{Account, Venue};

#[derive(Serialize)]
struct WhatifJson<'a> {
    #[serde(flatten)]
    basis: BasisJson<'a>,
    changes: &'a [String],
    summary: Counts,
    newly_liquidatable: Vec<AffectedJson<'a>>,
    most_affected: Vec<AffectedJson<'a>>,
    accounts: Vec<PairJson<'a>>,
    total: BothJson,
}

#[derive(Serialize)]
struct PairJson<'a> {
    changed: bool,
    newly_liquidatable: bool,
    before: Option<AccountJson<'a>>,
    after: AccountJson<'a>,
    figures: Vec<FigureJson<'a>>,
}

#[derive(Serialize)]
struct FigureJson<'a> {
    name: &'a str,
    before: Option<f64>,
    after: Option<f64>,
}

#[derive(Serialize)]
struct BothJson {
    before: TotalJson,
    after: TotalJson,
    change: TotalJson,
}

/// An account that changes, in short.
#[derive(Serialize)]
struct AffectedJson<'a> {
    account: &'a Account,
    venue: &'a Venue,
    before: Option<StandingJson<'a>>,
    after: StandingJson<'a>,
    requirement_change_usd: Published,
    surplus_change_usd: Published,
}

#[derive(Serialize)]
struct StandingJson<'a> {
    rulebook: Option<&'a str>,
    status: &'static str,
    requirement_usd: Option<Published>,
    surplus_usd: Option<Published>,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &WhatifDocument) -> Result<String, serde_json::Error> {
    let (before, after) = document.totals();
    pretty(&WhatifJson {
        basis: basis("plimsoll.whatif/1", &document.basis, document.after()),
        changes: &document.changes,
        summary: document.counts(),
        newly_liquidatable: document.newly_liquidatable().into_iter().map(affected).collect(),
        most_affected: document.affected().into_iter().take(document.top).map(affected).collect(),
        accounts: document.pairs.iter().map(pair).collect(),
        total: BothJson { before: total(&before), after: total(&after), change: total(&after.minus(before)) },
    })
}

fn affected(pair: &Pair) -> AffectedJson<'_> {
    AffectedJson {
        account: &pair.after.account,
        venue: &pair.after.venue,
        before: pair.before.as_ref().map(standing),
        after: standing(&pair.after),
        requirement_change_usd: pair.requirement_change_usd(),
        surplus_change_usd: pair.surplus_change_usd(),
    }
}

fn standing(account: &AccountFigures) -> StandingJson<'_> {
    let margin = account.margin.as_ref();
    StandingJson {
        rulebook: margin.map(|margin| margin.rulebook.as_str()),
        status: account.status_key(),
        requirement_usd: margin.map(|margin| margin.requirement_usd),
        surplus_usd: margin.map(|margin| margin.surplus_usd),
    }
}

fn pair(pair: &Pair) -> PairJson<'_> {
    let figures = pair.figures.iter();
    PairJson {
        changed: pair.is_changed(),
        newly_liquidatable: pair.is_newly_liquidatable(),
        before: pair.before.as_ref().map(account),
        after: account(&pair.after),
        figures: figures
            .map(|figure| FigureJson { name: &figure.name, before: figure.before, after: figure.after })
            .collect(),
    }
}
