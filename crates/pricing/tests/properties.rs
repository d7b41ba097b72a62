//! Properties that hold for every option, and the identity of scalar, slice and revaluation results.
#![allow(clippy::float_cmp, clippy::panic, clippy::unwrap_used, missing_docs)]

mod common;

use common::Options;
use pricing::batch::{BatchError, Greeks5Columns, greeks5_slice, price_slice};
use pricing::implied_vol::{
    Deterministic, ImpliedVol, ImpliedVolError, OptionQuote, Reference, quantise_vol,
};
use pricing::revalue::{ContractRow, SpotFactors, revalue_grid, revalue_row, revalue_rows};
use pricing::settlement::{MissingAverage, Observed, SettlementWindow};
use pricing::{Black76, Greeks, OptionKind, venue};
use proptest::prelude::*;
use units::{Discount, Forward, Spot, Strike, Vol, YearFraction};

prop_compose! {
    /// Anything that the units admit and a market could show; edges included.
    fn any_option()(
        forward in 1e-3..1e6f64,
        moneyness in prop_oneof![Just(1.0), 0.02..50.0f64, 0.9..1.1f64],
        vol in prop_oneof![Just(0.0), Just(10.0), 0.0..3.0f64, 0.0..1e-3f64],
        expiry in prop_oneof![Just(0.0), Just(-0.5), 0.0..3.0f64, 0.0..1e-4f64, Just(100.0)],
        discount in prop_oneof![Just(1.0), 0.5..1.1f64],
        call in any::<bool>(),
    ) -> Black76 {
        Black76 {
            forward: Forward::new(forward).unwrap(),
            strike: Strike::new(forward * moneyness).unwrap(),
            vol: Vol::new(vol).unwrap(),
            expiry: YearFraction::new(expiry).unwrap(),
            discount: Discount::new(discount).unwrap(),
            kind: if call { OptionKind::Call } else { OptionKind::Put },
        }
    }
}

fn as_call(option: Black76) -> Black76 {
    Black76 { kind: OptionKind::Call, ..option }
}

fn as_put(option: Black76) -> Black76 {
    Black76 { kind: OptionKind::Put, ..option }
}

/// Rounding of a price: the project's target, 2e-14 of forward or strike, whichever is larger.
fn rounding(option: &Black76) -> f64 {
    2e-14 * option.forward.get().max(option.strike.get())
}

