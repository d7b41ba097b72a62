//! Several greeks at once, or the tail of a scenario cube: the cheapest trades that bring a whole book within its bands.
//!
//! TODO
mod basis;
mod bound;
mod check;
mod conflict;
mod cvar;
mod error;
mod form;
mod hedge;
mod problem;
mod relax;
mod scale;
mod simplex;
#[cfg(test)]
mod tests;
mod whole;

pub use cvar::{TailRisk, tail_risk};
pub use error::{Conflict, Fault, OptimiseError, Side};
pub use hedge::{CostSplit, End, Hedge, RowState, TailState, Trade, VenueState, WhyNotMore, Work};
pub use problem::{Aim, Band, Effort, Instrument, Lots, Move, Problem, Row, Sides, Tail, Venue, VenueMargin};

use bound::Boxes;
use form::Form;
use hedge::Found;
use relax::{Refused, Relaxation};

/// A gap above this, relative to the objective, is more than rounding.
const ROUNDING: f64 = 1e-7;

/// Finds the best trades.
///
/// # Errors
/// When the problem is not sound, when no trades keep its limits (the limits that exclude one another are named), or when the limit of work
/// is reached before any are found.
pub fn optimise(problem: &Problem) -> Result<Hedge, OptimiseError> {
    check::check(problem)?;
    check::hedgeable(problem)?;
    let form = Form::new(problem);
    let mut relaxation = Relaxation::new(&form, problem.effort);
    let unfinished = |pivots, nodes| OptimiseError::Unfinished { pivots, nodes };
    let root = match relaxation.solve(&Boxes::of(&form)) {
        Ok(root) => root,
        Err(Refused::Infeasible(members)) => return Err(conflict::explain(problem, &form, members)),
        Err(Refused::Unfinished) => return Err(unfinished(relaxation.pivots(), 0)),
    };
    let mut work = Work::default();
    let (mut lots, mut value, mut bound) = (root.lots.clone(), root.value.clone(), root.bound);
    let mut end = End::Optimal;
    if form.whole || !whole::allowed(&form, &root.lots) {
        let searched = whole::search(&form, &mut relaxation, &root, problem.effort.nodes);
        let nodes = searched.nodes;
        (lots, value) = match searched.best {
            Some(best) => best,
            None if searched.complete => return Err(OptimiseError::NoWholeLots { nodes }),
            None => return Err(unfinished(relaxation.pivots(), nodes)),
        };
        (bound, work.nodes) = (searched.bound, nodes);
        if !searched.complete {
            end = End::NodeLimit;
        }
    }
    let scale = value.objective.abs().max(bound.abs());
    if end == End::Optimal && value.objective - bound > ROUNDING * scale + relaxation.rounding() {
        end = End::WorkLimit;
    }
    work.pivots = relaxation.pivots();
    work.rounds = relaxation.rounds;
    work.scenario_rows = relaxation.scenario_rows();
    let found =
        Found { lots: &lots, relaxed: &root.lots, value: &value, multipliers: &root.multipliers, bound };
    Ok(hedge::hedge(problem, &form, &found, (end, work)))
}
