//! Whatever a file says: it is refused with a rule, or it makes a world that runs.

use crate::trader::{Trader, start};
use engine::Event;
use market::{Layout, RawSnapshot, Snapshot};
use paper::{Seed, World, WorldConfig};
use proptest::prelude::*;
use units::Issues;

const VALUES: [&str; 32] = [
    "2",
    "3",
    "0.1",
    "0.9",
    "2.5",
    "10",
    "\"3\"",
    "\"0.01\"",
    "\"1\"",
    "\"7.5\"",
    "0",
    "0.0",
    "-1",
    "1",
    "1.0",
    "0.5",
    "1e300",
    "-1e300",
    "1e-300",
    "nan",
    "inf",
    "4294967295",
    "99999999999",
    "\"\"",
    "\"0\"",
    "\"-5\"",
    "\"0.000000000001\"",
    "\"79228162514264337593543950335\"",
    "\"0.1234567890123456789\"",
    "\"USD\"",
    "[]",
    "\"okx\"",
];

/// The default file with some of its values replaced.
fn changed(changes: &[(usize, usize)]) -> String {
    let mut lines: Vec<String> = WorldConfig::embedded_text().lines().map(str::to_owned).collect();
    let with_values: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.contains(" = ")).map(|(at, _)| at).collect();
    for (line, value) in changes {
        let line = &mut lines[with_values[line % with_values.len()]];
        let value = VALUES[value % VALUES.len()];
        // The last value of a line: in a table, that of its last key.
        let key = line.rfind(" = ").unwrap();
        let end = if line.ends_with('}') { " }" } else { "" };
        *line = format!("{} = {value}{end}", &line[..key]);
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_is_refused_or_its_world_runs(changes in prop::collection::vec((0usize..2000, 0usize..32), 1..3), seed: u64) {
        let text = changed(&changes);
        let Ok(config) = WorldConfig::parse("mine.toml", &text) else { return Ok(()) };
        let Ok(mut world) = World::new(&config, Seed::new(seed), start()) else { return Ok(()) };
        let until = start().plus_millis((20 * i64::from(config.step_millis)).min(60_000));
        let mut trader = Trader::new(seed);
        let mut quotes = 0;
        for (at, event) in trader.plays(&mut world, until, 2) {
            let Event::Quotes { feed, rows } = event else { continue };
            let raw = RawSnapshot {
                file: feed,
                layout: Layout::BookSummary,
                asof: at,
                snapshots_in_file: 1,
                rows,
                issues: Issues::default(),
            };
            let (_, issues) = Snapshot::admit(&[raw], &instrument::Specs::embedded()).unwrap();
            prop_assert!(issues.is_empty(), "{issues}");
            quotes += 1;
            if quotes > 40 {
                break;
            }
        }
    }

    #[test]
    fn no_text_panics(text in "[a-z_=\\[\\]\"{}0-9 .\n-]{0,200}") {
        prop_assert!(WorldConfig::parse("mine.toml", &text).is_err());
    }
}
