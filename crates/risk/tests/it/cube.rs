//! The cube against single pricing, and its invariance to threads.

use crate::fixture::{book, desk, market};
use proptest::prelude::*;
use risk::{AccountRows, Cube, Form, Priced, Shock, ShockSet, Valuation, VolShift};

fn contracts(valuation: &Valuation) -> Vec<&Priced> {
    valuation.board.contracts.values().filter_map(|p| p.as_ref().ok()).collect()
}

fn set(moves: &[(f64, f64)], days: f64) -> ShockSet {
    let shocks = moves.iter().map(|(spot, points)| {
        Shock::spot_and_points(*spot, VolShift { points: *points, ..VolShift::default() })
    });
    ShockSet { days, shocks: shocks.collect() }
}

#[test]
fn no_move_is_exactly_no_pnl() {
    let valuation = Valuation::new(&book(&desk()), &market());
    let contracts = contracts(&valuation);
    let cube = Cube::build(&contracts, &set(&[(0.0, 0.0)], 0.0)).unwrap();
    assert!(cube.rows() > 5);
    assert!(cube.cells().iter().all(|cell| cell.to_bits() == 0), "{:?}", cube.cells());
}

#[test]
fn threads_do_not_change_a_bit() {
    let valuation = Valuation::new(&book(&desk()), &market());
    let contracts = contracts(&valuation);
    let set = set(&[(-0.3, 40.0), (0.1, -5.0), (0.0, 0.0), (0.02, 1.0), (-0.6, 80.0)], 0.0);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Cube::build(&contracts, &set).unwrap())
    };
    let bits = |cube: &Cube| cube.cells().iter().map(|c| c.to_bits()).collect::<Vec<_>>();
    let one = bits(&on(1));
    for threads in [2, 3, 8] {
        assert_eq!(bits(&on(threads)), one, "{threads} threads");
    }
}

#[test]
fn a_spot_of_zero_is_refused_by_name() {
    let valuation = Valuation::new(&book(&desk()), &market());
    let error = Cube::build(&contracts(&valuation), &set(&[(-1.0, 0.0)], 0.0)).unwrap_err().to_string();
    assert!(error.contains("factor 0") && error.contains("BTC"), "{error}");
}

#[test]
fn accounts_are_sparse_rows_times_the_cube_and_the_worst_is_found() {
    let valuation = Valuation::new(&book(&desk()), &market());
    let contracts = contracts(&valuation);
    let cube = Cube::build(&contracts, &set(&[(-0.2, 10.0), (0.0, 0.0), (0.2, 0.0)], 0.0)).unwrap();
    let mut rows = AccountRows::default();
    rows.push_account(&[(3, 2.0), (0, -1.5), (1, 0.25)]);
    rows.push_account(&[]);
    rows.push_account(&[(1, 0.25), (3, 2.0), (0, -1.5)]);
    let worst = rows.worst(&cube).unwrap();
    for account in [0, 2] {
        for (shock, pnl) in rows.pnl(account, &cube).unwrap().into_iter().enumerate() {
            let expected = [(0, -1.5), (1, 0.25), (3, 2.0)]
                .into_iter()
                .fold(0.0, |sum, (row, quantity): (usize, f64)| quantity.mul_add(cube.row(row)[shock], sum));
            assert_eq!(pnl.to_bits(), expected.to_bits());
        }
        let lowest = rows.pnl(account, &cube).unwrap().into_iter().fold(f64::INFINITY, f64::min);
        assert_eq!(worst[account].pnl_usd.to_bits(), lowest.to_bits());
    }
    assert_eq!(worst[1].pnl_usd.to_bits(), 0.0f64.to_bits());
}

proptest! {
    /// Every cell of an option equals the difference of two single prices, to the rounding of the split logarithm.
    #[test]
    fn the_cube_equals_single_pricing(spot in -0.9..2.0f64, points in -40.0..150.0f64, days in 0.0..200.0f64) {
        let valuation = Valuation::new(&book(&desk()), &market());
        let contracts = contracts(&valuation);
        let cube = Cube::build(&contracts, &set(&[(spot, points)], days)).unwrap();
        for (row, contract) in contracts.iter().enumerate() {
            let Form::Option(black) = &contract.form else { continue };
            let gone = (days / 365.0 / black.expiry.get()).min(1.0);
            let carried = (contract.spot_over_forward.ln() * gone).exp();
            let forward = black.forward.get() * carried * (1.0 + spot);
            let vol = (black.vol.get() + points * 0.01).max(0.01);
            let left = (black.expiry.get() - days / 365.0).max(0.0);
            let moved = pricing::Black76 {
                forward: units::Forward::new(forward).unwrap(),
                vol: units::Vol::new(vol).unwrap(),
                expiry: units::YearFraction::new(left).unwrap(),
                ..*black
            };
            // An inverse option pays coin: its USD value per unit of Black-76 value is S/F, and F has moved.
            let inverse = contract.rate_asset.is_none();
            let coin = if inverse { contract.usd_per_value / carried } else { contract.usd_per_value };
            let expected = coin * moved.price() - contract.usd_per_value * black.price();
            // 2e-14 of each forward for the kernel, a few roundings, and the platform's exp and ln here.
            let tolerance = 1e-13 * (forward + black.forward.get());
            prop_assert!((cube.row(row)[0] - expected).abs() <= tolerance);
        }
    }
}
