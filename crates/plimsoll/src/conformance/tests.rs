//! The suites on the shared vectors and recordings, and proof that each can fail.
//!
//! `PLIMSOLL_SHARED` names the folder of shared data, by default beside the repository. `PLIMSOLL_FULL=1` compares every
//! snapshot instead of every twentieth.
#![allow(clippy::disallowed_methods)] // tests may be told where data are and how thorough to be

use super::result::{Comparison, Group, Role, distribution};
use super::{ConformanceError, SUITES, Snapshots, Sources, SuiteResult, json, passed, run, table};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const SAMPLED: usize = 20;

/// The shared folder, or nothing where it is absent (then says so; fails on CI).
pub(super) fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder = std::env::var("PLIMSOLL_SHARED").map_or_else(|_| beside(), PathBuf::from);
    if folder.join("vectors/pricing").is_dir() && folder.join("data/chains").is_dir() {
        return Some(folder);
    }
    // Straight to standard error: the test harness swallows what a passing test prints.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("conformance suites did not run: {} is absent\n", folder.display()),
    );
    assert!(std::env::var("CI").is_err(), "shared data must be present on CI");
    None
}

pub(super) fn sources(vectors: &Path, chains: &Path) -> Sources {
    let full = std::env::var("PLIMSOLL_FULL").is_ok_and(|value| value == "1");
    let snapshots =
        if full { Snapshots::All } else { Snapshots::EveryNth(NonZeroUsize::new(SAMPLED).unwrap()) };
    Sources { vectors: vectors.to_owned(), chains: chains.to_owned(), snapshots }
}

pub(super) fn run_one(suite: &str, sources: &Sources) -> SuiteResult {
    run(&[suite.to_owned()], sources, &mut |_| {}).unwrap().remove(0)
}

/// An empty folder of this test's own.
pub(super) fn folder(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-conformance-{}-{test}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("pricing")).unwrap();
    folder
}

pub(super) fn failure_names(result: &SuiteResult) -> Vec<&str> {
    result.groups.iter().flat_map(|group| &group.failures).map(|failure| failure.name.as_str()).collect()
}

#[test]
fn all_suites_pass_on_the_shared_data() {
    let Some(shared) = shared() else { return };
    let sources = sources(&shared.join("vectors"), &shared.join("data/chains"));
    let mut last = 0;
    let results = run(&[], &sources, &mut |progress| {
        assert!(progress.bytes_done <= progress.bytes_total, "{progress:?}");
        last = progress.bytes_done;
    })
    .unwrap();
    println!("{}", table(&results));
    assert!(passed(&results), "see the table above");
    assert!(last > 0, "progress was reported");
    for result in &results {
        assert!(result.groups.iter().all(|group| group.role == Role::Informative
            || group.tolerance_reason.len() > 10
            || group.not_run.is_some()));
    }
}

#[test]
fn the_sample_has_twenty_snapshots_and_the_crash_of_february() {
    let Some(shared) = shared() else { return };
    let mut chosen = Vec::new();
    for month in ["202512", "202601", "202602", "202603", "202604", "202605"] {
        let path = shared.join(format!("data/chains/deribit_{month}.parquet"));
        let listing = lake::snapshots(&path, &mut |_| {}).unwrap();
        chosen.extend(listing.snapshots.iter().step_by(SAMPLED).map(|snapshot| snapshot.asof));
    }
    assert!(chosen.len() >= 20, "{}", chosen.len());
    let crash = "2026-02-05".parse().unwrap().."2026-02-07".parse().unwrap();
    assert!(chosen.iter().any(|asof| crash.contains(asof)), "{chosen:?}");
}

