//! Proposed trades: the band, the bounds, whole lots, effects, costs.

use crate::support::Scratch;
use crate::{FILES, rows, usd};

#[test]
fn the_sample_is_planned_without_any_file() {
    let out = Scratch::empty().hedge("").succeeds();
    for words in [
        "Proposed trades",
        "Why not more",
        "Cost of the trades",
        "Delta, gamma and vega",
        "Margin where it changes",
        "Instruments, the cheapest first",
    ] {
        assert!(out.contains(words), "lacks '{words}':\n{out}");
    }
}

#[test]
fn a_trade_ends_at_the_edge_of_the_band_in_whole_lots_and_every_table_agrees() {
    let planned = Scratch::desk().planned(FILES);
    let btc = rows(&planned, "trades", ("rule", "btc delta"))[0];
    let (before, after, band) =
        (usd(&btc["delta_before_usd"]), usd(&btc["delta_after_usd"]), usd(&btc["band_usd"]));
    assert!((band - 100_000.0).abs() < 1e-6 && before > band);
    // Lots of 10 USD are rounded towards zero: the delta ends at most one lot outside the edge.
    assert!(after >= band && after < band + 10.0 * 1.01, "{after}");
    let quantity: f64 = btc["quantity"].as_str().unwrap().parse().unwrap();
    assert!(quantity < 0.0 && (quantity / 10.0).fract() == 0.0 && btc["unit"] == "USD", "{btc}");
    // The buckets are the book: their sums are the delta of the rule.
    let all = rows(&planned, "buckets", ("expiry", "all"));
    let all = all.iter().find(|row| row["underlying"] == "BTC").unwrap();
    assert!((usd(&all["delta_before_usd"]) - before).abs() < 1e-6);
    assert!((usd(&all["delta_after_usd"]) - after).abs() < 1e-6);
    let parts = rows(&planned, "buckets", ("underlying", "BTC"));
    let sum: f64 =
        parts.iter().filter(|row| row["expiry"] != "all").map(|row| usd(&row["delta_after_usd"])).sum();
    assert!((sum - after).abs() < 1e-6);
    // A perpetual has neither gamma nor vega.
    for measure in ["gamma", "vega"] {
        let unit = if measure == "gamma" { "usd_per_1pct" } else { "usd_per_point" };
        assert_eq!(all[format!("{measure}_before_{unit}")], all[format!("{measure}_after_{unit}")]);
    }
    let cost = rows(&planned, "costs", ("rule", "btc delta"))[0];
    let parts = ["fee_usd", "half_spread_usd", "impact_usd"].map(|key| usd(&cost[key]));
    // Fee of 5 bp of the notional, by the policy.
    assert!((parts[0] - 5e-4 * usd(&btc["notional_usd"])).abs() < 1e-6);
    assert!((usd(&cost["trading_usd"]) - parts.iter().sum::<f64>()).abs() < 1e-9);
    assert!((usd(&cost["total_usd"]) - usd(&cost["trading_usd"]) - usd(&cost["carry_usd"])).abs() < 1e-9);
    // A short perpetual receives positive funding.
    assert!(usd(&cost["carry_usd"]) < 0.0, "{cost}");
}

