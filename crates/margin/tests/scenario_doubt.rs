//! Balances in charges, values that are no number, and forwards at zero: rules of a cube, on markets written by hand.
#![allow(clippy::unwrap_used)] // of constants

use margin::scenario::model::{
    ByAsset, ChargeKind, ChargeRule, CollateralRule, Combine, DoubtedHoldings, Factors, Numeraire, Offset,
    Place, Rates, RelativeVol, Scenario, ScenarioModel, Skew, SpotMove, Table, UnitBy, VolMove, VolShock,
    Weight,
};
use margin::scenario::{
    AssetState, ContractState, Cube, Entry, ExpiryState, Follows, Payoff, RiskError, Scratch, UnitMarket,
};
use units::{Asset, Discount, OptionKind, Strike, YearFraction};

const INDEX: f64 = 2_000.0;
/// A currency at 0.8: the coin is worth more of it than of dollars.
const STABLE: f64 = 0.8;

fn model(vols: &[VolMove], charges: Vec<ChargeRule>) -> ScenarioModel {
    let scenario = |vol: &VolMove| Scenario {
        name: format!("{vol:?}"),
        spot: SpotMove::Relative(0.0),
        vol: *vol,
        days: 0.0,
        weight: Weight::Fixed(1.0),
        table: Table::Standard,
    };
    ScenarioModel {
        underlyings: Vec::new(),
        unit_by: UnitBy::Underlying,
        combine: Combine::Sum,
        numeraire: Numeraire::Usd,
        scenarios: vols.iter().map(scenario).collect(),
        price_range: ByAsset::all(1.0),
        vol_shock: VolShock {
            relative: Some(RelativeVol {
                range_up: 0.5,
                range_down: 0.3,
                short_term_power: 0.3,
                long_term_power: 0.13,
                floor_days: 1.0,
                least_vol_up: 0.0,
            }),
            percent: Vec::new(),
            points: Vec::new(),
        },
        skew: None,
        static_discount: None,
        forward_contingency: None,
        offset: Offset::default(),
        charges,
        factor: Factors { initial: 1.0, maintenance: 1.0, depeg_threshold: 0.0, depeg_factor: 0.0 },
        collateral: CollateralRule::default(),
        borrow: None,
    }
}

fn expiry(years: f64, forward: f64) -> ExpiryState {
    ExpiryState {
        asset: 0,
        date: usize::from(years > 0.0),
        years: YearFraction::new(years).unwrap(),
        forward_fixed: 0.0,
        forward_variable: forward,
        rate: 0.0,
        discount: Discount::new(1.0).unwrap(),
        confidence: 1.0,
        quote: Asset::usd(),
        quote_usd: 1.0,
    }
}

fn market(contracts: Vec<ContractState>, perpetual_confidence: f64) -> UnitMarket {
    UnitMarket {
        assets: vec![AssetState {
            asset: Asset::new("ETH").unwrap(),
            index: INDEX,
            index_confidence: 1.0,
            perpetual_confidence,
        }],
        expiries: vec![expiry(0.0, INDEX), expiry(0.1, INDEX)],
        contracts,
        stable_usd: STABLE,
    }
}

const PAYOFF: Payoff = Payoff::Currency { coins: 1.0, usd: 1.0 };

fn base() -> ContractState {
    ContractState::Holding {
        expiry: 0,
        coins: 1.0,
        price: INDEX / STABLE,
        confidence: 0.5,
        follows: Follows::Index,
    }
}

fn put(strike: f64) -> ContractState {
    let strike = Strike::new(strike).unwrap();
    ContractState::Option { expiry: 1, strike, kind: OptionKind::Put, vol: 0.6, payoff: PAYOFF }
}

fn entries(quantities: &[f64]) -> Vec<Entry> {
    (0..).zip(quantities).map(|(row, weight)| Entry { row, weight: *weight }).collect()
}

fn charged(kind: ChargeKind, market: &UnitMarket, quantities: &[f64]) -> f64 {
    let rule = ChargeRule { name: "charge".into(), place: Place::Added, kind };
    let model = model(&[VolMove::Same], vec![rule]);
    let mut scratch = Scratch::default();
    Cube::build(&model, market).unwrap().risk(&model, &entries(quantities), &mut scratch).unwrap();
    scratch.charges()[0].initial
}