#[test]
fn a_corrupted_vector_fails_by_name() {
    let Some(shared) = shared() else { return };
    let copy = folder("vector");
    for file in std::fs::read_dir(shared.join("vectors/pricing")).unwrap() {
        let file = file.unwrap();
        std::fs::write(copy.join("pricing").join(file.file_name()), std::fs::read(file.path()).unwrap())
            .unwrap();
    }
    let path = copy.join("pricing/haug_european_values.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("2.4648"));
    // One unit of the third decimal, ten times the tolerance.
    std::fs::write(&path, text.replacen("2.4648", "2.4658", 1)).unwrap();
    let result = run_one("pricing", &sources(&copy, &copy));
    assert!(!result.passed());
    assert_eq!(failure_names(&result), ["cases[1]: P spot 100 strike 95 t 0.5 vol 0.2"]);
    assert!(table(&[result]).contains("FAILED cases[1]: P spot 100 strike 95"));
    std::fs::remove_dir_all(copy).unwrap();
}

#[test]
fn a_corrupted_greek_fails_by_row() {
    let Some(shared) = shared() else { return };
    let copy = folder("ticker").join("tickers.csv");
    let text = std::fs::read_to_string(shared.join("data/chains/bottama_20210211_btc_tickers.csv")).unwrap();
    // Delta of the second row: one unit of the third decimal.
    assert!(text.contains(",0.09553,"));
    std::fs::write(&copy, text.replacen(",0.09553,", ",0.09653,", 1)).unwrap();
    let result = run_one("deribit-chain", &sources(&copy, &copy));
    assert_eq!(failure_names(&result), ["row 2 BTC-5MAR21-57500-C"]);
    std::fs::remove_file(copy).unwrap();
}

/// One wrong digit, far above the tolerance of the suite, in each kind of figure of the two suites.
#[test]
fn wrong_figures_of_okx_and_span_fail_by_name() {
    let Some(shared) = shared() else { return };
    let answer = "okx_position_builder_2025-01-15.json";
    let examples = "documented_examples.json";
    for (suite, file, right, wrong, failed) in [
        ("okx-pm", answer, "\"mr4\":19.4098", "\"mr4\":19.4099", "BTC mr4"),
        ("okx-pm", answer, "\"mr7\":7.1367", "\"mr7\":7.1368", "LTC mr7"),
        ("okx-pm", answer, "\"-0.08\":776.2739", "\"-0.08\":776.2738", "BTC mr1 at -0.08"),
        ("okx-pm", answer, "\"imr\":249.1618", "\"imr\":249.1619", "LTC imr"),
        ("okx-pm", answer, "\"totalMmr\":2946.5480", "\"totalMmr\":2946.5481", "account totalMmr"),
        ("okx-pm", answer, "\"borrowImr\":7855.32", "\"borrowImr\":7855.33", "account borrowImr"),
        ("okx-pm", examples, "\"mmr\": 8053.32", "\"mmr\": 8053.33", "mmr"),
        ("okx-pm", examples, "\"mr9\": 202500", "\"mr9\": 202501", "10000000 USD of USDT against USD"),
        (
            "span",
            examples,
            "\"covered_write\": 6620",
            "\"covered_write\": 6610",
            "covered_write scanning risk",
        ),
        ("span", examples, "\"-15%\": -3380", "\"-15%\": -3381", "P&L at -15%"),
        ("span", examples, "\"contingency\": 134.6", "\"contingency\": 134.7", "futures contingency"),
    ] {
        let copy = folder(suite);
        std::fs::create_dir_all(copy.join("exchange")).unwrap();
        let text = std::fs::read_to_string(shared.join("vectors/exchange").join(file)).unwrap();
        assert_eq!(text.matches(right).count(), 1, "{file} should have {right} once");
        std::fs::write(copy.join("exchange").join(file), text.replacen(right, wrong, 1)).unwrap();
        let result = run_one(suite, &sources(&copy, &copy));
        let failures = failure_names(&result);
        assert!(failures.contains(&failed), "{suite} {wrong}: {failures:?}");
        assert!(failures.len() <= 2, "{suite} {wrong}: {failures:?}");
        std::fs::remove_dir_all(copy).unwrap();
    }
}

/// One wrong digit in each kind of figure of the suites on measures.
#[test]
fn wrong_figures_of_backtests_and_stress_fail_by_name() {
    let Some(shared) = shared() else { return };
    let (backtests, stress) = ("forecast/backtest_vectors.json", "mitigation/mitigation_2.json");
    let execution = "mitigation/mitigation_1.json";
    for (suite, file, right, wrong, failed) in [
        ("var-backtests", backtests, "3.498776675481608", "3.498776775481608", "POF_T252_x6_p0.01"),
        ("var-backtests", backtests, "3.7141601611596694e-07", "3.7141601611596694e-05", "IND_244_2_2_4"),
        (
            "var-backtests",
            backtests,
            "0.8921876269036251",
            "0.8921876369036251",
            "traffic_light_cum_prob_T250_p01: 4",
        ),
        ("stress-explain", stress, "2.72443156834039", "2.72443166834039", "linear: distance"),
        ("stress-explain", stress, "-0.08354452486533227", "-0.08354552486533227", "delta-gamma: x[0]"),
        ("stress-explain", stress, "1.7043543172858597", "1.7043543272858597", "term vega"),
        ("stress-explain", stress, "-0.05227002833456851", "-0.05227003833456851", "term residual"),
        ("almgren-chriss", execution, "0.6070761632470627", "0.6070761732470627", "kappa"),
        ("almgren-chriss", execution, "289854.2194099351", "289854.2294099351", "x[2]"),
        ("lvr", execution, "0.8549159519308367", "0.8549159519408367", "10min, 5bp"),
        ("lvr", execution, "7.384521782250967e-08", "6.384521782250967e-08", "lvr_mc[0]"),
    ] {
        let copy = folder(suite);
        std::fs::create_dir_all(copy.join(file).parent().unwrap()).unwrap();
        let text = std::fs::read_to_string(shared.join("vectors").join(file)).unwrap();
        assert_eq!(text.matches(right).count(), 1, "{file} should have {right} once");
        std::fs::write(copy.join(file), text.replacen(right, wrong, 1)).unwrap();
        let result = run_one(suite, &sources(&copy, &copy));
        let failures = failure_names(&result);
        assert!(failures.contains(&failed) && failures.len() <= 2, "{suite} {wrong}: {failures:?}");
        std::fs::write(copy.join(file), "{}").unwrap();
        assert!(!run_one(suite, &sources(&copy, &copy)).passed(), "a file without cases passes nothing");
        std::fs::remove_dir_all(copy).unwrap();
    }
}

/// A folder whose only file is this one of documented margin examples.
fn documented(test: &str, text: &str) -> PathBuf {
    let copy = folder(test);
    std::fs::create_dir_all(copy.join("exchange")).unwrap();
    std::fs::write(copy.join("exchange/documented_examples.json"), text).unwrap();
    copy
}

#[test]
fn a_corrupted_margin_example_fails_by_name() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("vectors/exchange/documented_examples.json")).unwrap();
    // One example of each engine call: a printed requirement, a rate and a delta, each off by its last digit.
    for (right, wrong, failed) in [
        ("\"mm\": 938,", "\"mm\": 937,", "case mm"),
        ("\"im_per\": 212.2,", "\"im_per\": 212.1,", "ETH-USDT-17NOV23-1850-P im_per"),
        ("\"mm_rate\": 0.01125,", "\"mm_rate\": 0.01126,", "cases[1]: BTC_USDC 25 mm_rate"),
        ("\"settlement\": 250,", "\"settlement\": 251,", "case settlement"),
        ("\"net_delta\": 0.35", "\"net_delta\": 0.36", "case net_delta"),
        ("\"ntd\": 0.4,", "\"ntd\": 0.5,", "cases[0] ntd"),
    ] {
        assert!(text.contains(right), "{right}");
        let copy = documented("documented", &text.replacen(right, wrong, 1));
        let result = run_one("documented-margin", &sources(&copy, &copy));
        assert_eq!(failure_names(&result), [failed]);
        std::fs::remove_dir_all(copy).unwrap();
    }
}

