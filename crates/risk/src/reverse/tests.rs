use super::*;
use crate::history::Factor;
use std::convert::Infallible;
use units::Asset;

fn factors(sds: [f64; 3]) -> Vec<(Factor, f64)> {
    let asset = |name| Asset::new(name).unwrap();
    vec![
        (Factor::Spot(asset("BTC")), sds[0]),
        (Factor::Spot(asset("ETH")), sds[1]),
        (Factor::Vol(asset("BTC")), sds[2]),
    ]
}

fn covariance() -> Covariance {
    let correlations = [vec![1.0, 0.85, -0.6], vec![0.85, 1.0, -0.55], vec![-0.6, -0.55, 1.0]];
    Covariance::new(factors([0.04, 0.05, 0.08]), &correlations, 1).unwrap()
}

const SLOPE: [f64; 3] = [1e6, 5e5, -2e5];

fn pnl(second: &[Vec<f64>], x: &[f64]) -> f64 {
    dot(&SLOPE, x) + 0.5 * second.iter().zip(x).map(|(row, own)| own * dot(row, x)).sum::<f64>()
}

fn diagonal(values: [f64; 3]) -> Vec<Vec<f64>> {
    (0..3).map(|i| (0..3).map(|j| if i == j { values[i] } else { 0.0 }).collect()).collect()
}

fn full(second: &[Vec<f64>], loss: f64, reach: f64) -> Option<Found> {
    let covariance = covariance();
    let reverse = Reverse::new(&covariance).unwrap();
    let harm = |points: &[Vec<f64>]| -> Result<Vec<f64>, Infallible> {
        Ok(points.iter().map(|x| -pnl(second, x) - loss).collect())
    };
    reverse.revalued((&SLOPE, second), &[], Reach { distance: reach }, &harm).unwrap()
}

#[test]
fn the_closed_forms_lose_exactly_what_was_asked() {
    let covariance = covariance();
    let reverse = Reverse::new(&covariance).unwrap();
    let linear = reverse.linear(&SLOPE, 2e5).unwrap();
    assert!((pnl(&diagonal([0.0; 3]), &linear.moves) + 2e5).abs() < 1e-6);
    for values in [[-8e6, -3e6, 0.0], [8e6, 0.0, 1e5], [3e6, -3e6, 1e6]] {
        let second = diagonal(values);
        let found = reverse.delta_gamma(&SLOPE, &second, 2e5).unwrap();
        assert!((pnl(&second, &found.moves) + 2e5).abs() < 1e-4, "{values:?}");
    }
    let flat = reverse.delta_gamma(&SLOPE, &diagonal([0.0; 3]), 2e5).unwrap();
    assert!((flat.distance - linear.distance).abs() < 1e-9, "without curvature both are one");
}

#[test]
fn the_search_finds_what_the_closed_forms_say() {
    let covariance = covariance();
    let reverse = Reverse::new(&covariance).unwrap();
    for values in [[0.0; 3], [-8e6, -3e6, 0.0], [3e6, -3e6, 1e6]] {
        let second = diagonal(values);
        let closed = reverse.delta_gamma(&SLOPE, &second, 2e5).unwrap();
        let found = full(&second, 2e5, 8.0).unwrap();
        // The crossing is bisected to 1e-12, and at the optimum distance is flat in direction.
        assert!(
            (found.distance - closed.distance).abs() < 1e-8,
            "{values:?}: {} {}",
            found.distance,
            closed.distance
        );
        for (a, b) in found.moves.iter().zip(&closed.moves) {
            assert!((a - b).abs() < 1e-4, "{:?} {:?}", found.moves, closed.moves);
        }
    }
}

#[test]
fn no_move_within_reach_is_an_answer() {
    // Long gamma: no move loses more than the bottom of the parabola.
    let second = diagonal([4e8, 4e8, 4e7]);
    let covariance = covariance();
    assert!(Reverse::new(&covariance).unwrap().delta_gamma(&SLOPE, &second, 2e5).is_none());
    assert!(full(&second, 2e5, 8.0).is_none());
    assert!(full(&diagonal([0.0; 3]), 2e5, 2.0).is_none(), "2.72 deviations away");
    assert!(Reverse::new(&covariance).unwrap().linear(&[0.0; 3], 1.0).is_none());
}

#[test]
fn a_book_without_slope_loses_along_its_most_concave_axis() {
    // Short straddle: no delta, the hard case of the quadratic.
    let independent = Covariance::new(factors([0.04, 0.05, 0.08]), &diagonal([1.0; 3]), 1).unwrap();
    let reverse = Reverse::new(&independent).unwrap();
    let second = diagonal([-8e6, -3e6, 0.0]);
    let found = reverse.delta_gamma(&[0.0; 3], &second, 2e5).unwrap();
    let expected = (2.0f64 * 2e5 / 8e6).sqrt();
    assert!((found.moves[0].abs() - expected).abs() < 1e-9, "{:?}", found.moves);
    assert!((found.distance - expected / 0.04).abs() < 1e-7);
}

#[test]
fn a_second_hill_is_not_missed() {
    // Loses a little on the way down, but a far smaller rise knocks it out.
    let covariance = covariance();
    let reverse = Reverse::new(&covariance).unwrap();
    let harm = |points: &[Vec<f64>]| -> Result<Vec<f64>, Infallible> {
        Ok(points.iter().map(|x| (-1e6 * x[0]).max(if x[0] > 0.05 { 3e5 } else { 0.0 }) - 2e5).collect())
    };
    let found = reverse
        .revalued((&[1e6, 0.0, 0.0], &diagonal([0.0; 3])), &[], Reach { distance: 8.0 }, &harm)
        .unwrap()
        .unwrap();
    assert!((found.moves[0] - 0.05).abs() < 1e-3 && (found.distance - 1.25).abs() < 0.02, "{found:?}");
}

#[test]
fn the_nearest_window_is_measured_in_deviations() {
    use crate::history::{History, Overlap, Panel, Series};
    let names: Vec<Factor> = factors([1.0; 3]).into_iter().map(|(f, _)| f).collect();
    let series = |steps: [f64; 3]| {
        let mut level = 100.0;
        let mut points = vec![(0, level)];
        for (day, step) in (1i64..).zip(steps) {
            level *= kernel::exp(step);
            points.push((day * 86_400, level));
        }
        Series::new(points).unwrap()
    };
    let history = History::from([
        (names[0].clone(), series([0.01, -0.10, 0.02])),
        (names[1].clone(), series([0.01, -0.12, 0.01])),
        (names[2].clone(), series([0.0, 0.001, 0.0])),
    ]);
    let moves = Panel::new(&history, &names).unwrap().moves(1, Overlap::None).unwrap();
    let covariance = covariance();
    let reverse = Reverse::new(&covariance).unwrap();
    let nearest = reverse.nearest(&[-0.105, -0.126, 0.16], &moves).unwrap();
    assert_eq!(nearest.window, moves.windows[1]);
}
