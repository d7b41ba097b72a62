//! The sample in every format, and figures recomputed from others that are printed beside them.

use crate::support::{Scratch, column, csv_rows, sample_market};
use crate::{expiries, number};
use serde_json::Value;

#[test]
fn the_sample_is_fitted_whole_and_free_of_arbitrage() {
    let json = Scratch::empty().surfaces("");
    assert_eq!(
        (json["schema"].as_str(), json["partial"].as_bool()),
        (Some("plimsoll.surface/1"), Some(false))
    );
    for surface in json["surfaces"].as_array().unwrap() {
        let arbitrage = &surface["arbitrage"];
        assert_eq!((&arbitrage["free"], &arbitrage["wings_ordered"]), (&true.into(), &true.into()));
        assert!(number(&arbitrage["least_g"]) >= -1e-10 && number(&arbitrage["least_calendar_gap"]) >= 0.0);
    }
    let all = expiries(&json);
    assert!(all.len() > 5);
    for (name, expiry) in all {
        assert_eq!(expiry["status"], "ok", "{name} {}: {}", expiry["expiry"], expiry["reason"]);
        let quotes = expiry["quotes"].as_array().unwrap();
        let dropped = quotes.iter().filter(|quote| !quote["dropped"].is_null()).count();
        let counts = (expiry["quotes_fitted"].as_u64().unwrap(), expiry["quotes_dropped"].as_u64().unwrap());
        assert_eq!(counts, ((quotes.len() - dropped) as u64, dropped as u64), "every quote has its fate");
        let by_reason: u64 =
            expiry["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(by_reason, dropped as u64);
    }
}

/// Total variance of the printed parameters.
fn variance(expiry: &Value, k: f64) -> f64 {
    let [a, b, rho, m, sigma] = ["a", "b", "rho", "m", "sigma"].map(|name| number(&expiry["svi"][name]));
    let own = a + b * (rho * (k - m) + ((k - m) * (k - m) + sigma * sigma).sqrt());
    own + correction(&expiry["correction"], k)
}

/// The cubic of its piece; nothing outside.
fn correction(printed: &Value, k: f64) -> f64 {
    let Some(cubics) = printed["cubics"].as_array() else { return 0.0 };
    let x = (k - number(&printed["from"])) / number(&printed["spacing"]);
    if x < 0.0 {
        return 0.0;
    }
    let Some(cubic) = cubics.get(x as usize) else { return 0.0 };
    let [p, q, r, s] = [0, 1, 2, 3].map(|power| number(&cubic[power]));
    let u = x - x.floor();
    p + u * (q + u * (r + u * s))
}

#[test]
fn figures_follow_from_the_printed_parameters() {
    let json = Scratch::empty().surfaces("");
    let mut before: Option<(String, f64, f64)> = None;
    for (name, expiry) in expiries(&json) {
        let years = number(&expiry["days"]) / 365.0;
        let vol = |k: f64| (variance(expiry, k) / years).sqrt();
        // Parameters and days are printed to their last bit: what is left is rounding of a few operations.
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{name} {}: {a} {b}", expiry["expiry"]);
        near(number(&expiry["atm_vol"]), vol(0.0));
        let quotes = expiry["quotes"].as_array().unwrap();
        let fitted: Vec<f64> = quotes
            .iter()
            .filter(|quote| quote["dropped"].is_null())
            .map(|quote| number(&quote["log_moneyness"]))
            .collect();
        let mut by_delta = std::collections::BTreeMap::new();
        for point in expiry["grid"].as_array().unwrap() {
            let k = number(&point["log_moneyness"]);
            near(number(&point["vol"]), vol(k));
            near(number(&point["strike"]) / number(&expiry["forward"]), pricing::kernel::exp(k));
            let within = fitted.iter().any(|low| *low <= k) && fitted.iter().any(|high| *high >= k);
            assert_eq!(point["extrapolated"], !within, "{name} {}", point["delta"]);
            by_delta.insert(point["delta"].as_str().unwrap(), number(&point["vol"]));
        }
        let (put, call) = (by_delta["25P"], by_delta["25C"]);
        near(number(&expiry["risk_reversal_25d_points"]) / 100.0, call - put);
        near(number(&expiry["butterfly_25d_points"]) / 100.0, 0.5 * (call + put) - by_delta["ATM"]);
        let at_the_money = variance(expiry, 0.0);
        match &before {
            Some((surface, early, low)) if *surface == name => {
                near(number(&expiry["forward_atm_vol"]), ((at_the_money - low) / (years - early)).sqrt());
            }
            _ => assert!(expiry["forward_atm_vol"].is_null()),
        }
        before = Some((name.clone(), years, at_the_money));
        for quote in quotes {
            near(number(&quote["model_vol"]), vol(number(&quote["log_moneyness"])));
            if quote["dropped"].is_null() {
                let [bid, mid, ask] = ["bid_vol", "mid_vol", "ask_vol"].map(|side| quote[side].as_f64());
                assert!(bid.is_none_or(|bid| Some(bid) <= mid) && ask.is_none_or(|ask| mid <= Some(ask)));
            }
        }
    }
}

#[test]
fn files_and_the_embedded_sample_are_one() {
    let scratch = Scratch::sample();
    let (embedded, file) = (scratch.surfaces(""), scratch.surfaces("--market market.json"));
    assert_eq!(embedded["surfaces"], file["surfaces"]);
    let btc = scratch.surfaces("--underlying BTC");
    let names = |json: &Value| -> Vec<String> {
        json["surfaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["underlying"].as_str().unwrap().into())
            .collect()
    };
    assert!(names(&btc).iter().all(|name| name == "BTC") && names(&file).iter().any(|name| name != "BTC"));
}

#[test]
fn the_table_fits_a_hundred_columns_and_has_every_part() {
    let scratch = Scratch::empty();
    let text = scratch.surface("").succeeds();
    for part in
        ["Arbitrage", "BTC in USD: fit", "term structure and smile", "25Δ RR", "not fitted, by reason"]
    {
        assert!(text.contains(part), "no '{part}' in\n{text}");
    }
    assert!(!text.contains("SVI parameters"));
    let is_table = |line: &&str| !line.contains("  ·  ") && !line.starts_with("  ");
    for line in text.lines().filter(is_table) {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
    }
    let detail = scratch.surface("--detail").succeeds();
    assert!(detail.contains("SVI parameters") && detail.contains('ψ'));
}

#[test]
fn tables_have_a_row_for_each_thing() {
    let scratch = Scratch::empty();
    let json = scratch.surfaces("");
    scratch.surface("--format csv --output tables").succeeds();
    let of = |name: &str| csv_rows(&scratch.text(&format!("tables/{name}.csv")));
    let (fits, quotes, grid) = (of("fits"), of("quotes"), of("grid"));
    let all = expiries(&json);
    assert_eq!(fits.len() - 1, all.len());
    let quoted: usize = all.iter().map(|(_, expiry)| expiry["quotes"].as_array().unwrap().len()).sum();
    assert_eq!((quotes.len() - 1, grid.len() - 1), (quoted, 11 * all.len()));
    let atm = column(&fits, "atm_vol");
    for (row, (_, expiry)) in fits[1..].iter().zip(&all) {
        assert_eq!(row[atm].parse::<f64>().unwrap().to_bits(), number(&expiry["atm_vol"]).to_bits());
    }
    scratch.surface("--format parquet --output parquet").succeeds();
    assert!(scratch.path("parquet/grid.parquet").exists());
    scratch.surface("--table grid").refuses(2, &["--table goes with --format csv or parquet"]);
}

#[test]
fn the_page_is_self_contained_and_draws_every_expiry() {
    let scratch = Scratch::empty();
    let json = scratch.surfaces("");
    let page = scratch.surface("--format html").succeeds();
    let (figures, surfaces) = (expiries(&json).len(), json["surfaces"].as_array().unwrap().len());
    assert_eq!(page.matches("<svg class=\"payoff smile\"").count(), figures + surfaces);
    for outside in ["<script", "href=\"http", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf,"), "every coordinate is a number");
    assert_eq!(page, scratch.surface("--format html").succeeds(), "the same bytes");
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let scratch = Scratch::sample();
    let mut market: Value = serde_json::from_str(&sample_market()).unwrap();
    let rows = market["result"].as_array().unwrap().clone();
    market["result"] = crate::support::shuffled(&rows, 7).into();
    scratch.write("shuffled.json", market.to_string());
    let surfaces = |file: &str| scratch.surfaces(&format!("--market {file}"))["surfaces"].clone();
    assert_eq!(surfaces("market.json"), surfaces("shuffled.json"));
}

#[test]
fn help_has_examples() {
    let help = Scratch::empty().run(&["surface", "--help"]).succeeds();
    assert!(help.contains("plimsoll surface --market chain.parquet --at") && help.contains("--underlying"));
}
