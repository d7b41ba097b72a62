//! The cheapest trades that bring a whole book within its bands: several greeks at once, the tail of a scenario cube, impact, whole lots.
//!
//! ```text
//! min  w [ sum_j c_j |x_j| + 1/2 sum_j L_j x_j² + sum_k p_k s_k ] + CVaR_a(loss - sum_j x_j gain_j)        (CVaR where asked for)
//! with |g_k + sum_j G_kj x_j| <= B_k + s_k          each row k; s_k = 0 where its band is hard
//!      used_v + sum_j m_vj |x_j| <= limit_v         each venue v; c and m have a number for each side
//!      -sold_j <= x_j <= bought_j                   liquidity; x_j = 0 or |x_j| >= minimum_j; whole lots where asked for
//!      CVaR <= budget                               where asked for, instead of CVaR in the objective
//! ```
//!
//! Rows are data with names: delta, gamma and vega by bucket are what a book needs, nothing here knows a greek. A row's band is hard, or soft
//! at a price, best in money: USD for the 1-day, 1-sd move of what the row is sensitive to. The level of CVaR is
//! `min_z z + sum_i (loss_i - z)+ / ((1 - a) N)` (Rockafellar and Uryasev, 2000). See [`tail_risk`].
//!
//! # How
//!
//! One dual simplex method of this crate, on bounded variables, that goes on from its last basis when something changes. Scenarios get a
//! row only when they lose more than z at a solution; impact is a broken line with knots where they are needed; whole lots and minimum
//! trades are found by branch and bound. Each changes the linear problem a little and solves on. Why not a library: the prices of limits,
//! proofs of infeasibility and impact are needed, and a limit of work that is the same everywhere (`docs/dependencies.md`, `microlp`, which is
//! the referee in the tests).
//!
//! # What the answer says
//!
//! [`Hedge::objective`] is what the trades come to, computed from them over all scenarios. [`Hedge::bound`] is what no trades can be below: the
//! Lagrangian at the prices found, in closed form, in the caller's units. [`Hedge::gap`] is the difference. Each row, venue and budget has
//! before, after, room and *price* (what one more unit of limit would improve); each instrument says [why not more](WhyNotMore). Prices
//! are those of the problem without whole lots. When limits exclude one another, an irreducible set of them is named, each with what it
//! would have to be ([`Conflict`]).
//!
//! Limits of work are counted in steps, nodes and rounds ([`Effort`]), never in time: with a limit of time a busy machine would return another
//! hedge, and a plan could not be replayed. The same problem gives the same bits on any machine and any number of threads: one thread,
//! ordered containers, additions and multiplications in a fixed order, no function of the platform's library.
//!
//! # Left out
//!
//! Fees by step, square-root impact (a parabola through its cost at the expected size is the usual stand-in), margin
//! that is not linear (linearise at the book, solve, margin again), trades over time, and the order of the trades. Signs: bought is positive,
//! a loss is positive in scenarios, gains of instruments are gains. Units: USD, and any unit for rows and quantities.
//!
//! # Example
//!
//! A book that is short 10 calls on one venue, delta hedged there or with a perpetual on another.
//!
//! ```
//! use hedge::optimise::*;
//! let instrument = |name: &str, cost, moves: &[(&str, f64)], venue: &str, margin| Instrument {
//!     name: name.to_owned(),
//!     lot: 0.1,
//!     cost: Sides::both(cost),
//!     impact: 0.0,
//!     liquidity: Sides::both(100.0),
//!     minimum: 0.1,
//!     moves: moves.iter().map(|(row, per_unit)| Move { row: (*row).to_owned(), per_unit: *per_unit }).collect(),
//!     margin: Some(VenueMargin { venue: venue.to_owned(), per_unit: Sides::both(margin) }),
//! };
//! let problem = Problem {
//!     rows: vec![
//!         Row { name: "BTC delta".into(), exposure: -5.0, band: Band::Hard { width: 0.05 } },
//!         Row { name: "BTC vega 27MAR26".into(), exposure: -200.0, band: Band::Soft { width: 100.0, price: 2.0 } },
//!     ],
//!     instruments: vec![
//!         instrument("BTC-27MAR26-100000-C", 30.0, &[("BTC delta", 0.5), ("BTC vega 27MAR26", 20.0)], "deribit", 0.0),
//!         instrument("BTC-PERPETUAL", 2.0, &[("BTC delta", 1.0)], "deribit", 1_000.0),
//!         instrument("BTC-USDT-SWAP", 2.5, &[("BTC delta", 1.0)], "okx", 1_000.0),
//!     ],
//!     venues: vec![
//!         Venue { name: "deribit".into(), used: 9_000.0, limit: 10_000.0 },
//!         Venue { name: "okx".into(), used: 0.0, limit: 50_000.0 },
//!     ],
//!     aim: Aim::Cost,
//!     lots: Lots::Whole,
//!     effort: Effort::default(),
//! };
//! let hedge = optimise(&problem)?;
//! // 5 calls to the edge of vega's band; 1 coin where it is cheaper, until the margin there is used, the rest elsewhere.
//! let lots: Vec<f64> = hedge.trades.iter().map(|trade| trade.lots).collect();
//! assert_eq!(lots, [50.0, 10.0, 15.0]);
//! assert!(hedge.gap() < 1e-9 && hedge.end == End::Optimal);
//! // One more USD of margin at deribit moves 1/1,000 of a coin to where it costs 0.50 less.
//! assert!((hedge.venues[0].price - 0.0005).abs() < 1e-12);
//! # Ok::<(), OptimiseError>(())
//! ```

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

/// A gap above this, relative to the size of what the objective is made of, is more than rounding.
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
    if end == End::Optimal && value.objective - bound > ROUNDING * value.size + relaxation.rounding() {
        end = End::WorkLimit;
    }
    work.pivots = relaxation.pivots();
    work.rounds = relaxation.rounds;
    work.scenario_rows = relaxation.scenario_rows();
    let found =
        Found { lots: &lots, relaxed: &root.lots, value: &value, multipliers: &root.multipliers, bound };
    Ok(hedge::hedge(problem, &form, &found, (end, work)))
}
