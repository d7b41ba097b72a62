//! Random small problems, whole and tie-ridden numbers on purpose, against every vertex and every integer point.

use super::brute::{best_vertex, best_whole, objective};
use super::*;
use proptest::prelude::*;

/// Relative gap that is allowed between two ways to the same optimum: sums of some dozen terms, and 1e-7 by which the twin lets limits be
/// exceeded, at prices up to ten.
const SAME: f64 = 3e-6;

fn whole(range: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = f64> {
    range.prop_map(f64::from)
}

fn band() -> impl Strategy<Value = Band> {
    (whole(0..=2), whole(1..=10), 0..3).prop_map(|(width, price, kind)| {
        if kind == 0 { Band::Hard { width } } else { Band::Soft { width, price } }
    })
}

fn traded(rows: usize, number: usize) -> impl Strategy<Value = Instrument> {
    let moves = prop::collection::vec(whole(-3..=3), rows);
    let costs = (whole(0..=4), whole(0..=4));
    let limits = (whole(0..=3), whole(0..=3), whole(0..=2));
    let margin = prop::option::of((whole(0..=3), whole(0..=3)));
    (moves, costs, limits, margin, prop::sample::select(vec![1.0, 0.5, 0.1])).prop_map(
        move |(moves, cost, limits, margin, lot)| Instrument {
            name: format!("I{number}"),
            lot,
            cost: Sides { bought: cost.0 - 1.0, sold: cost.1 + 1.0 },
            impact: 0.0,
            liquidity: Sides { bought: limits.0 * lot, sold: limits.1 * lot },
            minimum: limits.2 * lot,
            moves: moves
                .into_iter()
                .enumerate()
                .map(|(k, per_unit)| Move { row: format!("R{k}"), per_unit })
                .collect(),
            margin: margin.map(|(bought, sold)| VenueMargin {
                venue: "V".to_owned(),
                per_unit: Sides { bought, sold: sold - bought.min(1.0) },
            }),
        },
    )
}

fn tail(instruments: usize) -> impl Strategy<Value = Tail> {
    (2_usize..7).prop_flat_map(move |scenarios| {
        let losses = prop::collection::vec(whole(-5..=9), scenarios);
        let gains = prop::collection::vec(prop::collection::vec(whole(-3..=3), scenarios), instruments);
        let alphas = prop::sample::select(vec![0.0, 0.5, 0.7, 0.95]);
        (losses, gains, alphas).prop_map(|(losses, gains, alpha)| Tail { alpha, losses, gains })
    })
}

fn problems() -> impl Strategy<Value = Problem> {
    (1_usize..4, 1_usize..4).prop_flat_map(|(rows, instruments)| {
        let bands = prop::collection::vec((whole(-6..=6), band()), rows);
        let traded: Vec<_> = (0..instruments).map(|j| traded(rows, j)).collect();
        let aims = (0..3, tail(instruments), whole(0..=2), whole(0..=6));
        (bands, traded, whole(0..=6), aims).prop_map(|(bands, instruments, free, aim)| {
            let (kind, tail, cost_weight, budget) = aim;
            Problem {
                rows: bands.into_iter().enumerate().map(|(k, (e, b))| row(&format!("R{k}"), e, b)).collect(),
                instruments,
                venues: vec![Venue { name: "V".to_owned(), used: 2.0, limit: 2.0 + free }],
                aim: match kind {
                    0 => Aim::Cost,
                    1 => Aim::Tail { tail, cost_weight },
                    _ => Aim::CostWithin { tail, budget },
                },
                lots: Lots::Whole,
                effort: Effort::default(),
            }
        })
    })
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * (1.0 + b.abs())
}

/// Ours keeps every limit, is as good as it says, and as good as the twin's.
fn agree(problem: &Problem, best: Option<f64>) -> Result<(), TestCaseError> {
    match (optimise(problem), best) {
        (Ok(hedge), Some(best)) => {
            let lots: Vec<f64> = hedge.trades.iter().map(|t| t.lots).collect();
            let value = objective(problem, &lots);
            prop_assert!(value.is_some_and(|v| same(v, hedge.objective)), "{value:?} {hedge:?}");
            prop_assert!(same(hedge.objective, best), "ours {} best {best} {hedge:?}", hedge.objective);
            prop_assert!(same(hedge.bound, best), "bound {} best {best}", hedge.bound);
            prop_assert_eq!(hedge.end, End::Optimal);
            if problem.lots == Lots::Whole {
                prop_assert!(lots.iter().all(|l| l.fract() == 0.0), "{lots:?}");
            }
        }
        (Err(_), None) => {}
        (ours, best) => prop_assert!(false, "ours {ours:?}, best {best:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_lots_are_the_best_of_every_integer_point(problem in problems()) {
        agree(&problem, best_whole(&problem, 3))?;
    }

    #[test]
    fn impact_and_whole_lots_are_the_best_of_every_integer_point(
        mut problem in problems(), impacts in prop::collection::vec(whole(0..=3), 3),
    ) {
        for (instrument, impact) in problem.instruments.iter_mut().zip(impacts) {
            instrument.impact = impact / instrument.lot;
        }
        agree(&problem, best_whole(&problem, 3))?;
    }

    #[test]
    fn fractions_are_the_best_of_every_vertex(mut problem in problems()) {
        problem.lots = Lots::Fractional;
        for instrument in &mut problem.instruments {
            instrument.minimum = 0.0;
        }
        if matches!(problem.aim, Aim::CostWithin { .. }) {
            problem.aim = Aim::Cost;
        }
        agree(&problem, best_vertex(&problem))?;
    }
}
