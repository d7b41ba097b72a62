//! VaR of a desk against twins: netted revaluation, closed forms, sums by every kind.

use crate::fixture::{book, desk, held, market, snapshot};
use market::VolBasis;
use risk::covariance::Covariance;
use risk::history::Factor;
use risk::var::{By, Confidence, Gradient, Holdings, Measured, ScenarioPnl, parametric, taylor};
use risk::{Drivers, LinePnl, Proxies, ShockSet, Undriven, Valuation, VolProxy, lines};
use std::collections::BTreeSet;
use units::{Asset, Fixed};

fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

fn factors() -> Vec<Factor> {
    vec![Factor::Spot(asset("BTC")), Factor::Spot(asset("ETH")), Factor::Vol(asset("BTC"))]
}

fn covariance() -> Covariance {
    let correlations = [vec![1.0, 0.8, -0.3], vec![0.8, 1.0, -0.25], vec![-0.3, -0.25, 1.0]];
    let sds = [0.03, 0.04, 3.5];
    Covariance::new(factors().into_iter().zip(sds).collect(), &correlations, 1).unwrap()
}

fn proxies() -> Proxies {
    Proxies { vol: [(asset("ETH"), VolProxy::Of(asset("BTC")))].into(), ..Proxies::default() }
}

struct Fixture {
    book: book::Book,
    market: market::Market,
    valuation: Valuation,
    drivers: Drivers,
}

impl Fixture {
    fn new(rows: &[crate::fixture::Held], proxies: &Proxies, at_hand: &[Factor]) -> Self {
        let (book, market) = (book(rows), market().with_surfaces(&snapshot(), VolBasis::Marks));
        let valuation = Valuation::new(&book, &market);
        let priced = valuation.board.contracts.values().chain(valuation.board.assets.values());
        let at_hand: BTreeSet<Factor> = at_hand.iter().cloned().collect();
        let drivers = Drivers::new(priced.filter_map(|p| p.as_ref().ok()), &at_hand, proxies, 0.5);
        Self { book, market, valuation, drivers }
    }

    fn holdings(&self) -> Holdings<'_> {
        Holdings::new(&self.book, &self.valuation.board, &self.market, &self.drivers).unwrap()
    }
}

fn level(value: f64) -> Confidence {
    Confidence::new(value).unwrap()
}

#[test]
fn entries_add_up_to_the_netted_lines() {
    let fixture = Fixture::new(&desk(), &proxies(), &factors());
    let draws = covariance().cholesky().unwrap().draws(3, 50);
    let shocks: Vec<_> = draws.iter().map(|x| fixture.drivers.shock(x)).collect();
    let netted = lines(&fixture.book, &fixture.valuation.board, &fixture.market, &[]).unwrap();
    let twin =
        LinePnl::new(&netted, &ShockSet { days: 0.0, shocks: shocks.clone() }).unwrap().total(|_| true);
    let pnl = ScenarioPnl::revalued(&fixture.holdings(), shocks).unwrap();
    for (ours, twin) in pnl.total().iter().zip(twin) {
        // Each entry is quantised once, and a quantity times a price of 1e5 rounds in its last bit.
        assert!((ours.to_f64() - twin.to_f64()).abs() < 1e-6, "{ours} {twin}");
    }
}

#[test]
fn contributions_of_every_kind_add_up_to_the_last_digit() {
    let fixture = Fixture::new(&desk(), &proxies(), &factors());
    let holdings = fixture.holdings();
    let draws = covariance().cholesky().unwrap().draws(11, 777);
    let shocks: Vec<_> = draws.iter().map(|x| fixture.drivers.shock(x)).collect();
    let gradient = Gradient::new(&holdings, &fixture.drivers);
    let measured = [
        Measured::of_scenarios(&ScenarioPnl::revalued(&holdings, shocks.clone()).unwrap(), level(0.99))
            .unwrap(),
        Measured::of_scenarios(&taylor(&holdings, &shocks, &fixture.drivers).unwrap(), level(0.99)).unwrap(),
        parametric(&gradient, &holdings.slices, &covariance(), level(0.99)).unwrap(),
    ];
    for measured in measured {
        for by in By::ALL {
            let of = |pick: fn(&risk::var::Part) -> Fixed| -> Fixed {
                measured.parts.iter().filter(|p| p.by == by).map(pick).sum()
            };
            assert_eq!(of(|p| p.var_usd), measured.var_usd, "{by:?}");
            assert_eq!(of(|p| p.es_usd), measured.es_usd, "{by:?}");
            let alone = of(|p| p.alone_es_usd);
            assert!(alone.to_f64() >= measured.es_usd.to_f64() - 1e-6, "ES is subadditive: {alone}");
        }
        assert!(measured.es_usd >= measured.var_usd);
    }
}