#[test]
fn margin_examples_at_fault_fail_and_strangers_are_counted() {
    let text = r#"{"bybit_cross_option_margin": {"case": {"index": 20250}}, "deribit_delta_decay": {},
        "deribit_net_transaction_delta": {"cases": []}, "okx_mr9_example": {}, "new_venue": {}}"#;
    let copy = documented("documented-fault", text);
    let result = run_one("documented-margin", &sources(&copy, &copy));
    assert_eq!(
        failure_names(&result),
        ["deribit_delta_decay", "deribit_net_transaction_delta", "bybit_cross_option_margin"]
    );
    let not_compared: Vec<&String> = result.groups.iter().flat_map(|g| g.not_compared.keys()).collect();
    assert_eq!(
        not_compared,
        ["new_venue: no suite knows this example", "okx_mr9_example: belongs to suite okx-pm"]
    );
    assert_eq!(result.groups.iter().filter(|group| group.not_run.is_some()).count(), 3);
    std::fs::remove_dir_all(copy).unwrap();
}

#[test]
fn a_corrupted_tier_example_fails_by_name() {
    let Some(shared) = shared() else { return };
    let copy = folder("margin-example");
    std::fs::create_dir_all(copy.join("exchange")).unwrap();
    let text = std::fs::read_to_string(shared.join("vectors/exchange/documented_examples.json")).unwrap();
    // One unit of the fifth digit of a maintenance margin.
    assert!(text.contains("71200.81144"));
    let wrong = text.replacen("71200.81144", "71201.81144", 1);
    std::fs::write(copy.join("exchange/documented_examples.json"), wrong).unwrap();
    let result = run_one("tiered-margin", &sources(&copy, &copy));
    assert_eq!(failure_names(&result), ["BTC, shipped table"]);
    std::fs::remove_dir_all(copy).unwrap();
}

