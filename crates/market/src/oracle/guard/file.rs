//! The parameter file of the guards: one table a class, every key a whole number, every class with its source.
//!
//! | key | meaning |
//! |---|---|
//! | `stale_after_seconds` | a source older than this is rejected; a held price older than this is stale |
//! | `halt_after_seconds` | a held price older than this is halted |
//! | `ahead_tolerance_seconds` | a source this far in the future is still believed |
//! | `min_sources` | fewest sources |
//! | `clamp_bp` | a source counts at most this far from the median |
//! | `confidence_suspect_bp`, `confidence_reject_bp` | width of the aggregate that is suspect; width of a source that is rejected |
//! | `deviation_reject_bp` | distance from the median, among three or more, at which a source is rejected |
//! | `disagreement_suspect_bp`, `disagreement_halt_bp` | highest less lowest used source over the median |
//! | `twap_window_seconds`, `twap_suspect_bp`, `twap_halt_bp` | distance of the price from its own mean over the window |
//! | `max_move_bp_per_second` | the price is published as far as this allows; the rest widens the confidence |
//! | `breaker_move_bp`, `breaker_confirmations`, `breaker_seconds` | a larger move is held until confirmed so often and so long (2 s or more) |
//! | `recovery_confirmations` | rounds with newer data before the state improves |
//! | `sequencer_grace_seconds` | time after a restart in which the price is not acted on |
//! | `peg_suspect_bp`, `peg_halt_bp` | below one unit of account; for pegged assets, both or none |
//!
//! All mistakes of a file are reported at once, each with its key. The file itself has `source` and `valid_from`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use toml::{Table, Value};
use units::{Issue, Issues, Timestamp};

/// The parameter file that is built in.
const EMBEDDED: &str = include_str!("../../../../../oracles/guards.toml");

/// Guards by class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardFile {
    /// Where the numbers come from.
    pub source: String,
    /// From when they hold, as a UTC date.
    pub valid_from: String,
    /// By name: `major`, `alt`, `stablecoin`, `lst`, or the user's own.
    pub classes: BTreeMap<String, Guards>,
}

/// Guards of a class. Each field is the key of that name, in the unit that its name ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the table above says what each is
pub struct Guards {
    pub source: String,
    pub stale_after_seconds: u32,
    pub halt_after_seconds: u32,
    pub ahead_tolerance_seconds: u32,
    pub min_sources: u32,
    pub clamp_bp: u32,
    pub confidence_suspect_bp: u32,
    pub confidence_reject_bp: u32,
    pub deviation_reject_bp: u32,
    pub disagreement_suspect_bp: u32,
    pub disagreement_halt_bp: u32,
    pub twap_window_seconds: u32,
    pub twap_suspect_bp: u32,
    pub twap_halt_bp: u32,
    pub max_move_bp_per_second: u32,
    pub breaker_move_bp: u32,
    pub breaker_confirmations: u32,
    pub breaker_seconds: u32,
    pub recovery_confirmations: u32,
    pub sequencer_grace_seconds: u32,
    pub peg: Option<Peg>,
}

/// How far below one unit of account a pegged asset may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peg {
    /// Suspect beyond.
    pub suspect_bp: u32,
    /// Halted beyond.
    pub halt_bp: u32,
}

impl GuardFile {
    /// The built-in file, `oracles/guards.toml`.
    ///
    /// # Errors
    /// Every mistake in it; a test keeps it free of them.
    pub fn embedded() -> Result<Self, Issues> {
        Self::parse("oracles/guards.toml", EMBEDDED)
    }

    /// Parses and checks a file.
    ///
    /// # Errors
    /// Every mistake in it, each with its key and rule.
    pub fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let mut reader = Reader { file, issues: Issues::default() };
        let table: Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                reader.mistake("", "", error.to_string().trim());
                return Err(reader.issues);
            }
        };
        reader.unknown("", &table, &["source", "valid_from", "class"].into());
        let source = reader.text(&table, "", "source");
        let valid_from = reader.date(&table, "valid_from");
        let mut classes = BTreeMap::new();
        match table.get("class").and_then(Value::as_table).filter(|classes| !classes.is_empty()) {
            Some(found) => {
                for (name, value) in found {
                    let guards = reader.class(&format!("class.{name}"), value);
                    classes.insert(name.clone(), guards);
                }
            }
            None => reader.mistake("class", "", "a file has at least one table [class.NAME]"),
        }
        if reader.issues.is_empty() { Ok(Self { source, valid_from, classes }) } else { Err(reader.issues) }
    }
}

/// Finds every mistake instead of the first. After a mistake it gives the least allowed number, and the file is refused.
struct Reader<'a> {
    file: &'a str,
    issues: Issues,
}

/// A class while it is read.
struct Class<'a> {
    path: &'a str,
    table: &'a Table,
    known: BTreeSet<&'static str>,
}

const BP: RangeInclusive<u32> = 1..=9_999;
const BP_OVER_ONE: RangeInclusive<u32> = 1..=100_000;
const DAY: RangeInclusive<u32> = 1..=86_400;
const COUNT: RangeInclusive<u32> = 1..=100;

