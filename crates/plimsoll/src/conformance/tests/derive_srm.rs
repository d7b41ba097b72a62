//! Suite `derive-srm` on vectors of our own: right ones pass, each wrong figure fails by its name.

use super::{SuiteResult, failure_names, folder, run_one, sources, table};

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