/// Two accounts written here: one coin at 40x, the other at 10x and 5x above 50,000.
#[test]
fn hyperliquid_states_of_ones_own_are_compared_and_a_wrong_price_fails() {
    let copy = folder("hyperliquid").join("exchange/hyperliquid_states");
    std::fs::create_dir_all(&copy).unwrap();
    let meta = r#"{"universe":[{"name":"AAA","maxLeverage":10,"marginTableId":60},{"name":"BBB","maxLeverage":40,"marginTableId":40}],
        "marginTables":[[60,{"marginTiers":[{"lowerBound":"0","maxLeverage":10},{"lowerBound":"50000","maxLeverage":5}]}]]}"#;
    std::fs::write(copy.join("meta_own.json"), meta).unwrap();
    // 1000 AAA at 100, entered at 90, in a wallet of 40,000 with the gain; raw = 40,000 - 100,000. Maintenance 50,000/20 +
    // 50,000/10 = 7,500. Price P: 40,000 + 1000 (P - 100) = 1000 P/10 - 2500, so P = 57,500/900.
    let write = |price: &str| {
        let summary = r#"{"accountValue":"40000","totalNtlPos":"100000","totalRawUsd":"-60000","totalMarginUsed":"20000"}"#;
        let account = format!(
            r#"{{"marginSummary":{summary},"crossMarginSummary":{summary},"crossMaintenanceMarginUsed":"7500","withdrawable":"20000",
            "time":1791480973789,"assetPositions":[{{"position":{{"coin":"AAA","szi":"1000","leverage":{{"type":"cross","value":5}},
            "entryPx":"90","positionValue":"100000","unrealizedPnl":"10000","liquidationPx":{price},"marginUsed":"20000",
            "maxLeverage":10}}}}]}}"#
        );
        std::fs::write(copy.join("clearinghouse_own.json"), account).unwrap();
        let vectors = copy.parent().unwrap().parent().unwrap();
        run_one("hyperliquid-states", &sources(vectors, vectors))
    };
    let right = write("\"63.8888888889\"");
    assert!(right.passed(), "{}", table(std::slice::from_ref(&right)));
    // Account value by the ledger and by the engine, maintenance, margin of the position and its sum, price, withdrawable.
    assert_eq!(right.cases(), 2 + 1 + 1 + 1 + 2 + 1 + 1);
    assert_eq!(failure_names(&write("\"63.8889\"")), ["clearinghouse_own.json AAA"]);
    assert_eq!(failure_names(&write("null")), ["clearinghouse_own.json AAA"]);
    std::fs::remove_dir_all(copy.parent().unwrap().parent().unwrap()).unwrap();
}

/// A copy of one suite's vectors in a folder of its own, with one text in one file replaced.
fn spoilt(suite: &str, file: &str, replacement: (&str, &str)) -> Option<SuiteResult> {
    let vectors = shared()?.join("vectors").join(suite);
    let copy = folder(suite);
    std::fs::create_dir_all(copy.join(suite)).unwrap();
    for entry in std::fs::read_dir(vectors).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let (right, wrong) = if entry.file_name() == file { replacement } else { ("", "") };
        assert!(text.contains(right), "{file} should have {right}");
        let text = if right.is_empty() { text } else { text.replacen(right, wrong, 1) };
        std::fs::write(copy.join(suite).join(entry.file_name()), text).unwrap();
    }
    let result = run_one(suite, &sources(&copy, &copy));
    std::fs::remove_dir_all(copy).unwrap();
    Some(result)
}

