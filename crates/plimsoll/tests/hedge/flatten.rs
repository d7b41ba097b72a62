//! The way out of every position.

use crate::support::Scratch;
use crate::{FILES, rows, usd};

#[test]
fn every_position_goes_in_whole_lots_and_the_path_ends_at_nothing() {
    let scratch = Scratch::desk();
    let planned = scratch.planned(&format!("{FILES} --flatten"));
    let legs = planned["unwind"].as_array().unwrap();
    assert_eq!(legs.len(), 22, "every derivative position of the sample");
    for leg in legs {
        let symbol = leg["symbol"].as_str().unwrap();
        let exact = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
        let trades = rows(&planned, "schedule", ("symbol", symbol));
        let sum: f64 = trades.iter().map(|trade| exact(&trade["quantity"])).sum();
        assert!((sum + exact(&leg["quantity"])).abs() < 1e-9, "{symbol}: {sum}");
        let parts = ["fee_usd", "spread_usd", "impact_usd"].map(|key| usd(&leg[key]));
        assert!(parts.iter().all(|part| *part >= 0.0), "{leg}");
        assert!((usd(&leg["cost_usd"]) - parts.iter().sum::<f64>()).abs() < 1e-9);
    }
    let total: f64 = legs.iter().map(|leg| usd(&leg["cost_usd"])).sum();
    assert!((usd(&planned["expected_cost_usd"]) - total).abs() < 1e-6);
    assert!(usd(&planned["standard_deviation_usd"]) > 0.0);
    // The net goes in the four hours that the costs allow, but for thin options that need some hours more.
    let hours = planned["net_delta_gone_after_hours"].as_f64().unwrap();
    assert!((4.0..8.0).contains(&hours), "{hours}");
    for underlying in ["BTC", "ETH"] {
        let path = rows(&planned, "path", ("underlying", underlying));
        let (first, last) = (usd(&path[0]["net_delta_usd"]), usd(&path.last().unwrap()["net_delta_usd"]));
        assert!(last.abs() < 1e-6 && first.abs() > 1_000.0);
        let sizes: Vec<f64> = path.iter().map(|row| usd(&row["net_delta_usd"]).abs()).collect();
        assert!(sizes.windows(2).all(|pair| pair[1] <= pair[0] + 1e-6), "{underlying}: no net delta grows");
        let of_legs = legs.iter().filter(|leg| leg["symbol"].as_str().unwrap().starts_with(underlying));
        let sum: f64 = of_legs.map(|leg| usd(&leg["delta_usd"])).sum();
        assert!((sum - first).abs() < 1e-6, "{underlying}: {sum} {first}");
    }
}

#[test]
fn more_tolerance_costs_less_and_risks_more() {
    let scratch = Scratch::desk();
    let costs = scratch.text("costs.toml");
    // Without caps every leg takes the time asked for, so that only haste differs.
    let free =
        costs.replace("participation = 0.1", "participation = 1.0").replace("hours = 4.0", "hours = 400.0");
    let run = |tolerance: &str| {
        let text = free.replace("tolerance_usd = \"1000000\"", &format!("tolerance_usd = \"{tolerance}\""));
        scratch.write("costs.toml", text);
        let planned = scratch.planned(&format!("{FILES} --flatten --costs costs.toml"));
        (usd(&planned["expected_cost_usd"]), usd(&planned["standard_deviation_usd"]))
    };
    let ((hasty_cost, hasty_risk), (calm_cost, calm_risk)) = (run("10000"), run("100000000"));
    assert!(calm_cost < hasty_cost && calm_risk > hasty_risk, "{hasty_cost} {calm_cost}");
}

#[test]
fn what_no_market_quotes_is_assumed_or_refused_by_name() {
    let scratch = Scratch::desk();
    let text = scratch.text("costs.toml");
    let planned = scratch.planned(&format!("{FILES} --flatten"));
    let by =
        |symbol: &str| rows(&planned, "unwind", ("symbol", symbol))[0]["quotes"].as_str().unwrap().to_owned();
    assert_eq!(by("BTC-PERPETUAL"), "quote");
    assert_eq!(by("BTC-USD-261225-100000-C"), "deribit", "the same contract is quoted there");
    assert_eq!(by("BTCUSDT"), "assumed");
    let start = text.find("[[unquoted]]").unwrap();
    scratch.write("costs.toml", &text[..start]);
    let args = format!("{FILES} --flatten --costs costs.toml");
    scratch.hedge(&args).refuses(
        3,
        &[
            "position = 'basis@bybit BTCUSDT'",
            "no market file quotes it",
            "[[unquoted]] of kind \"perpetual\"",
        ],
    );
    let partial = scratch.hedge(&format!("{args} --allow-partial"));
    assert_eq!(partial.code, 4, "{}", partial.err);
    assert!(partial.out.starts_with("PARTIAL") && partial.out.contains("Not unwound"), "{}", partial.out);
}

/// The law of impact has no time in it: a position that takes days because of its cap costs the same however few hours are asked for.
#[test]
fn who_takes_longer_gains_nothing_by_it() {
    let scratch = Scratch::desk();
    let costs = scratch.text("costs.toml");
    let impact = |hours: &str| {
        scratch.write("costs.toml", costs.replace("hours = 4.0 ", &format!("hours = {hours} ")));
        let planned = scratch.planned(&format!("{FILES} --flatten --costs costs.toml"));
        let leg = rows(&planned, "unwind", ("symbol", "BTC-25DEC26-92000-C"))[0].clone();
        assert!(leg["hours"].as_f64().unwrap() > 100.0, "{leg}");
        usd(&leg["impact_usd"])
    };
    let (four, one) = (impact("4.0"), impact("1.0"));
    // The same but for how much sooner the schedule trades.
    assert!((four / one - 1.0).abs() < 0.2, "{four} {one}");
}