fn close(ours: f64, rule: f64) {
    // A few roundings on thousands of USD.
    assert!((ours - rule).abs() < 1e-9, "{ours} should be {rule}");
}

/// Coins at the index, whatever the currency is worth that values them.
#[test]
fn a_charge_on_holdings_is_on_coins_at_the_index() {
    let rates = Rates { initial: 0.1, maintenance: 0.1 };
    let charge = charged(ChargeKind::Holdings(rates), &market(vec![base()], 1.0), &[3.0]);
    close(charge, 0.1 * 3.0 * INDEX);
}

#[test]
fn doubted_holdings_are_charged_by_value_or_pooled_with_perpetuals() {
    let perpetual = ContractState::Future { expiry: 0, mark: INDEX, payoff: PAYOFF };
    // The index is sure, the perpetual is at 0.2 and the balance's own price at 0.5.
    let market = market(vec![base(), perpetual], 0.2);
    let charge = |holdings| {
        let kind = ChargeKind::Confidence { threshold: 0.6, factor: 0.5, holdings };
        charged(kind, &market, &[3.0, -1.0])
    };
    let perpetual = (1.0 - 0.2) * 0.5 * INDEX;
    close(charge(DoubtedHoldings::Own), perpetual + (1.0 - 0.5) * 0.5 * 3.0 * INDEX / STABLE);
    close(charge(DoubtedHoldings::WithFutures), perpetual + (1.0 - 0.2) * 0.5 * 3.0 * INDEX);
}

/// Zero over zero is no loss of zero: the law refuses, as the protocol does.
#[test]
fn a_law_that_divides_by_zero_has_no_cube() {
    let market = market(vec![put(INDEX)], 1.0);
    let mut smile = model(&[VolMove::SkewLinear], Vec::new());
    smile.skew = Some(Skew {
        linear_cap: 0.2,
        linear_cap_per_root_year: 0.0,
        absolute_cap: 0.2,
        absolute_cap_per_root_year: 0.0,
        least_width: 0.0,
        width: 0.0,
        vol_static: 0.6,
        vol_per_root_year: 0.0,
    });
    let error = Cube::build(&smile, &market).unwrap_err().to_string();
    assert!(error.contains("the width of the smile") && error.contains("is 0"), "{error}");

    let mut expired = market.clone();
    expired.expiries[1] = expiry(0.0, INDEX);
    let mut unfloored = model(&[VolMove::Up], Vec::new());
    unfloored.vol_shock.relative.as_mut().unwrap().floor_days = 0.0;
    let error = Cube::build(&unfloored, &expired).unwrap_err().to_string();
    assert!(error.contains("the time of the vol shock") && error.contains("is 0"), "{error}");
}

/// The worst case would pass over what is no number.
#[test]
fn a_value_or_a_sum_that_is_no_number_is_an_error() {
    let model = model(&[VolMove::Same], Vec::new());
    let nowhere = ContractState::Future { expiry: 0, mark: f64::NAN, payoff: PAYOFF };
    let error = Cube::build(&model, &market(vec![nowhere], 1.0)).unwrap_err().to_string();
    assert!(error.contains("contract 0 has no finite value in Same"), "{error}");
    let cube = Cube::build(&model, &market(vec![put(INDEX)], 1.0)).unwrap();
    let risk = cube.risk(&model, &entries(&[f64::NAN]), &mut Scratch::default());
    assert!(matches!(risk, Err(RiskError::NotFinite { .. })), "{risk:?}");
    let published = cube.with_risk_arrays(&model, &[vec![f64::NAN]]);
    assert!(published.is_err(), "{published:?}");
}

/// At a forward of zero a put is worth its strike and a call nothing.
#[test]
fn a_forward_may_fall_to_zero() {
    let mut model = model(&[VolMove::Same], Vec::new());
    model.scenarios[0].spot = SpotMove::Relative(-1.0);
    let market = market(vec![put(1_500.0)], 1.0);
    let mut scratch = Scratch::default();
    let cube = Cube::build(&model, &market).unwrap();
    let risk = cube.risk(&model, &entries(&[1.0]), &mut scratch).unwrap();
    close(scratch.pnl()[0], 1_500.0 - risk.mark_to_market);
}
