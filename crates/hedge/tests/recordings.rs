//! Impact and funding from what venues recorded: the prefactor of the square-root law on an order book with its day's volume beside it,
//! and the autoregression of six years of funding. The figures are those of docs/models/execution.md.

#![allow(clippy::unwrap_used)] // helpers of tests, where a failed reading is a failed test

use hedge::carry::Autoregression;
use hedge::impact::{Level, Liquidity, fit, walk};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file of the shared data, or `None` after saying which suite does not run; under CI its absence is a failure.
fn shared(suite: &str, name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PLIMSOLL_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join("data").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{suite}: {name} is absent from the shared data");
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("{suite}: not run, {name} is absent (set PLIMSOLL_SHARED)\n"),
    );
    None
}

/// Levels of a side: price and USD of an inverse contract.
fn side(book: &Value, key: &str) -> Vec<Level> {
    let levels = book[key].as_array().unwrap().iter();
    let level = |pair: &Value| {
        let (price, usd) = (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
        Level { price, quantity: usd / price }
    };
    levels.map(level).collect()
}

/// The one recorded book that has its day's volume, high and low beside it: 20 levels a side, 0.1 to 0.2 % of the day. The vol is that of
/// the range (Parkinson): ln(high / low) / sqrt(4 ln 2), one day and so good to a third of itself at best.
#[test]
fn a_recorded_book_has_a_prefactor_below_one() {
    let Some(path) = shared("impact", "recordings/deribit/nautilus/http_get_order_book.json") else { return };
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let book = &file["result"];
    let figure = |key: &str| book["stats"][key].as_f64().unwrap();
    let range = pricing::kernel::ln(figure("high") / figure("low"));
    let market = Liquidity {
        daily_vol: range / (4.0 * std::f64::consts::LN_2).sqrt(),
        daily_volume: figure("volume"),
    };
    let (bids, asks) = (side(book, "bids"), side(book, "asks"));
    let mid = 0.5 * (bids[0].price + asks[0].price);
    for (name, levels) in [("bids", bids), ("asks", asks)] {
        let curve = walk(mid, &levels).unwrap();
        let found = fit(&curve, &market).unwrap();
        println!("{name}: {found:?}, daily vol {:.4}", market.daily_vol);
        assert_eq!(found.points, 19, "{name}");
        assert!(found.prefactor > 0.1 && found.prefactor < 1.0, "{name}: {found:?}");
        // Two basis points at the end of the curve: the shape of the book is not that of the law.
        assert!(found.residual < 0.6e-4, "{name}: {found:?}");
        assert!(found.largest_share < 0.003, "{name}: the law is seen over less than a third of a percent");
    }
}

/// Funding of BTCUSDT every eight hours since 2019.
#[test]
fn six_years_of_funding_return_to_their_mean() {
    let Some(path) = shared("funding", "macro/BTCUSDT_funding_8h_2019_2026.csv.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let rates: Vec<f64> =
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().trim().parse().unwrap()).collect();
    let all = Autoregression::fit(&rates).unwrap();
    // The last two years: 2,190 periods.
    let recent = Autoregression::fit(&rates[rates.len() - 2_190..]).unwrap();
    println!("{} periods: {all:?}\nlast 2,190: {recent:?}", rates.len());
    for found in [all, recent] {
        assert!(found.persistence > 0.5 && found.persistence < 0.98, "{found:?}");
        assert!(found.mean > 0.0 && found.mean < 3e-4 && found.residual_sd < 3e-4, "{found:?}");
    }
}