#[test]
fn integer_suites_fail_on_the_last_unit() {
    let cases = [
        ("dydx", "bankruptcy_price.json", ("\"expected\": 2776,", "\"expected\": 2777,"), "cases[11]"),
        ("dydx", "fillable_price.json", ("\"num\": 4999999999", "\"num\": 4999999998"), "cases[13]"),
        ("dydx", "net_collateral_margin.json", ("perptypes.Err", "other.Err"), "cases[7]"),
        ("drift", "liquidation_math.json", ("449984250", "449984251"), "cases[6]"),
        ("drift", "account_margin.json", ("50000010000", "50000010001"), "cases[0]"),
        // Ten times the tolerance.
        ("mango", "health_cases.json", ("30.4", "30.4000001"), "cases[2]"),
    ];
    for (suite, file, replacement, case) in cases {
        let Some(result) = spoilt(suite, file, replacement) else { return };
        let failures = failure_names(&result);
        assert!(!result.passed(), "{suite} {file}");
        assert!(failures.len() == 1 && failures[0].starts_with(case), "{suite} {file}: {failures:?}");
    }
}

/// One short call in the money without vol, worth 100, a perpetual and collateral; figures in units of 1e-18 USD.
const SRM_CASE: &str = r#"{"Test1": {"Scenario": {
    "OptionUnderlying": ["ETH"], "OptionExpiries": [500400], "OptionStrikes": [1400000000000000000000],
    "OptionIsCall": [1], "OptionAmounts": [-1000000000000000000], "OptionVols": [0],
    "OptionVolConfidences": [1000000000000000000], "Cash": 7000000000000000000, "Perps_ETH": 2000000000000000000,
    "Perps_BTC": 0, "wETH": 3000000000000000000, "wBTC": 0, "LastEntryETH": 1490000000000000000000,
    "LastEntryBTC": null, "ETHGlobalFundingIndex": 4000000000000000000, "BTCGlobalFundingIndex": 0,
    "AccountETHFundingIndex": 1000000000000000000, "AccountBTCFundingIndex": null,
    "ETHSpotPrice": 1500000000000000000000, "BTCSpotPrice": 28000000000000000000000,
    "SpotPerpConfidences": [[1000000000000000000, 300000000000000000], [1000000000000000000, 1000000000000000000]],
    "FeedExpiries": [500400], "Forwards": [1500000000000000000000], "ForwardConfidences": [1000000000000000000],
    "Discounts": [30000000000000000], "DiscountConfidences": [1000000000000000000],
    "USDCValue": 880000000000000000, "SVIParams": [1, 1.5, -0.1, -0.05, 0.05],
    "PerpPrice": [1510000000000000000000, 27990000000000000000000], "SettlementPriceETH": 1500000000000000000000,
    "SettlementPriceBTC": null, "PercentFixedETH": 0, "PercentFixedBTC": 0, "TWAP_ETH": 0, "TWAP_BTC": 0},
  "Result": {FIGURES}}}"#;

/// What the rules make of it, USD.
fn srm_figures() -> Vec<(&'static str, f64)> {
    let (isolated_mm, isolated_im) = (-100.0 - 0.075 * 1500.0, -100.0 - 0.15 * 1500.0);
    let (gain, funding) = (2.0 * (1510.0 - 1490.0), 2.0 * (1.0 - 4.0));
    let (perp_mm, perp_im) = (-2.0 * 1510.0 * 0.05, -2.0 * 1510.0 * 0.065);
    let base = 3.0 * 1500.0 * 0.1;
    let oracle = -(1.0 - 0.3) * 0.4 * 1500.0 * 2.0;
    let depeg = -(0.98 - 0.88) * 1.2 * 1500.0 * (2.0 + 1.0);
    let mm = 7.0 + isolated_mm + perp_mm + gain + funding + base;
    let im = 7.0 + isolated_im + perp_im + gain + funding + base + oracle + depeg;
    vec![
        ("ETHOptionMM", isolated_mm),
        ("ETHOptionIM", isolated_im),
        ("BTCOptionMM", 0.0),
        ("BTCOptionIM", 0.0),
        ("ETHOptionIsolatedMM", isolated_mm),
        ("ETHOptionIsolatedIM", isolated_im),
        ("ETHOptionBoundedMM", -1500.0 * 1.1),
        ("ETHOptionBoundedIM", -1500.0 * 1.2),
        ("BTCOptionIsolatedMM", 0.0),
        ("BTCOptionIsolatedIM", 0.0),
        ("BTCOptionBoundedMM", 0.0),
        ("BTCOptionBoundedIM", 0.0),
        ("PortfolioMtM", 7.0 - 100.0 + gain + funding + 3.0 * 1500.0 / 0.88),
        ("UnrealizedPNL", gain),
        ("UnsettledFunding", funding),
        ("PerpMargin", perp_mm),
        ("OracleConts", oracle),
        ("DepegIMs", depeg),
        ("BaseMargin", base),
        ("Cash", 7.0),
        ("HandMM", mm),
        ("HandIM", im),
        ("realMM", mm),
        ("realIM", im),
    ]
}

