//! The vol surface: published slices, conditions, fits of made-up and hostile quotes.

#![allow(clippy::unwrap_used)] // of constants and of what a test has just made

use market::surface::{
    Essvi, EssviError, ExpiryQuotes, Fit, JumpWings, RawSvi, Refused, Svi, VolQuote, VolSurface, Wings,
};
use proptest::prelude::*;
use units::{Forward, Strike, Timestamp, YearFraction};

fn year() -> YearFraction {
    YearFraction::new(1.0).unwrap()
}

/// A. Vogt's slice, Gatheral and Jacquier, arXiv:1204.0646, example 3.1.
fn vogt() -> Svi {
    Svi::from_raw(RawSvi { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153 }).unwrap()
}

fn near(ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours - theirs).abs() <= tolerance, "{ours} is not {theirs}");
}

fn raw_near(ours: RawSvi, [a, b, rho, m, sigma]: [f64; 5], tolerance: f64) {
    for (own, theirs) in [(ours.a, a), (ours.b, b), (ours.rho, rho), (ours.m, m), (ours.sigma, sigma)] {
        near(own, theirs, tolerance);
    }
}

#[test]
fn vogts_slice_has_arbitrage_and_its_repairs_have_none() {
    let slice = vogt();
    let jump = slice.jump_wings(year());
    // The same by 50 digits; rounding of a dozen operations.
    near(jump.variance, 0.017_426_252_555_159_123, 1e-15);
    near(jump.skew, -0.175_211_140_809_125_06, 1e-14);
    near(jump.put, 0.699_738_104_116_808_5, 1e-14);
    near(jump.call, 1.316_798_218_986_386, 1e-14);
    near(jump.least_variance, 0.011_624_903_235_477_876, 1e-15);
    let check = slice.check(-1.5, 1.5);
    // The least of a grid of 0.01; ours has steps of 0.0075, and g bends by 0.05 there.
    near(slice.density(0.88), -0.032_863_340_367_583_344, 1e-15);
    near(check.least_density, -0.032_863_340_367_583_344, 2e-6);
    near(check.at, 0.88, 0.01);
    // The published fall-back: c' = p + 2ψ, ṽ' = 4vpc'/(p + c')².
    let twin = slice.ssvi_twin(year()).unwrap();
    raw_near(
        twin.raw(),
        [
            0.007_740_912_420_366,
            0.069_242_034_488_937,
            -0.334_036_480_611,
            0.042_033_745_229_585,
            0.118_607_802_913,
        ],
        1e-8,
    );
    near(twin.check(-3.0, 3.0).least_density, 0.263_203_614_542_350_03, 1e-12);
    // The published optimum keeps the least variance: c = 0.8564763, sound with room to spare.
    let optimum = Svi::from_jump_wings(JumpWings { call: 0.856_476_3, ..jump }, year()).unwrap();
    raw_near(
        optimum.raw(),
        [-0.030_519_878_3, 0.102_716_789_6, 0.100_717_610_3, 0.272_344_053_3, 0.412_397_827_1],
        1e-9,
    );
    near(optimum.check(-1.5, 1.5).least_density, 0.008_118_497_358_938_827, 2e-6);
    // Ours gives way no farther than it must: the call wing lies between the published optimum's and its own.
    let repaired = slice.repaired(year()).unwrap();
    let call = repaired.jump_wings(year()).call;
    assert!(repaired.check(-1.5, 1.5).least_density >= 0.0);
    assert!((0.856_476_3..1.316_8).contains(&call), "{call}");
    near(repaired.jump_wings(year()).least_variance, jump.least_variance, 1e-12);
}

#[test]
fn published_slices_have_their_published_values() {
    // QuantLib, test-suite/svivolatility.cpp: w(m) = a + b σ.
    let slice = Svi::from_raw(RawSvi { a: -0.0666, b: 0.229, rho: 0.439, m: 0.193, sigma: 0.337 }).unwrap();
    near(slice.variance(0.193), 0.010_572_999_999_999_999, 1e-15);
    // tf-quant-finance, parameterizations_test.py, as printed.
    let slice = Svi::from_raw(RawSvi { a: -0.02, b: 0.15, rho: 0.3, m: 0.2, sigma: 0.4 }).unwrap();
    let printed = [
        0.08660251, 0.06160364, 0.04579444, 0.03808204, 0.03832965, 0.04537031, 0.05669857, 0.06997256,
        0.0837822, 0.09743798,
    ];
    for (index, theirs) in (0..10).zip(printed) {
        let strike = 4.0 + 12.0 * f64::from(index) / 9.0;
        near(slice.variance(pricing::kernel::ln(strike / 8.0)), theirs, 0.5e-8);
    }
}