#[test]
fn on_coins_alone_the_methods_agree_with_the_normal_law() {
    let rows = [
        held("a", "wallet", "BTC", "10"),
        held("b", "wallet", "ETH", "-50"),
        held("b", "wallet", "USDC", "1000000"),
    ];
    let fixture = Fixture::new(&rows, &proxies(), &factors());
    assert_eq!(fixture.drivers.factors, factors()[..2], "no option, no vol");
    let holdings = fixture.holdings();
    let covariance = covariance().only(&fixture.drivers.factors);
    let gradient = Gradient::new(&holdings, &fixture.drivers);
    let closed = parametric(&gradient, &holdings.slices, &covariance, level(0.99)).unwrap();
    let (b, e) = (10.0 * crate::fixture::SPOT_BTC * 0.03, -50.0 * crate::fixture::SPOT_ETH * 0.04);
    let sigma = (b * b + e * e + 2.0 * 0.8 * b * e).sqrt();
    assert!((closed.var_usd.to_f64() / (2.326_347_874_040_841 * sigma) - 1.0).abs() < 1e-12);
    let draws = covariance.cholesky().unwrap().draws(5, 40_000);
    let shocks: Vec<_> = draws.iter().map(|x| fixture.drivers.shock(x)).collect();
    let drawn =
        Measured::of_scenarios(&ScenarioPnl::revalued(&holdings, shocks).unwrap(), level(0.99)).unwrap();
    let sample = drawn.sample.clone().unwrap();
    // A log return of -x is a simple return of -x + x²/2: at 2.3 sd of 3 % that is 3.5 % of it; the rest is sampling.
    let error = (drawn.var_usd.to_f64() - closed.var_usd.to_f64()).abs();
    assert!(error < 0.035 * closed.var_usd.to_f64() + 3.0 * sample.var_error_usd, "{error} {sample:?}");
    // The normal's own standard error of a quantile: sqrt(c t / n) over the density there.
    let theory = (0.99f64 * 0.01 / 40_000.0).sqrt() / (0.026_652_14 / sigma);
    assert!((sample.var_error_usd / theory - 1.0).abs() < 0.35, "{} against {theory}", sample.var_error_usd);
    // Variance of a normal beyond z, 1 + z h - h² with h the hazard; losses of a log return -x grow by exp(-x) only, 0.92 at 2.7
    // deviations of 3 %. 400 losses tell a variance to some 10 %, its root to 5 %.
    let (z, h) = (2.326_348, 2.665_214);
    let spread = (1.0 + z * h - h * h + 0.99 * (h - z) * (h - z)) / 400.0f64;
    let theory = sigma * spread.sqrt() * pricing::kernel::exp(-h * 0.03);
    assert!((sample.es_error_usd / theory - 1.0).abs() < 0.05, "{} against {theory}", sample.es_error_usd);
}

