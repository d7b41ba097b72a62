//! Levels of one factor over time: candles of a price, or a vol index; CSV, plain or packed with gzip.
//!
//! | columns | level |
//! |---|---|
//! | `ts`, `close` (others are not used) | price at the end of the bar |
//! | `ts`, `iv` | vol as a fraction at the end of the bar, handed over in points |
//!
//! `ts` is the open of the bar: Unix seconds, Unix milliseconds (12 digits and more) or RFC 3339. Bars are as long as the least
//! distance between two rows, and a level holds at the end of its bar. Every row that is not a level in order of time is an issue with
//! its row and rule; the rest is handed over. A file may unpack to 256 MiB.

use crate::LakeError;
use crate::source::name;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use units::{Issue, Issues, Timestamp};

/// What the levels of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelKind {
    /// USD, or what passes for it.
    Price,
    /// Vol points.
    VolPoints,
}

/// A file of levels as read.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRead {
    /// What they are.
    pub kind: LevelKind,
    /// Unix seconds at which a level holds, and the level; in order of time, each instant once.
    pub points: Vec<(i64, f64)>,
    /// Rows left out.
    pub issues: Issues,
}

/// A file of text unpacks to at most so much.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a whole file of levels.
///
/// # Errors
/// [`LakeError`]: the file cannot be read, has no such columns or no rows, or unpacks to more than it may.
pub fn read_history(path: &Path) -> Result<HistoryRead, LakeError> {
    let file = name(path);
    let io = |doing| {
        let file = file.clone();
        move |source| LakeError::Io { file, doing, source }
    };
    let mut input = BufReader::new(File::open(path).map_err(io("open"))?);
    let mut magic = Vec::new();
    input.by_ref().take(2).read_to_end(&mut magic).map_err(io("read"))?;
    let whole = std::io::Cursor::new(magic.clone()).chain(input);
    let limit = MOST_BYTES + 1;
    let mut bytes = Vec::new();
    if magic == [0x1F, 0x8B] {
        MultiGzDecoder::new(whole).take(limit).read_to_end(&mut bytes)
    } else {
        whole.take(limit).read_to_end(&mut bytes)
    }
    .map_err(io("read"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(LakeError::format(&file, 0, "over 256 MiB of text: give fewer or longer bars"));
    }
    levels(&file, bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes))
}

fn levels(file: &str, text: &[u8]) -> Result<HistoryRead, LakeError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let broken = |row, error: csv::Error| LakeError::format(file, row, format!("not CSV: {error}"));
    let header = reader.headers().map_err(|e| broken(0, e))?.clone();
    let place = |wanted: &str| header.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    let missing = |column: &str| LakeError::Columns {
        file: file.to_owned(),
        missing: vec![column.to_owned()],
        rule: "a history has the columns 'ts' and 'close' (prices), or 'ts' and 'iv' (vols)".into(),
    };
    let at = place("ts").ok_or_else(|| missing("ts"))?;
    let (kind, level) = match (place("close"), place("iv")) {
        (Some(_), Some(_)) => {
            return Err(LakeError::format(
                file,
                0,
                "both 'close' and 'iv': which of them is the level? leave one out",
            ));
        }
        (Some(close), None) => (LevelKind::Price, close),
        (None, Some(iv)) => (LevelKind::VolPoints, iv),
        (None, None) => return Err(missing("close")),
    };
    let mut read = HistoryRead { kind, points: Vec::new(), issues: Issues::default() };
    let mut row = 0;
    for record in reader.records() {
        row += 1;
        let record = record.map_err(|e| broken(row, e))?;
        let cell = |place: usize| record.get(place).unwrap_or("").trim();
        match point(cell(at), cell(level), read.points.last().map(|(at, _)| *at)) {
            Ok((at, level)) => {
                let level = if kind == LevelKind::VolPoints { level * 100.0 } else { level };
                read.points.push((at, level));
            }
            Err((is_time, rule)) => {
                let (place, field) =
                    if is_time { (at, "ts") } else { (level, header.get(level).unwrap_or("")) };
                read.issues.push(Issue {
                    file: file.to_owned(),
                    row,
                    field: field.to_owned(),
                    value: cell(place).to_owned(),
                    rule: rule.into(),
                });
            }
        }
    }
    if row == 0 {
        return Err(LakeError::NoRows { file: file.to_owned() });
    }
    let gaps = read.points.windows(2).filter_map(|pair| Some(pair.get(1)?.0 - pair.first()?.0));
    let bar = gaps.min().unwrap_or(0);
    read.points.iter_mut().for_each(|(at, _)| *at += bar);
    Ok(read)
}

/// A row's instant and level; otherwise whether the time is at fault, and the rule.
fn point(at: &str, level: &str, before: Option<i64>) -> Result<(i64, f64), (bool, &'static str)> {
    const TIME: (bool, &str) =
        (true, "the open of the bar: Unix seconds, Unix milliseconds or RFC 3339, from 1970 to 2200");
    let at = if at.len() < 12 && !at.is_empty() && at.bytes().all(|b| b.is_ascii_digit()) {
        at.parse::<i64>().map_err(|_| TIME)?
    } else {
        at.parse::<Timestamp>().map_err(|_| TIME)?.unix_nanos().div_euclid(1_000_000_000)
    };
    if !(0..=7_258_118_400).contains(&at) {
        return Err(TIME);
    }
    match before {
        Some(before) if at == before => {
            return Err((true, "this instant has a row already: leave one of the two out"));
        }
        Some(before) if at < before => return Err((true, "earlier than a row above: sort the rows by ts")),
        _ => {}
    }
    let level: f64 = level.parse().map_err(|_| (false, "a number"))?;
    if level.is_finite() && level > 0.0 {
        Ok((at, level))
    } else {
        Err((false, "a level is finite and above zero"))
    }
}