fn srm_result(figures: &[(&'static str, f64)]) -> SuiteResult {
    let fields: Vec<String> =
        figures.iter().map(|(name, usd)| format!("\"{name}\": {}", usd * 1e18)).collect();
    srm_files("srm-figure", &[("srm_test-cases.json", SRM_CASE.replace("FIGURES", &fields.join(", ")))])
}

fn srm_files(test: &str, files: &[(&str, String)]) -> SuiteResult {
    let folder = folder(test);
    std::fs::create_dir_all(folder.join("derive")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join("derive").join(name), text).unwrap();
    }
    let result = run_one("derive-srm", &sources(&folder, &folder));
    std::fs::remove_dir_all(folder).unwrap();
    result
}

#[test]
fn each_wrong_figure_of_the_standard_manager_fails_by_name() {
    let right = srm_figures();
    let result = srm_result(&right);
    assert_eq!(failure_names(&result), Vec::<&str>::new());
    // 24 figures and the settlement price.
    assert_eq!((result.cases(), result.passed()), (25, true));
    for wrong in 0..right.len() {
        let mut figures = right.clone();
        figures[wrong].1 += 1e-4;
        let name = format!("Test1 {}", figures[wrong].0);
        assert_eq!(failure_names(&srm_result(&figures)), [name.as_str()]);
    }
    let renamed: Vec<_> =
        right.iter().map(|(name, usd)| (if *name == "Cash" { "Change" } else { *name }, *usd)).collect();
    let result = srm_result(&renamed);
    assert_eq!(failure_names(&result), ["Test1"]);
    assert!(table(&[result]).contains("unknown field `Change`"));
}

#[test]
fn a_dollar_too_many_fails_by_name() {
    // A long perpetual of one coin: 40 USD of gain less 5 and 6.5 % of 1,000, and the same as truncated dollars.
    let feeds = r#"{"spot": 1000.0, "conf": 1.0, "perp": 1000.0, "perpconf": 1.0, "fwd": {}, "vol": {}}"#;
    let file = |im: f64| {
        format!(
            r#"{{"note": "1e8 fixed", "expiry_seconds": {{}}, "cases": [{{"name": "long", "portfolio": {{"options": [],
            "perps": [{{"amount": 100000000, "entryPrice": 96000000000, "underlying": "eth"}}], "bases": [], "cash": 0}},
            "environment": {{"stable": 1.0, "eth": {feeds}, "btc": {feeds}, "vol_default": [0.5, 1.0], "rate": 0.02}},
            "expected": {{"im": {im}, "mm": -10, "unit": "whole USD, truncated toward zero"}}}}]}}"#
        )
    };
    let run = |im| srm_files("srm-dollar", &[("portfolio_srm_with_environment.json", file(im))]);
    let right = run(-25.0);
    assert!(right.passed(), "{}", table(&[right]));
    assert_eq!(failure_names(&run(-26.0)), ["long im"]);
    assert_eq!(failure_names(&run(-24.0)), ["long im"]);
}

#[test]
fn what_did_not_run_does_not_pass() {
    let empty = folder("empty");
    let results = run(&[], &sources(&empty, &empty), &mut |_| {}).unwrap();
    assert!(!passed(&results));
    assert!(!passed(&[]));
    let text = table(&results);
    assert_eq!(text.matches("RAN NOTHING").count(), SUITES.len(), "{text}");
    assert!(text.contains("did not run: the file is absent"), "{text}");
    std::fs::remove_dir_all(empty).unwrap();
}

