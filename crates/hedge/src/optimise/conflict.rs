//! Which limits exclude one another.
//!
//! The proof of infeasibility names the limits that it uses. Of these, one after the other is dropped (in blocks first): if the rest still
//! excludes every trade it was not needed. What remains is irreducible: without any one of its limits the others can be kept. There may be
//! other such sets. Each limit's `needs` is the least to which it must be loosened while everything else stays.
//!
//! A limit of liquidity counts as dropped when a thousand times what the rows could ask for may be traded.

use super::bound::Boxes;
use super::error::{Conflict, OptimiseError, Side};
use super::form::Form;
use super::problem::{Problem, Sides};
use super::relax::{Member, Refused, Relaxation};
use std::collections::BTreeSet;

/// Names an irreducible set of limits, starting from those that a proof uses.
pub(super) fn explain(problem: &Problem, form: &Form, used: Vec<Member>) -> OptimiseError {
    let mut kept: BTreeSet<Member> = used.into_iter().filter(|m| exists(form, *m)).collect();
    if !excludes(problem, form, &kept) {
        kept = all(form);
    }
    let mut size = kept.len().max(1);
    loop {
        let members: Vec<Member> = kept.iter().copied().collect();
        for block in members.chunks(size) {
            let rest: BTreeSet<Member> = kept.iter().copied().filter(|m| !block.contains(m)).collect();
            if excludes(problem, form, &rest) {
                kept = rest;
            }
        }
        if size == 1 {
            break;
        }
        size = size.div_ceil(4);
    }
    OptimiseError::Infeasible(kept.into_iter().map(|m| conflict(problem, form, m)).collect())
}

/// True for limits that limit anything.
fn exists(form: &Form, member: Member) -> bool {
    match member {
        Member::Row(row) => form.rows[row].price.is_none(),
        Member::Budget => form.tail.as_ref().is_some_and(|t| t.budget.is_some()),
        Member::Venue(_) | Member::Liquidity(..) => true,
    }
}

fn all(form: &Form) -> BTreeSet<Member> {
    let liquidity = (0..form.instruments.len())
        .flat_map(|j| [Side::Bought, Side::Sold].map(|side| Member::Liquidity(j, side)));
    let rows = (0..form.rows.len()).map(Member::Row);
    let venues = (0..form.venues.len()).map(Member::Venue);
    liquidity.chain(rows).chain(venues).chain([Member::Budget]).filter(|m| exists(form, *m)).collect()
}

/// True when these limits alone exclude every trade.
fn excludes(problem: &Problem, form: &Form, kept: &BTreeSet<Member>) -> bool {
    let mut loose = costless(form);
    for (row, number) in loose.rows.iter_mut().zip(0..) {
        if !kept.contains(&Member::Row(number)) {
            row.width = f64::INFINITY;
        }
    }
    for (venue, number) in loose.venues.iter_mut().zip(0..) {
        if !kept.contains(&Member::Venue(number)) {
            venue.free = f64::INFINITY;
        }
    }
    for number in 0..loose.instruments.len() {
        for side in [Side::Bought, Side::Sold] {
            if !kept.contains(&Member::Liquidity(number, side)) {
                loosen(form, &mut loose, (number, side));
            }
        }
    }
    if !kept.contains(&Member::Budget) {
        loose.tail = None;
    }
    let mut relaxation = Relaxation::new(&loose, problem.effort);
    matches!(relaxation.solve(&Boxes::of(&loose)), Err(Refused::Infeasible(_)))
}

/// Only the limits: nothing costs anything, and soft rows are none.
fn costless(form: &Form) -> Form {
    let mut loose = form.clone();
    for row in loose.rows.iter_mut().filter(|row| row.price.is_some()) {
        row.price = None;
        row.width = f64::INFINITY;
    }
    for instrument in &mut loose.instruments {
        instrument.cost = Sides::default();
        instrument.impact = 0.0;
    }
    loose.cost_weight = 1.0;
    // A tail without a budget limits nothing.
    loose.tail = loose.tail.filter(|tail| tail.budget.is_some());
    loose
}

/// As much of an instrument's side as the rows could ever ask for, and a thousand times more.
fn loosen(form: &Form, loose: &mut Form, (number, side): (usize, Side)) {
    let asked = |row: &super::form::FormRow| {
        let own = row.moves.iter().find(|(j, _)| *j == number)?;
        let reach: f64 = row.moves.iter().map(|(j, g)| g.abs() * most(form, *j)).sum();
        Some((row.exposure.abs() + reach) / own.1.abs())
    };
    let asked = form.rows.iter().filter_map(asked).fold(0.0, f64::max);
    let lots = 1e3 * (asked + most(form, number) + 1.0);
    let sides = &mut loose.instruments[number].most;
    match side {
        Side::Bought => sides.bought = lots,
        Side::Sold => sides.sold = lots,
    }
}

fn of(sides: Sides, side: Side) -> f64 {
    match side {
        Side::Bought => sides.bought,
        Side::Sold => sides.sold,
    }
}

fn most(form: &Form, instrument: usize) -> f64 {
    form.instruments[instrument].most.bought.max(form.instruments[instrument].most.sold)
}

fn conflict(problem: &Problem, form: &Form, member: Member) -> Conflict {
    let needs = needs(problem, form, member);
    match member {
        Member::Row(row) => {
            let width = form.rows[row].width;
            Conflict::Band { row: problem.rows[row].name.clone(), width, needs: needs.map(|n| width + n) }
        }
        Member::Venue(venue) => {
            let given = &problem.venues[venue];
            let needs = needs.map(|used| given.used + used);
            Conflict::Margin { venue: given.name.clone(), limit: given.limit, needs }
        }
        Member::Liquidity(number, side) => {
            let given = &problem.instruments[number];
            let most = of(given.liquidity, side);
            let needs = needs.map(|lots| lots * given.lot);
            Conflict::Liquidity { instrument: given.name.clone(), side, most, needs }
        }
        Member::Budget => {
            let budget = form.tail.as_ref().and_then(|t| t.budget).unwrap_or(f64::NAN);
            Conflict::Budget { budget, needs }
        }
    }
}

/// The least that the limit must allow, or exceed its width by, while everything else stays.
fn needs(problem: &Problem, form: &Form, member: Member) -> Option<f64> {
    let mut loose = costless(form);
    match member {
        Member::Row(row) => loose.rows[row].price = Some(1.0),
        Member::Venue(venue) => {
            loose.venues[venue].free = f64::INFINITY;
            for instrument in &mut loose.instruments {
                if let Some((_, margin)) = instrument.margin.filter(|(v, _)| *v == venue) {
                    instrument.cost = margin;
                }
            }
        }
        Member::Liquidity(number, side) => {
            loosen(form, &mut loose, (number, side));
            let cost = match side {
                Side::Bought => Sides { bought: 1.0, sold: 0.0 },
                Side::Sold => Sides { bought: 0.0, sold: 1.0 },
            };
            loose.instruments[number].cost = cost;
        }
        Member::Budget => {
            loose.cost_weight = 0.0;
            if let Some(tail) = &mut loose.tail {
                tail.budget = None;
            }
        }
    }
    let solved = Relaxation::new(&loose, problem.effort).solve(&Boxes::of(&loose));
    solved.ok().map(|relaxed| relaxed.value.objective)
}