#[test]
fn parameters_that_are_no_slice_are_refused_by_name() {
    let good = RawSvi { a: 0.02, b: 0.1, rho: -0.3, m: 0.0, sigma: 0.2 };
    let refused = |raw| Svi::from_raw(raw).unwrap_err().to_string();
    assert!(refused(RawSvi { rho: 1.0, ..good }).starts_with("rho"));
    assert!(refused(RawSvi { sigma: 0.0, ..good }).starts_with("sigma"));
    assert!(refused(RawSvi { a: -1.0, ..good }).starts_with("least total variance"));
    assert!(refused(RawSvi { b: 1.9, ..good }).contains("Lee"));
    assert!(refused(RawSvi { a: f64::NAN, ..good }).starts_with('a'));
}

#[test]
fn essvi_refuses_butterflies_and_crossed_slices() {
    assert!(matches!(Essvi::new(0.04, 0.0, 0.5), Err(EssviError::Butterfly { .. })), "psi^2 > 4 theta");
    assert!(matches!(Essvi::new(9.0, -0.9, 2.2), Err(EssviError::Butterfly { .. })), "psi (1 + |rho|) > 4");
    assert!(matches!(Essvi::new(0.04, 1.0, 0.1), Err(EssviError::Domain { .. })));
    let early = Essvi::new(0.02, -0.3, 0.15).unwrap();
    assert!(early.precedes(&Essvi::new(0.05, -0.3, 0.25).unwrap()));
    assert!(!Essvi::new(0.05, -0.3, 0.25).unwrap().precedes(&early), "less variance later");
    assert!(!early.precedes(&Essvi::new(0.021, 0.8, 0.15).unwrap()), "the put wing falls");
}

#[test]
fn an_essvi_slice_is_an_svi_slice() {
    let slice = Essvi::new(0.05, -0.4, 0.2).unwrap();
    for step in -20..=20 {
        let k = 0.1 * f64::from(step);
        near(slice.svi().variance(k), slice.variance(k), 1e-15);
    }
}

fn asof() -> Timestamp {
    Timestamp::from_utc_date(2026, 2, 5, 8).unwrap()
}

/// A smile of an expiry so many days away: level, skew and curvature in deviations, noise in half spreads.
fn expiry(days: i64, [level, skew, bend]: [f64; 3], noise: &[f64]) -> ExpiryQuotes {
    let expiry = asof().plus_millis(days * 86_400_000);
    let deviation = level * asof().years_until(expiry).unwrap().get().sqrt();
    let quotes = (0..noise.len())
        .map(|index| {
            let z = 6.0 * index as f64 / (noise.len() - 1) as f64 - 3.0;
            let half_spread = level * (0.01 + 0.004 * z * z);
            let vol =
                level * (1.0 + skew * z + bend * z * z / (1.0 + 0.1 * z * z)) + noise[index] * half_spread;
            VolQuote { log_moneyness: z * deviation, vol, half_spread }
        })
        .collect();
    ExpiryQuotes { expiry, forward: Forward::new(70_000.0).unwrap(), quotes, dropped: Default::default() }
}

fn quiet() -> [f64; 15] {
    [0.0; 15]
}

fn term_structure() -> Vec<ExpiryQuotes> {
    let at = |days, level| expiry(days, [level, -0.05, 0.04], &quiet());
    vec![at(1, 0.62), at(2, 0.6), at(7, 0.56), at(30, 0.52), at(90, 0.5), at(300, 0.5)]
}

fn accepted(fit: &Fit) -> usize {
    fit.expiries.iter().filter(|report| report.refused.is_none()).count()
}

#[test]
fn a_sound_market_is_fitted_within_its_spreads() {
    let fit = VolSurface::fit(asof(), &term_structure());
    assert_eq!(accepted(&fit), 6, "{:#?}", fit.expiries);
    assert!(fit.expiries.iter().all(|report| report.inside == report.quotes));
    let check = fit.surface.check();
    assert!(check.is_free_of_arbitrage(), "{check:?}");
    // At the money of a quoted expiry, of one in between, before the first and beyond the last.
    let forward = Forward::new(70_000.0).unwrap();
    let vol = |days: f64| {
        let expiry = YearFraction::new(days / 365.0).unwrap();
        fit.surface.vol(forward, Strike::new(70_000.0).unwrap(), expiry).unwrap().unwrap().get()
    };
    near(vol(30.0), 0.52, 0.005);
    near(vol(60.0), 0.505, 0.01);
    near(vol(0.5), vol(1.0), 1e-12);
    near(vol(400.0), 0.5, 0.01);
}