#[test]
fn margins_are_those_of_whatif() {
    let scratch = Scratch::desk();
    let planned = scratch.planned(FILES);
    let trades = planned["trades"].as_array().unwrap();
    let row = |trade: &serde_json::Value| {
        let text = |key: &str| trade[key].as_str().unwrap().to_owned();
        format!("vol-desk,{},,{},{},,,", text("venue"), text("symbol"), text("quantity"))
    };
    let traded: Vec<String> = trades.iter().map(row).collect();
    let added: Vec<&str> = traded.iter().map(String::as_str).collect();
    scratch.write("add.csv", crate::support::book_of(&added));
    let ran = scratch.run(&[
        "whatif",
        "book.csv",
        "--market",
        "market.json",
        "--add",
        "add.csv",
        "--format",
        "csv",
        "--table",
        "accounts",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let margins = rows(&planned, "margin", ("figure", "maintenance margin"));
    assert_eq!(margins.len(), 1);
    for key in ["before_usd", "after_usd"] {
        let figure = margins[0][key].as_str().unwrap().trim_end_matches('0').trim_end_matches('.');
        assert!(ran.out.contains(figure), "{key} {figure} is not in:\n{}", ran.out);
    }
    assert_ne!(margins[0]["before_usd"], margins[0]["after_usd"]);
}

#[test]
fn participation_slippage_and_turnover_bound_the_size_and_say_so() {
    let scratch = Scratch::desk();
    let costs = scratch.text("costs.toml");
    let policy = scratch.text("policy.toml");
    for (costs, policy, words) in [
        (
            costs.replace("participation = 0.1", "participation = 0.001"),
            policy.clone(),
            "participation: 0.100 % of what trades",
        ),
        (costs.replace("slippage_bp = 15.0", "slippage_bp = 1.0"), policy.clone(), "slippage: "),
        (
            costs.clone(),
            policy.replace("hourly_turnover_usd = \"5000000\"", "hourly_turnover_usd = \"300000\""),
            "turnover: the policy allows 300",
        ),
    ] {
        scratch.write("costs.toml", costs);
        scratch.write("policy.toml", policy);
        let planned = scratch.planned(&format!("{FILES} --costs costs.toml"));
        let why = rows(&planned, "reasons", ("rule", "btc delta"))[0]["why_not_more"].as_str().unwrap();
        assert!(why.contains(words), "{why}");
        let btc = rows(&planned, "trades", ("rule", "btc delta"))[0];
        assert!(usd(&btc["delta_after_usd"]) > usd(&btc["band_usd"]) + 1_000.0, "{btc}");
    }
}

#[test]
fn inside_the_band_nothing_is_traded() {
    let scratch = Scratch::desk();
    scratch.write("policy.toml", scratch.text("policy.toml").replace("= 100000.0,", "= 2000000.0,"));
    let planned = scratch.planned(FILES);
    let btc = rows(&planned, "trades", ("rule", "btc delta"))[0];
    assert!(
        btc["symbol"].is_null() && btc["side"] == "none" && btc["delta_before_usd"] == btc["delta_after_usd"]
    );
    let why = rows(&planned, "reasons", ("rule", "btc delta"))[0]["why_not_more"].as_str().unwrap();
    assert!(why.starts_with("inside the band: "), "{why}");
    assert!(rows(&planned, "costs", ("rule", "btc delta")).is_empty());
}

#[test]
fn a_policy_that_knows_the_cost_makes_the_band_itself() {
    let scratch = Scratch::desk();
    let text = scratch.text("policy.toml");
    let fixed = "sizing = { policy = \"band\", half_width_usd = 100000.0, end = \"edge\" }";
    let band = |tolerance: u32| {
        let sizing =
            format!("sizing = {{ policy = \"whalley_wilmott\", risk_tolerance_usd = {tolerance}.0 }}");
        scratch.write("policy.toml", text.replace(fixed, &sizing));
        let planned = scratch.planned(FILES);
        usd(&rows(&planned, "trades", ("rule", "btc delta"))[0]["band_usd"])
    };
    // The half width goes with the third root of the tolerance.
    let (narrow, wide) = (band(10_000), band(80_000));
    assert!(narrow > 0.0 && (wide / narrow - 2.0).abs() < 1e-9, "{narrow} {wide}");
}

#[test]
fn the_ranking_chooses_what_is_cheapest_to_hold_and_can_be_traded() {
    let scratch = Scratch::desk();
    // A lot that fits both the contracts of 1 USD and those of a coin.
    scratch.write("policy.toml", scratch.text("policy.toml").replacen("lot = \"10\"", "lot = \"0.001\"", 1));
    let planned = scratch.planned(&format!("{FILES} --choose"));
    let ranked = rows(&planned, "instruments", ("underlying", "BTC"));
    assert!(ranked.len() > 2);
    let totals: Vec<f64> = ranked.iter().map(|row| usd(&row["total_usd"])).collect();
    assert!(totals.windows(2).all(|pair| pair[0] <= pair[1]), "{totals:?}");
    assert_eq!(ranked[0]["choice"], "traded");
    assert_eq!(ranked[0]["symbol"], rows(&planned, "trades", ("rule", "btc delta"))[0]["symbol"]);
    for row in ranked {
        let parts =
            ["carry", "risk", "spread", "fee", "margin", "venue"].map(|p| usd(&row[format!("{p}_usd")]));
        assert!((usd(&row["total_usd"]) - parts.iter().sum::<f64>()).abs() < 1e-9, "{row}");
    }
}

#[test]
fn tables_fit_120_columns() {
    let scratch = Scratch::desk();
    for args in [FILES.to_owned(), format!("{FILES} --choose"), format!("{FILES} --flatten")] {
        let all: Vec<&str> = std::iter::once("hedge").chain(args.split_whitespace()).collect();
        let output = scratch.command(&all).env("COLUMNS", "120").output().unwrap();
        assert!(output.status.success());
        let out = String::from_utf8(output.stdout).unwrap();
        let is_remark = |line: &&str| line.starts_with("  ") || line.contains("  ·  ");
        for line in out.lines().filter(|line| !is_remark(line)) {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }
}
