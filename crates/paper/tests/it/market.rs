//! The generator keeps to its parameters, and venues publish rows that the market layer admits.

use crate::trader::{after, calm, world};
use engine::Event;
use market::{Layout, RawSnapshot, Snapshot};
use paper::{Generator, Regime, Seed, WorldConfig};
use pricing::kernel;
use units::Issues;

/// Without jumps, reversion from the mean or a script: log returns are normal with the vol of the file.
fn plain() -> WorldConfig {
    let mut config = calm();
    config.regime.clear();
    config.jumps_per_year = 0.0;
    config.step_millis = 60_000;
    config.venue.iter_mut().for_each(|venue| venue.quote_every_millis = 60_000);
    config
}

struct Path {
    returns: Vec<[f64; 3]>,
    log_vols: Vec<f64>,
}

fn path(config: &WorldConfig, seed: u64, steps: usize) -> (Path, u64) {
    let mut market = Generator::new(config, Seed::new(seed)).unwrap();
    let spots = |market: &Generator| [0, 1, 2].map(|i| kernel::ln(market.states()[i].spot));
    let (mut before, mut path) = (spots(&market), Path { returns: vec![], log_vols: vec![] });
    for _ in 0..steps {
        market.step();
        let now = spots(&market);
        path.returns.push(std::array::from_fn(|i| now[i] - before[i]));
        path.log_vols.push(kernel::ln(market.states()[0].vol));
        before = now;
    }
    (path, market.jumps())
}

#[test]
fn vols_and_correlations_are_those_of_the_file() {
    let mut config = plain();
    config.underlying.iter_mut().for_each(|u| u.vol_of_vol = 0.0);
    let (path, _) = path(&config, 1, 40_000);
    let n = 40_000.0;
    let mean = |f: &dyn Fn(&[f64; 3]) -> f64| path.returns.iter().map(f).sum::<f64>() / n;
    let variances: [f64; 3] = std::array::from_fn(|i| mean(&|r| r[i] * r[i]));
    for (variance, underlying) in variances.iter().zip(&config.underlying) {
        let vol = (variance * 525_600.0).sqrt();
        // Four standard errors of a vol: 4/√(2n).
        assert!((vol / underlying.vol - 1.0).abs() < 4.0 / f64::sqrt(2.0 * n), "{vol}");
    }
    for (i, j, correlation) in [(0, 1, 0.84), (0, 2, 0.63), (1, 2, 0.69)] {
        let found = mean(&|r| r[i] * r[j]) / (variances[i] * variances[j]).sqrt();
        // Four standard errors of a correlation: 4 (1 - c²)/√n.
        assert!((found - correlation).abs() < 4.0 * (1.0 - correlation * correlation) / n.sqrt(), "{found}");
    }
}

#[test]
fn the_vol_reverts_and_moves_against_the_spot() {
    let config = plain();
    let (path, _) = path(&config, 2, 60_000);
    let of = &config.underlying[0];
    let steps: Vec<f64> =
        path.log_vols.iter().zip(path.log_vols.iter().skip(1)).map(|(a, b)| b - a).collect();
    let n = 59_999.0;
    let variance = steps.iter().map(|step| step * step).sum::<f64>() / n;
    // ξ √dt: the reversion within a minute is below 1e-4 of it.
    let expected = of.vol_of_vol / f64::sqrt(525_600.0);
    assert!((variance.sqrt() / expected - 1.0).abs() < 4.0 / f64::sqrt(2.0 * n) + 1e-3);
    let moves: Vec<f64> =
        path.returns.iter().skip(1).zip(&path.log_vols).map(|(r, v)| r[0] / kernel::exp(*v)).collect();
    let products: f64 = moves.iter().zip(&steps).map(|(a, b)| a * b).sum();
    let squares: f64 = moves.iter().map(|a| a * a).sum();
    let correlation = products / (squares * variance * n).sqrt();
    let rho = of.spot_vol_correlation;
    assert!((correlation - rho).abs() < 4.0 * (1.0 - rho * rho) / n.sqrt(), "{correlation}");
    let mean = path.log_vols.iter().sum::<f64>() / 60_000.0;
    // A stationary deviation of ξ/√(2κ) = 0.33, of which 41 days hold about 41 x 12/365 independent ones.
    assert!((mean - kernel::ln(of.vol)).abs() < 4.0 * 0.33 / f64::sqrt(41.0 * 12.0 / 365.0), "{mean}");
}

#[test]
fn jumps_come_as_often_as_the_file_and_the_regime_say() {
    let mut config = plain();
    config.jumps_per_year = 20_000.0;
    config.regime = vec![Regime {
        name: "stress".into(),
        start_seconds: 0,
        duration_seconds: 600_000,
        whole_return: 0.0,
        vol: 1.0,
        jumps: 2.0,
        depth: 1.0,
        spread: 1.0,
    }];
    let jumps = path(&config, 3, 10_000).1;
    // Bernoulli draws of 40,000 jumps a year in steps of a minute: four standard errors.
    let p = 40_000.0 / 525_600.0;
    let (mean, deviation) = (10_000.0 * p, f64::sqrt(10_000.0 * p * (1.0 - p)));
    #[allow(clippy::cast_precision_loss)]
    let found = jumps as f64;
    assert!((found - mean).abs() < 4.0 * deviation, "{found} {mean}");
}