#[test]
fn for_small_moves_greeks_and_revaluation_agree() {
    let fixture = Fixture::new(&desk(), &proxies(), &factors());
    let holdings = fixture.holdings();
    let moves: Vec<Vec<f64>> = vec![
        vec![0.004, -0.003, 0.4],
        vec![-0.005, 0.002, 0.0],
        vec![0.0, 0.0, -0.5],
        vec![0.002, 0.005, 0.3],
    ];
    let shocks: Vec<_> = moves.iter().map(|x| fixture.drivers.shock(x)).collect();
    let full = ScenarioPnl::revalued(&holdings, shocks.clone()).unwrap();
    let greeks = taylor(&holdings, &shocks, &fixture.drivers).unwrap();
    for (full, greeks) in full.total().iter().zip(greeks.total()) {
        let scale = full.to_f64().abs().max(1_000.0);
        // Third order: a move of 0.5 % leaves some thousandths of the second-order part.
        assert!((full.to_f64() - greeks.to_f64()).abs() < 0.01 * scale, "{full} {greeks}");
    }
    let gradient = Gradient::new(&holdings, &fixture.drivers);
    let bump = 1e-4;
    for place in 0..3 {
        let at = |size: f64| {
            let mut x = vec![0.0; 3];
            x[place] = size;
            ScenarioPnl::revalued(&holdings, vec![fixture.drivers.shock(&x)]).unwrap().total()[0].to_f64()
        };
        let first = (at(bump) - at(-bump)) / (2.0 * bump);
        let second = (at(bump) + at(-bump)) / (bump * bump);
        // Central differences err by the third and fourth derivatives times bump², and by cancellation in 1e-4² of 1e6.
        assert!(
            (first / gradient.total[place] - 1.0).abs() < 1e-5,
            "{place}: {first} {}",
            gradient.total[place]
        );
        assert!(
            (second - gradient.second[place][place]).abs() < 0.01 * second.abs() + 10.0,
            "{place}: {second}"
        );
    }
}

#[test]
fn spot_and_vol_together_cost_what_vanna_says() {
    let rows = [
        held("a", "deribit", "BTC-25DEC26-100000-C", "-25"),
        held("a", "deribit", "BTC-26MAR27-90000-P", "12"),
    ];
    let fixture = Fixture::new(&rows, &proxies(), &factors());
    let holdings = fixture.holdings();
    // Both, each alone: what is left of both is the mixed part.
    let moves = [[0.001, 0.1], [0.001, 0.0], [0.0, 0.1]];
    let shocks: Vec<_> = moves.iter().map(|x| fixture.drivers.shock(x)).collect();
    let mixed = |pnl: &ScenarioPnl| {
        let at = |place: usize| pnl.total()[place].to_f64();
        at(0) - at(1) - at(2)
    };
    let full = mixed(&ScenarioPnl::revalued(&holdings, shocks.clone()).unwrap());
    let greeks = mixed(&taylor(&holdings, &shocks, &fixture.drivers).unwrap());
    // Moves of a thousandth: the next order is some hundredths of the mixed part.
    assert!((greeks / full - 1.0).abs() < 0.05, "{greeks} against {full}");
    let gradient = Gradient::new(&holdings, &fixture.drivers);
    assert!((gradient.second[0][1] * 0.001 * 0.1 / full - 1.0).abs() < 0.05);
}

#[test]
fn what_no_factor_drives_is_named_and_in_no_figure() {
    let fixture = Fixture::new(&desk(), &Proxies::default(), &factors());
    assert_eq!(fixture.drivers.undriven(), &BTreeSet::from([Undriven::Vol(asset("ETH"))]));
    let holdings = fixture.holdings();
    let names: Vec<&str> = holdings.undriven.iter().map(|u| u.symbol.as_str()).collect();
    assert_eq!(names, ["ETH-27NOV26-3250-C", "ETH-20261225-3500-C"]);
    let only_eth =
        Fixture::new(&desk(), &Proxies::default(), &[Factor::Spot(asset("ETH")), Factor::Vol(asset("ETH"))]);
    assert!(only_eth.holdings().held.iter().all(|held| held.priced.underlying != asset("BTC")));
    let held_still = Proxies { vol: [(asset("ETH"), VolProxy::Held)].into(), ..Proxies::default() };
    let fixture = Fixture::new(&desk(), &held_still, &factors());
    assert!(fixture.holdings().undriven.is_empty());
    let shock = fixture.drivers.shock(&[0.1, 0.1, 5.0]);
    assert_eq!(shock.vol_shift(&asset("ETH")).points, 0.0);
    assert_eq!(shock.vol_shift(&asset("BTC")).points, 5.0);
}