#[test]
fn an_expiry_without_a_slice_says_why() {
    let mut quotes = term_structure();
    quotes[2].quotes.truncate(3);
    quotes.push(expiry(30, [0.5, 0.0, 0.04], &quiet()));
    quotes.push(expiry(0, [0.5, 0.0, 0.04], &quiet()));
    let fit = VolSurface::fit(asof(), &quotes);
    let reasons: Vec<_> = fit.expiries.iter().map(|report| report.refused).collect();
    assert_eq!(reasons[0], Some(Refused::Expired));
    assert_eq!(reasons[3], Some(Refused::FewQuotes { quotes: 3 }));
    assert_eq!(reasons.iter().filter(|reason| **reason == Some(Refused::Twice)).count(), 1);
    assert_eq!(fit.surface.slices().len(), 5);
}

#[test]
fn one_quote_that_jumps_tenfold_hardly_moves_the_money() {
    let sound = VolSurface::fit(asof(), &term_structure());
    let mut quotes = term_structure();
    quotes[3].quotes[9].vol *= 10.0;
    let jumped = VolSurface::fit(asof(), &quotes);
    let at_the_money =
        |fit: &Fit| (fit.expiries[3].slice.unwrap().variance(0.0) / fit.expiries[3].years).sqrt();
    // Half of the half spread there, which is 1 % of the vol.
    near(at_the_money(&jumped), at_the_money(&sound), 0.5 * 0.01 * 0.52);
    assert!(jumped.surface.check().is_free_of_arbitrage());
}

#[test]
fn crossed_expiries_leave_no_arbitrage_in_the_surface() {
    // The week has more total variance than the month: 1.3² x 7 > 0.5² x 30.
    let quotes = [expiry(7, [1.3, -0.05, 0.04], &quiet()), expiry(30, [0.5, -0.05, 0.04], &quiet())];
    let fit = VolSurface::fit(asof(), &quotes);
    assert!(fit.expiries[0].refused.is_some(), "{:?}", fit.expiries[0]);
    assert!(fit.expiries[1].refused.is_none());
    assert!(fit.surface.check().is_free_of_arbitrage());
}

#[test]
fn a_refused_expiry_is_carried_from_the_last_good_surface() {
    let good = VolSurface::fit(asof(), &term_structure()).surface;
    let mut quotes = term_structure();
    quotes[3].quotes.truncate(2);
    let later = asof().plus_millis(3_600_000);
    let fit = VolSurface::fit(later, &quotes);
    assert_eq!(fit.surface.slices().len(), 5);
    let carried = fit.surface.carry(&good);
    assert_eq!(carried.slices().len(), 6);
    let slice = carried.slices()[3];
    assert_eq!((slice.asof, carried.asof), (asof(), later), "its age is that of its quotes");
    let vol = |slice: &market::surface::SurfaceSlice| (slice.slice.variance(0.1) / slice.years).sqrt();
    near(vol(&slice), vol(&good.slices()[3]), 1e-12);
    assert!(carried.check().is_free_of_arbitrage());
}

/// Least g and least relative calendar gap between the points of the checks: ten times as many, over the same range and along
/// each correction.
fn on_a_finer_grid(surface: &VolSurface) -> (f64, f64) {
    let (mut density, mut gap) = (f64::INFINITY, f64::INFINITY);
    let slices = surface.slices();
    for (index, early) in slices.iter().enumerate() {
        let along = early.slice.correction().map(|own| {
            let pieces = own.cubics().len() as f64;
            (own.from(), own.from() + own.spacing() * pieces)
        });
        let reach = (8.0 * early.slice.variance(0.0).sqrt()).clamp(1.5, 6.0);
        for (low, high) in std::iter::once((-reach, reach)).chain(along) {
            for point in 0..=4010 {
                let k = low + (high - low) * f64::from(point) / 4010.0;
                density = density.min(early.slice.density(k));
                if let Some(late) = slices.get(index + 1) {
                    gap = gap.min(late.slice.variance(k) / early.slice.variance(k) - 1.0);
                }
            }
        }
    }
    (density, gap)
}

#[test]
fn a_hump_that_five_parameters_miss_is_followed() {
    let mut quotes = term_structure();
    for expiry in &mut quotes {
        for (quote, hump) in expiry.quotes.iter_mut().skip(2).zip([0.8, 1.6, 1.6, 0.8]) {
            quote.vol += hump * quote.half_spread;
        }
    }
    let fit = VolSurface::fit(asof(), &quotes);
    for (report, given) in fit.expiries.iter().zip(&quotes) {
        let slice = report.slice.unwrap();
        let farthest = |variance: &dyn Fn(f64) -> f64| {
            let off = |q: &VolQuote| {
                ((variance(q.log_moneyness) / report.years).sqrt() - q.vol).abs() / q.half_spread
            };
            given.quotes.iter().map(off).fold(0.0, f64::max)
        };
        let (own, plain) = (farthest(&|k| slice.variance(k)), farthest(&|k| slice.hyperbola().variance(k)));
        assert!(own < 0.67 * plain, "{} years: {own} of {plain} half spreads", report.years);
    }
    assert!(fit.surface.check().is_free_of_arbitrage());
}

