//! What cannot be planned is refused by name, with its reason, all at once.

use crate::FILES;
use crate::support::{Scratch, chain_column, chain_csv, chain_rows};

#[test]
fn a_book_needs_a_policy() {
    Scratch::desk().hedge("book.csv --market market.json").refuses(2, &["--policy FILE", "[[hedge]]"]);
}

#[test]
fn every_mistake_of_policy_and_costs_is_listed() {
    let scratch = Scratch::desk();
    let policy = scratch.text("policy.toml");
    scratch.write(
        "policy.toml",
        policy.replace("fee_bp = 5.0", "fee_bp = 5000.0").replacen("lot = \"10\"", "lot = \"none\"", 1),
    );
    scratch.hedge(FILES).refuses(3, &["policy.toml", "fee_bp", "lot"]);
    scratch.write("policy.toml", policy);
    let costs = scratch.text("costs.toml");
    scratch.write(
        "costs.toml",
        costs.replace("correlation = 0.8", "correlation = 8.0").replace("steps = 16", "steps = 0"),
    );
    scratch.hedge(&format!("{FILES} --costs costs.toml")).refuses(
        3,
        &["the file of costs has 2 mistakes", "risk.correlation = '8': from 0 to 1", "unwind.steps"],
    );
    scratch.hedge(&format!("{FILES} --costs absent.toml")).refuses(3, &["absent.toml: cannot read"]);
}

#[test]
fn an_old_quote_is_refused_with_its_age() {
    let scratch = Scratch::desk();
    let args = format!("{FILES} --at 2026-11-20T13:00:00Z");
    scratch.hedge(&args).refuses(
        3,
        &["rules that cannot be followed: 2", "rule = 'btc delta'", "3600 s old", "the policy allows 300 s"],
    );
    // Within what the policy allows.
    let young = scratch.hedge(&format!("{FILES} --at 2026-11-20T12:04:00Z"));
    assert_eq!(young.code, 0, "{}", young.err);
}

/// The sample market with cells of the perpetual on BTC replaced.
fn market(scratch: &Scratch, cells: &[(&str, &str)]) {
    let text = scratch.text("market.json");
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let mut line = line.to_owned();
            if line.contains("\"BTC-PERPETUAL\"") {
                for (from, to) in cells {
                    assert!(line.contains(from), "{line}");
                    line = line.replace(from, to);
                }
            }
            line
        })
        .collect();
    scratch.write("market.json", lines.join("\n"));
}

#[test]
fn without_bid_or_ask_an_instrument_is_refused_and_another_may_be_chosen() {
    let scratch = Scratch::desk();
    market(
        &scratch,
        &[("\"bid_price\":93038.6", "\"bid_price\":null"), ("\"ask_price\":93042.28", "\"ask_price\":null")],
    );
    scratch.hedge(FILES).refuses(
        3,
        &["rules that cannot be followed: 1", "deribit BTC-PERPETUAL: no liquidity: neither bid nor ask"],
    );
    let partial = scratch.hedge(&format!("{FILES} --allow-partial --format json"));
    assert_eq!(partial.code, 4, "{}", partial.err);
    let json = partial.json();
    assert_eq!(json["partial"], true);
    assert_eq!(json["refused"][0]["name"], "btc delta");
    assert_eq!(json["trades"].as_array().unwrap().len(), 1, "the other rule is planned");
    let chosen = scratch.planned(&format!("{FILES} --choose"));
    assert_ne!(chosen["trades"][0]["symbol"], "BTC-PERPETUAL");
    let refused = chosen["refused"].as_array().unwrap();
    assert!(refused.iter().any(|row| row["name"] == "deribit BTC-PERPETUAL"), "{refused:?}");
}

/// Told to be nothing is something else than not told: no assumption stands in for it.
#[test]
fn what_did_not_trade_is_no_hedge() {
    let scratch = Scratch::desk();
    market(&scratch, &[("\"volume\":3464.0", "\"volume\":0.0")]);
    scratch.hedge(FILES).refuses(3, &["deribit BTC-PERPETUAL: no liquidity: nothing traded in 24 hours"]);
}

#[test]
fn crossed_quotes_and_spreads_beyond_the_slippage_are_refused() {
    let scratch = Scratch::desk();
    market(&scratch, &[("\"ask_price\":93042.28", "\"ask_price\":93000.0")]);
    scratch.hedge(FILES).refuses(3, &["bid 93038.6 is above ask 93000"]);
    let scratch = Scratch::desk();
    market(&scratch, &[("\"ask_price\":93042.28", "\"ask_price\":94000.0")]);
    scratch.hedge(FILES).refuses(3, &["half the spread of BTC-PERPETUAL is 51.4 bp", "allowed 15.0 bp"]);
}

#[test]
fn an_underlying_without_any_instrument_is_named() {
    let scratch = Scratch::desk();
    let name = chain_column("instrument_name");
    let kept = chain_rows(crate::support::SAMPLE_TIME).into_iter().filter(|row| {
        let parts = row[name].split('-').count();
        parts > 2 || row[name].starts_with("BTC")
    });
    let kept: Vec<Vec<String>> = kept.collect();
    scratch.write("chain.csv", chain_csv(&kept));
    let args = "book.csv --market chain.csv --policy policy.toml --rate USDC=1 --rate USDT=1 --allow-partial";
    let ran = scratch.hedge(&format!("{args} --choose --format json"));
    assert_eq!(ran.code, 4, "{}", ran.err);
    let json = ran.json();
    let why = json["refused"].as_array().unwrap().iter().find(|row| row["name"] == "eth delta").unwrap();
    assert!(why["reason"].as_str().unwrap().contains("quote no perpetual and no future on ETH"), "{why}");
}

#[test]
fn a_policy_without_bounds_or_rules_plans_nothing() {
    let scratch = Scratch::desk();
    let policy = scratch.text("policy.toml");
    let (start, end) = (policy.find("[orders]").unwrap(), policy.find("[[trading]]").unwrap());
    scratch.write("policy.toml", format!("{}{}", &policy[..start], &policy[end..]));
    scratch.hedge(FILES).refuses(3, &["policy.toml, orders: hedges need [orders]"]);
    scratch.write("policy.toml", &policy[..policy.find("[[hedge]]").unwrap()]);
    scratch.hedge(FILES).refuses(3, &["the policy has no [[hedge]] rule"]);
}
