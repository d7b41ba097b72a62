//! What-if as JSON, schema `plimsoll.whatif/1` (docs/formats.md).

use crate::margin_commands::{Pair, WhatifDocument};
use crate::render::json::pretty;
use crate::render::margin::json::{AccountJson, BasisJson, TotalJson, account, basis, total};
use serde::Serialize;

#[derive(Serialize)]
struct WhatifJson<'a> {
    #[serde(flatten)]
    basis: BasisJson<'a>,
    changes: &'a [String],
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
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &WhatifDocument) -> Result<String, serde_json::Error> {
    let (before, after) = document.totals();
    pretty(&WhatifJson {
        basis: basis("plimsoll.whatif/1", &document.basis, &document.accounts_after()),
        changes: &document.changes,
        accounts: document.pairs.iter().map(pair).collect(),
        total: BothJson { before: total(&before), after: total(&after) },
    })
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