/// Everything that a sensitivity can be, in one list.
fn all(greeks: &Greeks) -> [f64; 15] {
    [
        greeks.value,
        greeks.delta,
        greeks.gamma,
        greeks.vega,
        greeks.theta_per_year,
        greeks.rho_forward,
        greeks.rho_spot,
        greeks.vanna,
        greeks.volga,
        greeks.charm_per_year,
        greeks.speed,
        greeks.zomma,
        greeks.dual_delta,
        greeks.dual_gamma,
        greeks.itm_probability,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_global_rejects: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn call_minus_put_is_the_discounted_forward(option in any_option()) {
        let (call, put) = (as_call(option).price(), as_put(option).price());
        let expected = option.discount.get() * (option.forward.get() - option.strike.get());
        prop_assert!((call - put - expected).abs() <= rounding(&option));
    }

    #[test]
    fn values_lie_between_intrinsic_and_the_most_an_option_pays(option in any_option()) {
        let most = match option.kind {
            OptionKind::Call => option.forward.get(),
            OptionKind::Put => option.strike.get(),
        };
        prop_assert!(option.price() >= option.intrinsic());
        prop_assert!(option.price() <= option.discount.get() * most + rounding(&option));
    }

    #[test]
    fn every_result_is_a_number(option in any_option()) {
        prop_assert!(all(&option.greeks()).iter().all(|measure| measure.is_finite()), "{:?}", option.greeks());
        let coin = option.inverse();
        prop_assert!(coin.coin_value.is_finite() && coin.coin_gamma.is_finite());
    }

    #[test]
    fn more_vol_and_more_time_never_cost_value(option in any_option(), more in 1.0..1.5f64) {
        prop_assume!(option.vol.get() * more <= 10.0 && (0.0..60.0).contains(&option.expiry.get()));
        let more_vol = Black76 { vol: Vol::new(option.vol.get() * more).unwrap(), ..option };
        let more_time = Black76 { expiry: YearFraction::new(option.expiry.get() * more).unwrap(), ..option };
        // Discount held: only the variance grows.
        prop_assert!(more_vol.price() >= option.price() - rounding(&option));
        prop_assert!(more_time.price() >= option.price() - rounding(&option));
    }

    #[test]
    fn value_is_monotone_and_convex_in_the_strike(option in any_option(), step in 0.001..0.3f64) {
        let at = |factor: f64| Black76 { strike: Strike::new(option.strike.get() * factor).unwrap(), ..option }.price();
        let (low, middle, high) = (at(1.0 - step), at(1.0), at(1.0 + step));
        let slack = 2.0 * rounding(&option);
        prop_assert!(low - 2.0 * middle + high >= -2.0 * slack);
        match option.kind {
            OptionKind::Call => prop_assert!(low >= middle - slack && middle >= high - slack),
            OptionKind::Put => prop_assert!(low <= middle + slack && middle <= high + slack),
        }
    }

    #[test]
    fn homogeneous_in_forward_and_strike(option in any_option()) {
        // Euler: F ∂V/∂F + K ∂V/∂K = V.
        let greeks = option.greeks();
        let sum = option.forward.get() * greeks.delta + option.strike.get() * greeks.dual_delta;
        prop_assert!((sum - greeks.value).abs() <= rounding(&option));
    }

    #[test]
    fn scalar_price_slice_and_revaluation_share_their_bits(option in any_option()) {
        let expected = option.price().to_bits();
        prop_assert_eq!(option.greeks().value.to_bits(), expected);
        let options = Options {
            forward: vec![option.forward.get()],
            strike: vec![option.strike.get()],
            vol: vec![option.vol.get()],
            expiry_years: vec![option.expiry.get()],
            discount: vec![option.discount.get()],
            kind: vec![option.kind],
        };
        let mut price = [0.0];
        price_slice(&options.columns(), &mut price).unwrap();
        prop_assert_eq!(price[0].to_bits(), expected);
        let row = ContractRow::from(&option);
        prop_assert_eq!(row.value(1.0, option.vol).unwrap().to_bits(), expected);
    }

    #[test]
    fn a_moved_forward_prices_as_a_fresh_option(option in any_option(), factor in 0.3..3.0f64) {
        let moved = Black76 { forward: Forward::new(option.forward.get() * factor).unwrap(), ..option };
        let value = ContractRow::from(&option).value(factor, option.vol).unwrap();
        // The logarithm is split in two, whose rounding counts for up to its own size.
        prop_assert!((value - moved.price()).abs() <= 2.0 * rounding(&moved));
    }

    #[test]
    fn both_solvers_return_the_vol_that_made_the_price(option in any_option()) {
        let quote = OptionQuote::of(&option, option.price());
        let vega = option.greeks().vega;
        let precision = 4.0 * f64::EPSILON * option.forward.get().max(option.strike.get()) / vega;
        // At the end of the range rounding can push the vol over it.
        prop_assume!(precision < 1e-6 && (1e-9..9.99).contains(&option.vol.get()));
        let own = Deterministic.implied_vol(&quote);
        let reference = Reference.implied_vol(&quote);
        prop_assert!((own.unwrap().get() - option.vol.get()).abs() <= 1e-10 + 4.0 * precision);
        prop_assert!((reference.unwrap().get() - option.vol.get()).abs() <= 1e-10 + 4.0 * precision);
    }

    #[test]
    fn solvers_agree_on_every_price(x in -12.0..0.0f64, log_price in -600.0..-1e-6f64) {
        // Any normalised price, reachable by a sane vol or not: e^{x/2} times a number below one.
        let ceiling = pricing::kernel::exp(0.5 * x);
        let time_value = ceiling * pricing::kernel::exp(log_price);
        let price = pricing::implied_vol::NormalisedPrice { log_moneyness: x, time_value };
        let (own, reference) = (Deterministic.total_deviation(price).unwrap(), Reference.total_deviation(price).unwrap());
        // What one rounding of the price moves, and the target of 1e-10.
        let vega = pricing::kernel::norm_pdf(x / reference) * pricing::kernel::exp(-reference * reference / 8.0);
        let limit = 1e-10 * reference + 8.0 * f64::EPSILON * ceiling / vega;
        let small = 1e-11 * reference;
        let wing = log_price < -1.0 && (own - reference).abs() <= small;
        prop_assert!(wing || (own - reference).abs() <= limit, "{own:e} {reference:e}");
    }

    #[test]
    fn deribit_theta_never_exceeds_value_nor_life(option in any_option()) {
        let view = venue::deribit(&option);
        let value = Black76 { discount: Discount::new(1.0).unwrap(), ..option }.price();
        prop_assert!(view.theta_per_day <= 0.0 && -view.theta_per_day <= value);
    }

    #[test]
    fn the_settlement_window_opens_without_a_jump(option in any_option(), average in 0.5..2.0f64) {
        let window = SettlementWindow::DERIBIT;
        let length = 30.0 / (365.0 * 24.0 * 60.0);
        let at = |years: f64| Black76 { expiry: YearFraction::new(years).unwrap(), ..option };
        let observed = Observed::RunningAverage(Spot::new(option.forward.get() * average).unwrap());
        let before = window.greeks(&at(length), Observed::Nothing).unwrap();
        let inside = window.greeks(&at(length * (1.0 - 1e-9)), observed).unwrap();
        // One part in 1e9 of the window moves the effective strike by as much.
        let slack = 1e-8 * option.forward.get().max(option.strike.get());
        prop_assert!((before.value - inside.value).abs() <= slack);
    }
}

#[test]
fn slices_equal_scalars_in_every_lane() {
    // Lengths around the block and vector widths; settled, vol-less and ordinary lanes mixed.
    for count in [0usize, 1, 3, 7, 8, 9, 127, 128, 129, 1_000] {
        let mut options = Options::random(count, 11 + count as u64);
        for i in (0..count).step_by(5) {
            options.vol[i] = 0.0;
        }
        for i in (0..count).step_by(7) {
            options.expiry_years[i] = if i % 2 == 0 { 0.0 } else { -0.1 };
        }
        if count % 2 == 0 {
            // The path without discounting.
            options.discount = vec![1.0; count];
        }
        for i in (0..count).step_by(11) {
            options.strike[i] = options.forward[i];
        }
        let mut columns: [Vec<f64>; 6] = std::array::from_fn(|_| vec![f64::NAN; count]);
        let [price, value, delta, gamma, vega, theta] = &mut columns;
        price_slice(&options.columns(), price).unwrap();
        let mut out = Greeks5Columns { value, delta, gamma, vega, theta_per_year: theta };
        greeks5_slice(&options.columns(), &mut out).unwrap();
        for i in 0..count {
            let greeks = common::option(&options, i).greeks();
            let expected =
                [greeks.value, greeks.value, greeks.delta, greeks.gamma, greeks.vega, greeks.theta_per_year];
            for (column, expected) in columns.iter().zip(expected) {
                assert_eq!(column[i].to_bits(), expected.to_bits(), "lane {i} of {count}");
            }
        }
    }
}

#[test]
fn revaluation_entries_share_their_bits() {
    let options = Options::random(5, 3);
    let rows: Vec<ContractRow> = (0..5).map(|i| ContractRow::from(&common::option(&options, i))).collect();
    let mut generator = common::Generator::new(17);
    let factors = SpotFactors::new((0..301).map(|_| generator.uniform(0.2, 2.0)).collect()).unwrap();
    let levels = [0.0, 0.3, 0.9];
    let mut grid = vec![0.0; levels.len() * factors.len()];
    let mut line = vec![0.0; factors.len()];
    let mut table = vec![0.0; rows.len() * factors.len()];
    for vol in levels {
        revalue_rows(&rows, &factors, &vec![vol; table.len()], &mut table).unwrap();
        for (row, expected) in rows.iter().zip(table.chunks(factors.len())) {
            revalue_row(row, &factors, &vec![vol; line.len()], &mut line).unwrap();
            assert_eq!(line, expected);
            revalue_grid(row, &factors, &levels, &mut grid).unwrap();
            let level = levels.iter().position(|level| *level == vol).unwrap();
            assert_eq!(&grid[level * line.len()..][..line.len()], expected);
            for (factor, expected) in factors.factors().iter().zip(expected).step_by(37) {
                let scalar = row.value(*factor, Vol::new(vol).unwrap()).unwrap();
                assert_eq!(scalar.to_bits(), expected.to_bits());
            }
        }
    }
}

/// At a forward of zero a call is worth nothing and a put its discounted strike, exactly, at any vol and in every lane.
#[test]
fn a_factor_of_zero_leaves_the_strike_of_a_put() {
    let options = Options::random(50, 23);
    for i in 0..50 {
        let option = common::option(&options, i);
        let owed = option.discount.get() * option.strike.get();
        let worth = if option.kind == pricing::OptionKind::Put { owed } else { 0.0 };
        let factors = SpotFactors::with_zero(vec![0.0; 40]).unwrap();
        for vol in [0.0, 0.5, 9.0] {
            let mut values = [f64::NAN; 40];
            revalue_row(&ContractRow::from(&option), &factors, &[vol; 40], &mut values).unwrap();
            assert_eq!(values, [worth; 40], "{option:?} at {vol}");
        }
    }
}

#[test]
fn columns_of_another_length_are_refused() {
    let options = Options::random(4, 1);
    let wrong = price_slice(&options.columns(), &mut [0.0; 3]);
    assert_eq!(wrong, Err(BatchError::Length { column: "price", expected: 4, actual: 3 }));
    let mut columns = options.columns();
    columns.vol = &columns.vol[..2];
    assert_eq!(
        price_slice(&columns, &mut [0.0; 4]),
        Err(BatchError::Length { column: "vol", expected: 4, actual: 2 })
    );
    let factors = SpotFactors::new(vec![1.0, 1.1]).unwrap();
    let row = ContractRow::from(&common::option(&options, 0));
    assert!(revalue_row(&row, &factors, &[0.5], &mut [0.0; 2]).is_err());
    assert!(revalue_rows(&[], &SpotFactors::new(vec![]).unwrap(), &[], &mut []).is_ok());
    assert!(SpotFactors::new(vec![0.0]).is_err() && SpotFactors::with_zero(vec![-1e-9]).is_err());
}

#[test]
fn a_nan_stays_in_its_own_lane() {
    let mut options = Options::random(20, 9);
    options.vol[3] = f64::NAN;
    options.forward[7] = f64::NAN;
    options.expiry_years[11] = f64::NAN;
    let mut price = vec![0.0; 20];
    price_slice(&options.columns(), &mut price).unwrap();
    for (i, price) in price.iter().enumerate() {
        assert_eq!(price.is_nan(), matches!(i, 3 | 7 | 11), "lane {i}");
    }
}

#[test]
fn settled_options_pay_intrinsic_and_move_like_it() {
    for (forward, delta) in [(90.0, 0.0), (100.0, 0.5), (110.0, 1.0)] {
        for (vol, expiry) in [(0.5, 0.0), (0.5, -1.0), (0.0, 1.0)] {
            let option = Black76 {
                forward: Forward::new(forward).unwrap(),
                strike: Strike::new(100.0).unwrap(),
                vol: Vol::new(vol).unwrap(),
                expiry: YearFraction::new(expiry).unwrap(),
                discount: Discount::new(0.9).unwrap(),
                kind: OptionKind::Call,
            };
            let expected = Greeks {
                value: 0.9 * (forward - 100.0f64).max(0.0),
                delta: 0.9 * delta,
                dual_delta: -0.9 * delta,
                itm_probability: delta,
                ..Greeks::default()
            };
            assert_eq!(option.greeks(), expected);
            // The put holds the other half: its delta is call's less D.
            let put = as_put(option).greeks();
            assert_eq!(put.delta, 0.9 * (delta - 1.0));
        }
    }
}

#[test]
fn many_quotes_solve_as_each_alone() {
    let options = Options::random(333, 21);
    let mut quotes: Vec<OptionQuote> = (0..333)
        .map(|i| common::option(&options, i))
        .map(|option| OptionQuote::of(&option, option.price()))
        .collect();
    for (i, quote) in quotes.iter_mut().enumerate().step_by(9) {
        quote.price = [f64::NAN, 0.0, -1.0, 1e9, 1e-300][i % 5];
    }
    let together = Deterministic.implied_vols(&quotes);
    assert_eq!(together.len(), quotes.len());
    for (quote, together) in quotes.iter().zip(together) {
        match (together, Deterministic.implied_vol(quote)) {
            (Ok(together), Ok(alone)) => {
                assert_eq!(together.get().to_bits(), alone.get().to_bits(), "{quote:?}");
            }
            // By text, because a NaN in an error is not equal to itself.
            (together, alone) => assert_eq!(format!("{together:?}"), format!("{alone:?}")),
        }
    }
}

#[test]
fn prices_without_a_vol_say_why() {
    let options = Options::random(1, 2);
    let mut option = common::option(&options, 0);
    option.kind = OptionKind::Call;
    option.strike = Strike::new(0.9 * option.forward.get()).unwrap();
    option.discount = Discount::new(1.0).unwrap();
    let at = |price: f64| OptionQuote::of(&option, price);
    let intrinsic = option.intrinsic();
    let expired = OptionQuote { expiry: YearFraction::new(0.0).unwrap(), ..at(intrinsic) };
    for solver in [&Deterministic as &dyn ImpliedVol, &Reference] {
        assert!(matches!(solver.implied_vol(&at(f64::NAN)), Err(ImpliedVolError::NotFinite { .. })));
        assert!(matches!(
            solver.implied_vol(&at(0.9 * intrinsic)),
            Err(ImpliedVolError::BelowIntrinsic { .. })
        ));
        assert!(matches!(solver.implied_vol(&at(intrinsic)), Err(ImpliedVolError::NoTimeValue { .. })));
        assert!(matches!(
            solver.implied_vol(&at(option.forward.get())),
            Err(ImpliedVolError::AboveMaximum { .. })
        ));
        assert!(matches!(solver.implied_vol(&expired), Err(ImpliedVolError::Expired)));
    }
    let message = Deterministic.implied_vol(&at(0.9 * intrinsic)).unwrap_err().to_string();
    assert!(message.contains("below the intrinsic value"), "{message}");
}

#[test]
fn published_vols_are_multiples_of_the_quantum() {
    let quantised = |vol: f64| quantise_vol(Vol::new(vol).unwrap()).get();
    assert_eq!(quantised(0.483_000_000_049_9), 0.483);
    assert_eq!(quantised(0.483_000_000_050_1), 0.483_000_000_1);
    assert_eq!(quantised(10.0), 10.0);
}

#[test]
fn inside_the_window_the_average_is_needed_and_decides() {
    let window = SettlementWindow::DERIBIT;
    let option = Black76 {
        forward: Forward::new(50_000.0).unwrap(),
        strike: Strike::new(40_000.0).unwrap(),
        vol: Vol::new(0.6).unwrap(),
        expiry: YearFraction::new(5.0 / (365.0 * 24.0 * 60.0)).unwrap(),
        discount: Discount::new(1.0).unwrap(),
        kind: OptionKind::Call,
    };
    assert_eq!(window.greeks(&option, Observed::Nothing), Err(MissingAverage));
    let average = Observed::RunningAverage(Spot::new(50_000.0).unwrap());
    let call = window.greeks(&option, average).unwrap();
    // 25 of 30 minutes averaged at 50,000 put the delivery price above 40,000 whatever comes: K* = (40,000 - 5/6 x 50,000) x 6 < 0.
    let share = 5.0 / 30.0;
    assert!((call.delta - share).abs() < 1e-12);
    assert!((call.value - 10_000.0).abs() < 1e-6);
    assert_eq!(window.greeks(&as_put(option), average).unwrap().value, 0.0);
    let settled = Black76 { expiry: YearFraction::new(0.0).unwrap(), ..option };
    assert_eq!(window.greeks(&settled, average).unwrap().value, 10_000.0);
}
