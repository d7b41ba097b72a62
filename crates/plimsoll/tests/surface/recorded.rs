//! Recorded chains: fitted, free of arbitrage, every quote with its fate.

use crate::support::{Scratch, shared};
use crate::{expiries, number};

#[track_caller]
fn fits(args: &str, least_slices: u64) {
    let scratch = Scratch::empty();
    let json = scratch.surfaces(args);
    for surface in json["surfaces"].as_array().unwrap() {
        assert_eq!(surface["arbitrage"]["free"], true, "{}", surface["arbitrage"]);
        assert!(surface["arbitrage"]["slices"].as_u64().unwrap() >= least_slices);
    }
    for (name, expiry) in expiries(&json) {
        let refused = expiry["status"] != "ok";
        assert_eq!(
            refused,
            !expiry["reason"].is_null(),
            "{name} {}: a refusal has its reason",
            expiry["expiry"]
        );
        if !refused {
            assert!((0.05..3.0).contains(&number(&expiry["atm_vol"])), "{name}: a vol of that market");
        }
    }
    for format in ["table", "csv", "html"] {
        let ran = scratch.surface(&format!("{args} --detail --format {format}"));
        assert_eq!((ran.code, ran.out.contains("NaN")), (0, false), "{format}: {}", ran.err);
    }
}

#[test]
fn a_single_snapshot_as_csv() {
    let name = "deribit_options_snapshot_20260205T155132Z.csv";
    let Some(chain) = shared("surface, recorded snapshot", name) else { return };
    fits(&format!("--market {chain}"), 8);
}

#[test]
fn a_month_of_chains_at_a_chosen_time() {
    let Some(chain) = shared("surface, recorded month", "deribit_202602.parquet") else { return };
    fits(&format!("--market {chain} --at 2026-02-06T00:00:00Z --underlying BTC"), 8);
}
