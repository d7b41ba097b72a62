//! Own vectors: every sensitivity against 60-digit numerical derivatives (tests/vectors, written by generate/vectors.py).
#![allow(clippy::float_cmp, clippy::panic, clippy::unwrap_used, missing_docs)]

mod common;

use common::{kind, number};
use pricing::Black76;
use serde_json::Value;
use std::collections::BTreeMap;
use units::{Discount, Forward, Strike, Vol, YearFraction};

/// The target of the project for sensitivities, relative to the value or to the terms that it adds up.
const RELATIVE: f64 = 1e-12;
/// The target for prices, relative to the forward.
const PRICE: f64 = 2e-14;

fn option(row: &Value) -> Black76 {
    Black76 {
        forward: Forward::new(number(row, "forward")).unwrap(),
        strike: Strike::new(number(row, "strike")).unwrap(),
        vol: Vol::new(number(row, "vol")).unwrap(),
        expiry: YearFraction::new(number(row, "expiry_years")).unwrap(),
        discount: Discount::new(number(row, "discount")).unwrap(),
        kind: kind(row, "kind"),
    }
}

fn measures(option: &Black76) -> Vec<(&'static str, f64)> {
    let greeks = option.greeks();
    let coin = option.inverse();
    vec![
        ("value", greeks.value),
        ("delta", greeks.delta),
        ("gamma", greeks.gamma),
        ("vega", greeks.vega),
        ("theta_per_year", greeks.theta_per_year),
        ("rho_forward", greeks.rho_forward),
        ("rho_spot", greeks.rho_spot),
        ("vanna", greeks.vanna),
        ("volga", greeks.volga),
        ("charm_per_year", greeks.charm_per_year),
        ("speed", greeks.speed),
        ("zomma", greeks.zomma),
        ("dual_delta", greeks.dual_delta),
        ("dual_gamma", greeks.dual_gamma),
        ("itm_probability", greeks.itm_probability),
        ("coin_value", coin.coin_value),
        ("coin_delta", coin.coin_delta),
        ("coin_gamma", coin.coin_gamma),
        ("coin_vega", coin.coin_vega),
    ]
}

#[test]
fn sensitivities_equal_exact_derivatives() {
    let file: Value = serde_json::from_str(include_str!("vectors/black76_greeks.json")).unwrap();
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    let rows = file["cases"].as_array().unwrap();
    for row in rows {
        let option = option(row);
        for (name, actual) in measures(&option) {
            let expected = number(&row["expected"], name);
            let scale = row["scale"][name].as_f64().unwrap_or(0.0).max(expected.abs());
            let error = (actual - expected).abs() / scale;
            let top = worst.entry(name).or_insert(0.0);
            *top = top.max(error);
            // A price far out of the money is a difference of two near tails; in terms of the forward it has its own target below.
            let limit = if matches!(name, "value" | "coin_value" | "rho_forward") { 1e-11 } else { RELATIVE };
            assert!(error <= limit, "{name} of {row}: {actual:e} against {expected:e}");
        }
        let expected = number(&row["expected"], "value");
        let error = (option.price() - expected).abs() / option.forward.get();
        assert!(error <= PRICE, "price of {row}: error {error:e} of the forward");
        let top = worst.entry("price, of the forward").or_insert(0.0);
        *top = top.max(error);
    }
    println!("{} options, largest relative errors:", rows.len());
    for (name, error) in worst {
        println!("  {name:<22} {error:.1e}");
    }
}