/// Jumps that go up in the mean are paid for by a drift the other way.
#[test]
fn without_a_regime_the_spot_is_a_martingale() {
    let mut config = plain();
    config.jumps_per_year = 20_000.0;
    for underlying in &mut config.underlying {
        (underlying.jump_mean, underlying.jump_deviation, underlying.vol_of_vol) = (0.02, 0.02, 0.0);
    }
    let growth = |seed| kernel::exp(path(&config, seed, 500).0.returns.iter().map(|r| r[0]).sum());
    let mean = (0..400).map(growth).sum::<f64>() / 400.0;
    // 19 jumps of a mean square of 8e-4, and 500 minutes at 45 %.
    let variance = 500.0 / 525_600.0 * (20_000.0 * 8e-4 + 0.45 * 0.45);
    assert!((mean - 1.0).abs() < 4.0 * f64::sqrt(variance / 400.0), "{mean}");
}

#[test]
fn a_crash_returns_what_its_script_says_on_average() {
    let mut config = plain();
    config.step_millis = 1000;
    config.venue.iter_mut().for_each(|venue| venue.quote_every_millis = 1000);
    config.underlying.iter_mut().for_each(|u| u.vol_of_vol = 0.0);
    let crash = WorldConfig::embedded().regime.into_iter().find(|regime| regime.name == "crash").unwrap();
    config.regime = vec![Regime { start_seconds: 1, jumps: 0.0, ..crash }];
    let seeds = 400;
    let sum: f64 =
        (0..seeds).map(|seed| path(&config, seed, 182).0.returns.iter().map(|r| r[0]).sum::<f64>()).sum();
    let mean = sum / 400.0;
    // Log return ln(0.88) less half the variance; the deviation of a path is 0.45 x 3 x √(180 s in years).
    let variance = 0.45 * 0.45 * 9.0 * 180.0 / 31_536_000.0;
    let expected = kernel::ln(1.0 - 0.12) - 0.5 * variance;
    assert!((mean - expected).abs() < 4.0 * f64::sqrt(variance / 400.0), "{mean} {expected}");
}

#[test]
fn every_row_is_admitted_and_prices_are_in_order() {
    for seed in 0..3 {
        let mut world = world(&calm(), seed);
        let (mut rows_seen, mut marks_inside) = (0, 0);
        for (at, event) in world.advance(after(420)) {
            let Event::Quotes { feed, rows } = event else { continue };
            rows_seen += rows.len();
            for row in &rows {
                assert!(row.timestamp.unwrap() <= at && row.venue.as_deref() == Some(feed.as_str()));
                if let (Some(bid), Some(ask)) = (row.bid_price, row.ask_price) {
                    assert!(bid < ask, "{row:?}");
                    marks_inside += usize::from((bid..=ask).contains(&row.mark_price.unwrap()));
                }
            }
            let count = rows.len();
            let raw = RawSnapshot {
                file: feed,
                layout: Layout::BookSummary,
                asof: at,
                snapshots_in_file: 1,
                rows,
                issues: Issues::default(),
            };
            let (snapshot, issues) = Snapshot::admit(&[raw], &instrument::Specs::embedded()).unwrap();
            assert!(issues.is_empty(), "{issues}");
            assert_eq!(snapshot.options.len() + snapshot.futures.len(), count);
        }
        assert!(rows_seen > 40_000 && marks_inside > rows_seen / 2, "{rows_seen} {marks_inside}");
    }
}

/// Calls and puts of one strike differ by the forward less the strike, in the unit of the venue.
#[test]
fn options_of_a_venue_keep_put_call_parity() {
    let mut world = world(&calm(), 4);
    let events = world.advance(after(10));
    let rows = events.into_iter().rev().find_map(|(_, event)| match event {
        Event::Quotes { feed, rows } if feed == "deribit" => Some(rows),
        _ => None,
    });
    let rows = rows.unwrap();
    let mut pairs = 0;
    for call in rows.iter().filter(|row| row.instrument_name.ends_with("-C")) {
        let stem = call.instrument_name.trim_end_matches('C');
        let put = rows.iter().find(|row| row.instrument_name == format!("{stem}P")).unwrap();
        let strike: f64 = stem.split('-').nth(2).unwrap().parse().unwrap();
        let forward = call.underlying_price.unwrap();
        let difference = call.mark_price.unwrap() - put.mark_price.unwrap();
        // Marks have eight places, forwards two.
        assert!(
            (difference - (1.0 - strike / forward)).abs() < 2e-8 + 0.01 / forward,
            "{}",
            call.instrument_name
        );
        pairs += 1;
    }
    assert_eq!(pairs, 2 * 4 * 5);
}

#[test]
fn every_mistake_of_a_file_is_said_at_once() {
    let text = WorldConfig::embedded_text()
        .replace("spot = 92000.0", "spot = -1.0")
        .replace("value = 0.84", "value = 1.5")
        .replace("start_seconds = 480", "start_seconds = 400")
        .replace("block_millis = 2000", "block_millis = 0")
        .replace("tick = \"0.0001\"", "tick = \"0\"");
    let issues = WorldConfig::parse("mine.toml", &text).unwrap_err();
    let text = issues.to_string();
    for part in [
        "underlying BTC: spot",
        "correlation BTC ETH",
        "positive definite",
        "regime stress",
        "chain.block_millis",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // Two ticks of options, and one for each of the five parts.
    assert_eq!(issues.total(), 7, "{text}");
    let unknown = WorldConfig::parse("mine.toml", "sauce = 'x'").unwrap_err();
    assert!(unknown.to_string().contains("sauce"), "{unknown}");
}
