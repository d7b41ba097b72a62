//! Smiles that move: in the cube, and greeks as the derivatives of what the cube does.

use crate::fixture::{book, desk, held, market, snapshot};
use market::surface::SkewStickiness;
use market::{Market, VolBasis, VolSource};
use risk::{Cube, Form, Measure, Priced, Shock, ShockSet, Valuation, VolShift, smile_greeks};
use units::Asset;

fn fitted(stickiness: f64) -> Market {
    let mut market = market().with_surfaces(&snapshot(), VolBasis::Marks);
    let ratio = SkewStickiness::new(stickiness).unwrap();
    for coin in ["BTC", "ETH"] {
        market.stickiness.insert(Asset::new(coin).unwrap(), ratio);
    }
    market
}

fn priced(valuation: &Valuation) -> Vec<&Priced> {
    valuation.board.contracts.values().filter_map(|p| p.as_ref().ok()).collect()
}

fn moves(spot_returns: &[f64]) -> ShockSet {
    let shocks = spot_returns.iter().map(|r| Shock::spot_and_points(*r, VolShift::default()));
    ShockSet { days: 0.0, shocks: shocks.collect() }
}

#[test]
fn sticky_strike_is_what_a_market_without_surfaces_does() {
    let set = moves(&[-0.2, 0.05, 0.3]);
    let plain = Valuation::new(&book(&desk()), &market());
    let fitted = Valuation::new(&book(&desk()), &fitted(1.0));
    let (plain, fitted) =
        (Cube::build(&priced(&plain), &set).unwrap(), Cube::build(&priced(&fitted), &set).unwrap());
    assert_eq!(plain, fitted);
}

#[test]
fn greeks_of_each_dynamics_are_derivatives_of_the_cube_under_it() {
    let step = 1e-4;
    for ratio in [-0.5, 0.0, 1.0, 1.6] {
        let valuation = Valuation::new(&book(&desk()), &fitted(ratio));
        let contracts = priced(&valuation);
        let cube = Cube::build(&contracts, &moves(&[-step, step])).unwrap();
        let mut options = 0;
        for (index, contract) in contracts.iter().enumerate() {
            let Form::Option(_) = contract.form else { continue };
            options += 1;
            let [down, up] = cube.row(index) else { panic!("two shocks") };
            let unit = contract.unit_usd_moving(None);
            let (delta, gamma) = (unit[Measure::Delta.index()], unit[Measure::Gamma.index()] * 100.0);
            // Inverse options at fixed carry, linear ones at fixed rate: the USD value is V(F s) times a constant. The error of a central
            // difference is step² times the third derivative, here below a spot.
            let scale = contract.spot_usd;
            assert!(((up - down) / (2.0 * step) - delta).abs() < 3e-7 * scale, "{ratio}: delta {delta}");
            // Rounding of values of the size of spot, 1e-16 of it each, over step².
            assert!(((up + down) / (step * step) - gamma).abs() < 3e-5 * scale, "{ratio}: gamma {gamma}");
        }
        assert!(options >= 5);
    }
}

#[test]
fn a_shock_may_say_how_the_smile_moves() {
    let valuation = Valuation::new(&book(&desk()), &fitted(1.0));
    let contracts = priced(&valuation);
    let told =
        Shock { skew_stickiness: Some(SkewStickiness::STICKY_MONEYNESS), ..moves(&[-0.1]).shocks[0].clone() };
    let told = Cube::build(&contracts, &ShockSet { days: 0.0, shocks: vec![told] }).unwrap();
    let own = Valuation::new(&book(&desk()), &fitted(0.0));
    let own = Cube::build(&priced(&own), &moves(&[-0.1])).unwrap();
    assert_eq!(told, own);
    let strike = Cube::build(&contracts, &moves(&[-0.1])).unwrap();
    assert_ne!(strike, own);
}

#[test]
fn the_table_of_greeks_has_the_exposure_under_sticky_strike() {
    let book = book(&desk());
    let valuation = Valuation::new(&book, &fitted(1.4));
    let dynamics = [SkewStickiness::STICKY_STRIKE, SkewStickiness::STICKY_MONEYNESS];
    let rows = smile_greeks(&book, &valuation, &dynamics).unwrap();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let [strike, moneyness, own] = row.columns[..] else { panic!("{row:?}") };
        let of = |measure: Measure| -> units::Fixed {
            let rows = valuation.rows.iter().filter(|r| r.underlying == row.underlying);
            rows.map(|r| r.exposure.in_usd(measure)).sum()
        };
        assert_eq!(strike.delta_cash_usd, of(Measure::Delta));
        assert_eq!(strike.gamma_cash_1pct_usd, of(Measure::Gamma));
        assert_eq!(own.stickiness, SkewStickiness::new(1.4).unwrap());
        assert_eq!(row.without_smile, 0);
        assert!(row.options > 0);
        // Delta is linear in R: 1.4 lies on the other side of sticky strike than 0.
        let slope = strike.delta_cash_usd.to_f64() - moneyness.delta_cash_usd.to_f64();
        let expected = 0.4f64.mul_add(slope, strike.delta_cash_usd.to_f64());
        assert!((own.delta_cash_usd.to_f64() - expected).abs() < 1e-6, "{row:?}");
        assert!(row.delta_range_usd().to_f64() > 1.0);
    }
}

#[test]
fn options_without_a_surface_are_counted_and_keep_their_greeks() {
    let book = book(&[held("a", "deribit", "BTC-25DEC26-100000-C", "3")]);
    let valuation = Valuation::new(&book, &market());
    let rows = smile_greeks(&book, &valuation, &[SkewStickiness::STICKY_MONEYNESS]).unwrap();
    assert_eq!((rows[0].options, rows[0].without_smile), (1, 1));
    assert_eq!(rows[0].columns[0].delta_cash_usd, valuation.rows[0].exposure.in_usd(Measure::Delta));
}

#[test]
fn the_surface_prices_what_is_beyond_the_marks_and_all_when_asked() {
    let unlisted = [
        held("a", "deribit", "BTC-25DEC26-200000-C", "1"),
        held("a", "deribit", "BTC-25DEC26-97500-C", "1"),
        held("a", "deribit", "BTC-25DEC26-100000-C", "1"),
    ];
    let sources = |market: &Market| -> Vec<Option<VolSource>> {
        let valuation = Valuation::new(&book(&unlisted), market);
        valuation.rows.iter().map(|row| row.provenance.vol).collect()
    };
    use VolSource::{Extrapolated, Interpolated, Quoted, Surface};
    assert_eq!(sources(&market()), [Some(Quoted), Some(Extrapolated), Some(Interpolated)]);
    assert_eq!(sources(&fitted(1.0)), [Some(Quoted), Some(Surface), Some(Interpolated)]);
    let from_surface = market().with_surfaces(&snapshot(), VolBasis::Surface);
    assert_eq!(sources(&from_surface), [Some(Surface); 3]);
}
