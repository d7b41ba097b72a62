//! What the book asks on its venues today and what it would ask in one account, as published.

use super::desk::Desk;
use super::figures::{Missing, Published};
use crate::failure::Failure;
use ::margin::{Alternative, Alternatives, Rulebook, Sited, fragmentation};
use std::collections::BTreeMap;
use units::{Fixed, Rate, UnitError};

/// Today against each alternative.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FragmentationFigures {
    /// Annual rate at which margin is funded, a fraction.
    pub(crate) funding_rate: Rate,
    /// Sum over the accounts with a rulebook.
    pub(crate) today_usd: Published,
    /// As if all of them were one account: by every rulebook in use, then by the unified one.
    pub(crate) alternatives: Vec<AlternativeFigures>,
}

/// Everything in one account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlternativeFigures {
    pub(crate) rulebook: String,
    pub(crate) requirement_usd: Published,
    /// Today less this; none where they do not cover the same legs and balances.
    pub(crate) gap_usd: Option<Published>,
    /// What the gap costs at the funding rate.
    pub(crate) cost_usd_per_year: Option<Published>,
    /// What this rulebook leaves out.
    pub(crate) unmargined: Vec<Missing>,
}

/// Compares today with one account under every rulebook in use and under the unified one.
pub(super) fn figures(desk: &Desk, funding_rate: Rate) -> Result<FragmentationFigures, Failure> {
    let sited = |state| Some(Sited { state, rulebook: desk.rules.of(state).ok()? });
    let book: Vec<Sited<'_>> = desk.states.iter().filter_map(sited).collect();
    let used: BTreeMap<&str, &Rulebook> =
        book.iter().map(|sited| (sited.rulebook.header.id.as_str(), sited.rulebook)).collect();
    let unified = desk.rules.rulebooks.get("unified").filter(|_| !used.contains_key("unified"));
    let candidates: Vec<&Rulebook> = used.into_values().collect();
    let found = fragmentation(&book, &Alternatives { candidates: &candidates, unified, funding_rate });
    publish(&found, funding_rate)
        .map_err(|error| Failure::Input(format!("the requirement of all accounts in one: {error}")))
}

fn publish(found: &::margin::Fragmentation, funding_rate: Rate) -> Result<FragmentationFigures, UnitError> {
    let mut today_usd = Published::default();
    for account in &found.accounts {
        today_usd = today_usd.plus(Published::asked(account.outcome.requirement)?);
    }
    let alternative = |alternative: &Alternative| -> Result<AlternativeFigures, UnitError> {
        let outcome = &alternative.margin.outcome;
        let requirement_usd = Published::asked(outcome.requirement)?;
        let gap_usd = alternative.gap.map(|_| today_usd.minus(requirement_usd));
        let cost = |usd: Fixed| Fixed::quantise(usd.to_f64() * funding_rate.get());
        let cost_usd_per_year = match gap_usd {
            Some(gap) => Some(Published { initial: cost(gap.initial)?, maintenance: cost(gap.maintenance)? }),
            None => None,
        };
        let left_out = outcome.unmargined.iter();
        Ok(AlternativeFigures {
            rulebook: alternative.margin.rulebook.clone(),
            requirement_usd,
            gap_usd,
            cost_usd_per_year,
            unmargined: left_out.map(|u| Missing::holding(&u.symbol, &u.reason)).collect(),
        })
    };
    let all = found.alternatives.iter().chain(&found.unified);
    let alternatives = all.map(alternative).collect::<Result<_, _>>()?;
    Ok(FragmentationFigures { funding_rate, today_usd, alternatives })
}