impl Reader<'_> {
    fn mistake(&mut self, key: &str, value: &str, rule: &str) {
        self.issues.push(Issue {
            file: self.file.into(),
            row: 0,
            field: key.into(),
            value: value.into(),
            rule: rule.into(),
        });
    }

    fn unknown(&mut self, path: &str, table: &Table, known: &BTreeSet<&'static str>) {
        for key in table.keys().filter(|key| !known.contains(key.as_str())) {
            let near: Vec<&str> = known.iter().copied().collect();
            let rule = format!("is no key here; there are: {}", near.join(", "));
            self.mistake(&format!("{path}{key}"), "", &rule);
        }
    }

    fn text(&mut self, table: &Table, path: &str, key: &str) -> String {
        let text = table.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.mistake(
                &format!("{path}{key}"),
                &shown(table, key),
                "say in a text where the numbers come from",
            );
        }
        text.unwrap_or_default().to_owned()
    }

    fn date(&mut self, table: &Table, key: &str) -> String {
        let text = table.get(key).and_then(Value::as_str);
        let is_date = |text: &&str| text.len() == 10 && text.parse::<Timestamp>().is_ok();
        let date = text.filter(is_date);
        if date.is_none() {
            self.mistake(key, &shown(table, key), "a UTC date in quotes, such as \"2026-11-25\"");
        }
        date.unwrap_or_default().to_owned()
    }

    fn whole(&mut self, class: &mut Class<'_>, key: &'static str, range: RangeInclusive<u32>) -> u32 {
        class.known.insert(key);
        let found = class.table.get(key).and_then(Value::as_integer);
        let number = found.and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
        if number.is_none() {
            let rule = format!("a whole number from {} to {}", range.start(), range.end());
            let rule = if class.table.contains_key(key) { rule } else { format!("is missing: add {rule}") };
            self.mistake(&format!("{}.{key}", class.path), &shown(class.table, key), &rule);
        }
        number.unwrap_or(*range.start())
    }

    /// Two limits of one figure, the milder first.
    fn pair(
        &mut self,
        class: &mut Class<'_>,
        [mild, severe]: [&'static str; 2],
        range: &RangeInclusive<u32>,
    ) -> [u32; 2] {
        let before = self.issues.total();
        let limits = [self.whole(class, mild, range.clone()), self.whole(class, severe, range.clone())];
        if limits[0] >= limits[1] && self.issues.total() == before {
            let rule = format!("must lie above {mild} = {}", limits[0]);
            self.mistake(&format!("{}.{severe}", class.path), &limits[1].to_string(), &rule);
        }
        limits
    }

    fn class(&mut self, path: &str, value: &Value) -> Guards {
        let empty = Table::new();
        if !value.is_table() {
            self.mistake(path, &value.to_string(), "a class is a table of guards");
        }
        let table = value.as_table().unwrap_or(&empty);
        let mut class = Class { path, table, known: ["source"].into() };
        let source = self.text(table, &format!("{path}."), "source");
        let c = &mut class;
        let [stale_after_seconds, halt_after_seconds] =
            self.pair(c, ["stale_after_seconds", "halt_after_seconds"], &DAY);
        let [confidence_suspect_bp, confidence_reject_bp] =
            self.pair(c, ["confidence_suspect_bp", "confidence_reject_bp"], &BP);
        let [disagreement_suspect_bp, disagreement_halt_bp] =
            self.pair(c, ["disagreement_suspect_bp", "disagreement_halt_bp"], &BP);
        let [twap_suspect_bp, twap_halt_bp] = self.pair(c, ["twap_suspect_bp", "twap_halt_bp"], &BP_OVER_ONE);
        let [max_move_bp_per_second, breaker_move_bp] =
            self.pair(c, ["max_move_bp_per_second", "breaker_move_bp"], &BP);
        let [clamp_bp, deviation_reject_bp] = self.pair(c, ["clamp_bp", "deviation_reject_bp"], &BP);
        let is_pegged = table.contains_key("peg_suspect_bp") || table.contains_key("peg_halt_bp");
        let peg = is_pegged.then(|| self.pair(c, ["peg_suspect_bp", "peg_halt_bp"], &BP));
        let guards = Guards {
            source,
            stale_after_seconds,
            halt_after_seconds,
            ahead_tolerance_seconds: self.whole(c, "ahead_tolerance_seconds", 0..=60),
            min_sources: self.whole(c, "min_sources", COUNT),
            clamp_bp,
            confidence_suspect_bp,
            confidence_reject_bp,
            deviation_reject_bp,
            disagreement_suspect_bp,
            disagreement_halt_bp,
            twap_window_seconds: self.whole(c, "twap_window_seconds", 60..=86_400),
            twap_suspect_bp,
            twap_halt_bp,
            max_move_bp_per_second,
            breaker_move_bp,
            breaker_confirmations: self.whole(c, "breaker_confirmations", COUNT),
            breaker_seconds: self.whole(c, "breaker_seconds", 2..=86_400),
            recovery_confirmations: self.whole(c, "recovery_confirmations", COUNT),
            sequencer_grace_seconds: self.whole(c, "sequencer_grace_seconds", 0..=86_400),
            peg: peg.map(|[suspect_bp, halt_bp]| Peg { suspect_bp, halt_bp }),
        };
        let mut known = class.known;
        known.extend(["peg_suspect_bp", "peg_halt_bp"]);
        self.unknown(&format!("{path}."), table, &known);
        guards
    }
}

fn shown(table: &Table, key: &str) -> String {
    table.get(key).map(ToString::to_string).unwrap_or_default()
}