fn noisy() -> impl Strategy<Value = Vec<ExpiryQuotes>> {
    let smile = (0.3..1.2f64, -0.12..0.12f64, 0.0..0.08f64, prop::collection::vec(-2.0..2.0f64, 6..30));
    let days = prop::sample::subsequence(vec![1, 2, 3, 7, 14, 30, 60, 120, 240, 360], 2..7);
    (days, prop::collection::vec(smile, 7)).prop_map(|(days, smiles)| {
        let one = |(days, (level, skew, bend, noise)): (i64, &(f64, f64, f64, Vec<f64>))| {
            let mut quotes = expiry(days, [*level, *skew, *bend], noise);
            quotes.quotes.retain(|quote| quote.vol > 0.02);
            quotes
        };
        days.into_iter().zip(&smiles).map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever the quotes say, what leaves has no arbitrage on the grids.
    #[test]
    fn a_surface_has_no_arbitrage(quotes in noisy()) {
        let fit = VolSurface::fit(asof(), &quotes);
        let check = fit.surface.check();
        prop_assert!(check.is_free_of_arbitrage(), "{check:?}");
        let (density, gap) = on_a_finer_grid(&fit.surface);
        prop_assert!(density >= 0.0 && gap >= 0.0, "{density} {gap}");
        prop_assert_eq!(fit.expiries.len(), quotes.len());
        prop_assert_eq!(fit.surface.slices().len(), accepted(&fit));
    }

    /// Neither the order of quotes nor that of expiries changes a bit.
    #[test]
    fn order_leaves_no_trace(quotes in noisy()) {
        let mut reversed = quotes.clone();
        reversed.reverse();
        for expiry in &mut reversed {
            expiry.quotes.reverse();
        }
        prop_assert_eq!(VolSurface::fit(asof(), &quotes), VolSurface::fit(asof(), &reversed));
    }

    /// Total variance never falls with time, at quoted expiries, between and beyond.
    #[test]
    fn variance_never_falls_with_time(quotes in noisy(), k in -1.0..1.0f64) {
        let surface = VolSurface::fit(asof(), &quotes).surface;
        let at = |days: u32| surface.variance(k, YearFraction::new(f64::from(days) / 365.0).unwrap());
        let mut before = 0.0;
        for variance in (1..500).step_by(7).filter_map(at) {
            // Rounding of the interpolation.
            prop_assert!(variance >= before - 1e-15);
            before = variance;
        }
    }

    /// Jump-wing parameters are another spelling of the same slice.
    #[test]
    fn jump_wings_lead_back(
        least in 0.001..0.3f64, put in 0.01..1.5f64, call in 0.01..1.5f64, shift in -0.5..0.5f64, smooth in 0.01..1.0f64,
    ) {
        let slice = Svi::new(Wings { least, put, call, shift, smooth }).unwrap();
        let years = YearFraction::new(0.3).unwrap();
        let back = Svi::from_jump_wings(slice.jump_wings(years), years).unwrap();
        for step in -10..=10 {
            let k = 0.1 * f64::from(step);
            // Near the vertex the shift is a difference of like numbers: some digits go.
            prop_assert!((back.variance(k) - slice.variance(k)).abs() <= 1e-6 * slice.variance(k));
        }
    }

    /// The conditions of Hendriks and Martini keep slices apart everywhere.
    #[test]
    fn slices_that_precede_never_cross(
        early in (0.001..0.5f64, -0.95..0.95f64, 0.01..1.5f64), late in (0.001..1.0f64, -0.95..0.95f64, 0.01..1.9f64),
    ) {
        let (Ok(early), Ok(late)) = (Essvi::new(early.0, early.1, early.2), Essvi::new(late.0, late.1, late.2)) else {
            return Ok(());
        };
        if early.precedes(&late) {
            for step in -300..=300 {
                let k = 0.1 * f64::from(step);
                prop_assert!(late.variance(k) >= early.variance(k) * (1.0 - 1e-12), "{k}");
            }
        }
        // By construction: no butterfly either.
        prop_assert!(early.svi().check(-3.0, 3.0).least_density >= -1e-10);
    }
}