#[test]
fn files_at_fault_are_failures_and_strangers_are_listed() {
    let bad = folder("bad");
    std::fs::write(bad.join("pricing/haug_european_greeks.json"), "{\"cases\": [{\"greek\": \"delta\"}]}")
        .unwrap();
    std::fs::write(bad.join("pricing/iv_extreme_reference.json"), "not JSON").unwrap();
    std::fs::write(
        bad.join("chain.csv"),
        "timestamp,instrument_name\n2026-02-05T00:00:00Z,BTC-27MAR26-80000-C\n",
    )
    .unwrap();
    std::fs::write(bad.join("notes.txt"), "hello").unwrap();
    let vectors = run_one("pricing", &sources(&bad, &bad));
    assert_eq!(failure_names(&vectors), ["cases[0]", "iv_extreme_reference.json"]);
    let chains = run_one("deribit-chain", &sources(&bad, &bad));
    assert_eq!(failure_names(&chains), ["chain.csv"]);
    assert!(table(&[chains]).contains("did not run: not a .csv, .json or .parquet file"));
    std::fs::remove_dir_all(bad).unwrap();
}

#[test]
fn an_unknown_suite_lists_the_known_ones() {
    let nowhere = Path::new("/nowhere");
    let error = run(&["prices".to_owned()], &sources(nowhere, nowhere), &mut |_| {}).unwrap_err();
    let known = SUITES.iter().map(|suite| suite.id).collect::<Vec<_>>().join(", ");
    assert!(known.starts_with("pricing, deribit-chain"), "{known}");
    assert_eq!(error, ConformanceError::UnknownSuite { id: "prices".into(), known });
}

fn comparison(ours: f64, tolerance: f64) -> Comparison {
    Comparison { ours, theirs: 0.0, tolerance, scale: 1.0 }
}

#[test]
fn a_group_keeps_the_case_nearest_to_its_tolerance() {
    let mut group = Group::checked("g", "coin", "rounding");
    for (name, error, tolerance) in
        [("large and loose", 5.0, 100.0), ("small and tight", 0.9, 1.0), ("none", 0.0, 1.0)]
    {
        group.compare(comparison(error, tolerance), || name.to_owned());
    }
    let result = group.finish();
    assert_eq!(result.worst.unwrap().case, "small and tight");
    assert_eq!((result.cases, result.failed), (3, 0));
    assert_eq!(result.errors.unwrap().max.to_bits(), 5.0_f64.to_bits());
}

#[test]
fn an_error_that_is_not_a_number_fails_and_stays_the_worst() {
    let mut group = Group::checked("g", "coin", "rounding");
    group.compare(comparison(f64::NAN, 1.0), || "nan".to_owned());
    group.compare(comparison(2.0, 1.0), || "two".to_owned());
    let result = group.finish();
    assert_eq!((result.failed, result.worst.unwrap().case.as_str()), (2, "nan"));
}

#[test]
fn all_failures_are_counted_and_fifty_are_kept() {
    let mut group = Group::checked("g", "coin", "rounding");
    for case in 0..60 {
        group.compare(comparison(2.0, 1.0), || case.to_string());
    }
    let result = group.finish();
    assert_eq!((result.failed, result.failures.len()), (60, 50));
    let suite = SuiteResult { suite: "s", summary: "", groups: vec![result] };
    assert!(table(std::slice::from_ref(&suite)).contains("and 10 more"));
}

#[test]
fn order_statistics_are_ranks() {
    let mut errors: Vec<f64> = (1..=200).rev().map(f64::from).collect();
    let spread = distribution(&mut errors).unwrap();
    // The 100th, the 198th and the 200th of 200.
    assert_eq!(
        [spread.median, spread.p99, spread.max].map(f64::to_bits),
        [100.0, 198.0, 200.0].map(f64::to_bits)
    );
    assert_eq!(distribution(&mut []), None);
}

#[test]
fn the_json_schema_is_stable() {
    let mut group = Group::checked("file: mark", "coin", "rounding");
    group.compare(comparison(2.0, 1.0), || "row 1".to_owned());
    group.not_compared("no mark vol above zero", 3);
    let suite = SuiteResult { suite: "s", summary: "what", groups: vec![group.finish()] };
    let value: serde_json::Value = serde_json::from_str(&json(&[suite])).unwrap();
    let keys =
        |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(value["schema"], "plimsoll.conformance/1");
    assert_eq!(value["passed"], false);
    assert_eq!(keys(&value), "passed schema suites");
    assert_eq!(keys(&value["suites"][0]), "groups suite summary");
    let group = &value["suites"][0]["groups"][0];
    assert_eq!(
        keys(group),
        "cases errors failed failing_files failures name not_compared not_run notes role tolerance_reason unit worst"
    );
    assert_eq!(keys(&group["failures"][0]), "detail error name tolerance");
    assert_eq!(keys(&group["worst"]), "case error tolerance");
    assert_eq!(keys(&group["errors"]), "max median p99");
    assert_eq!((group["role"].as_str(), group["failed"].as_u64()), (Some("checked"), Some(1)));
}

/// Oracle cases of one's own: a folder of both kinds, written here.
fn pyth_files(test: &str, files: &[(&str, &str)]) -> SuiteResult {
    let copy = folder(test);
    for (name, text) in files {
        let path = copy.join("oracle/pyth").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let result = run_one("oracle-pyth", &sources(&copy, &copy));
    std::fs::remove_dir_all(copy).unwrap();
    result
}

#[test]
fn a_wrong_unit_of_an_oracle_vector_fails_by_name() {
    let Some(shared) = shared() else { return };
    let read = |name: &str| std::fs::read_to_string(shared.join("vectors/oracle/pyth").join(name)).unwrap();
    for (case, result, right, wrong, failed) in [
        ("aggregation/13.json", "aggregation/13.result", "\"price\":13005", "\"price\":13006", "13"),
        ("aggregation/1.json", "aggregation/1.result", "\"conf\":1000", "\"conf\":999", "1"),
        ("aggregation/38.json", "aggregation/38.result", "unknown", "trading", "38"),
        ("ema/1.csv", "ema/1.result", "147,48,0,1,108,16", "147,48,0,1,109,16", "1 row 2"),
        ("ema/small_conf.csv", "ema/small_conf.result", ",3607371", ",3607372", "small_conf row 2"),
        ("ema/1.csv", "ema/1.result", "147,48,0,1,", "148,48,0,1,", "1"),
    ] {
        let text = read(result);
        assert!(text.contains(right), "{result} should have {right}");
        let with = |text: &str| pyth_files("pyth", &[(case, &read(case)), (result, text)]);
        assert!(with(&text).passed(), "{result}");
        assert_eq!(failure_names(&with(&text.replacen(right, wrong, 1))), [failed], "{result} {wrong}");
    }
}

#[test]
fn oracle_cases_at_fault_fail_and_none_is_skipped() {
    let quotes = r#"{"exponent": -2, "quotes": [{"price": 7, "conf": 2, "status": 1}]}"#;
    let right = r#"{"exponent": -2, "price": 7, "conf": 2, "status": "trading"}"#;
    let aggregate =
        |result| pyth_files("pyth-own", &[("aggregation/a.json", quotes), ("aggregation/a.result", result)]);
    assert!(aggregate(right).passed());
    for wrong in [&right.replace("-2", "-3"), "", "{}", r#"{"exponent": -2, "status": "trading"}"#] {
        assert_eq!(failure_names(&aggregate(wrong)), ["a"], "{wrong}");
    }
    assert_eq!(failure_names(&pyth_files("pyth-own", &[("aggregation/a.json", quotes)])), ["a"]);
    assert_eq!(failure_names(&pyth_files("pyth-own", &[("aggregation/a.result", right)])), ["a"]);
    let row = "price,conf,expo,nslots\n5,1,0,9999\n";
    for result in
        ["", "price,conf,expo,nslots,twap,twac\n", "price,conf,expo,nslots,twap,twac\n5,1,0,9999,5\n"]
    {
        let result = pyth_files("pyth-own", &[("ema/b.csv", row), ("ema/b.result", result)]);
        assert_eq!(failure_names(&result), ["b"]);
        assert!(!result.passed());
    }
}
