//! Scratch folders, the runner, the sample's files in several layouts, and exact arithmetic on printed figures.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

/// Columns of a book, in the order of the sample.
pub(crate) const BOOK_HEADER: &str = "account,venue,chain,instrument,quantity,average_price,asset,amount";
/// Columns of the sample market as a chain.
const CHAIN_HEADER: &str = "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price,\
                            strike,option_type,underlying_name";
/// The instant of the sample market.
pub(crate) const SAMPLE_TIME: &str = "2026-11-20T12:00:00Z";

/// A folder that removes itself; commands run inside it, so that messages name files as the test does.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("plimsoll-report-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A folder with the sample as `book.csv` and `market.json`.
    pub(crate) fn sample() -> Self {
        let scratch = Self::empty();
        scratch.write("book.csv", sample_book());
        scratch.write("market.json", sample_market());
        scratch
    }

    /// The sample, its market as `chain.csv` instead.
    pub(crate) fn chain() -> Self {
        let scratch = Self::sample();
        scratch.write("chain.csv", chain_csv(&chain_rows(SAMPLE_TIME)));
        scratch
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The binary in this folder, not yet run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.current_dir(&self.0).args(args);
        command
    }

    /// `plimsoll` with these arguments.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    /// `plimsoll report` with these arguments, separated by blanks.
    pub(crate) fn report(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("report").chain(args.split_whitespace()).collect();
        self.run(&all)
    }

    /// The exposure table of a report that must succeed with this code.
    pub(crate) fn exposure(&self, args: &str, code: i32) -> Vec<Vec<String>> {
        let ran = self.report(&format!("{args} --format csv --table exposure"));
        assert_eq!(ran.code, code, "{}", ran.err);
        csv_rows(&ran.out)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    /// Failed with this code, printed nothing, and says all of this on standard error.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.err);
        assert_eq!(self.out, "", "a failure prints nothing on standard output");
        for word in words {
            assert!(self.err.contains(word), "lacks '{word}':\n{}", self.err);
        }
    }

    /// Did its job.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        assert_eq!(self.err, "", "nothing to complain about");
        self.out
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("JSON")
    }
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn sample_book() -> String {
    example("book.csv")
}

pub(crate) fn sample_market() -> String {
    example("market.json")
}

/// A book of a header and these rows.
pub(crate) fn book_of(rows: &[&str]) -> String {
    format!("{BOOK_HEADER}\n{}\n", rows.join("\n"))
}

/// The sample market as rows of a chain, one cell a column, without its spot pairs (a chain knows `BTC_USDC` too, but the
/// layout has no use for them here).
pub(crate) fn chain_rows(time: &str) -> Vec<Vec<String>> {
    let market: Value = serde_json::from_str(&sample_market()).unwrap();
    let rows = market["result"].as_array().unwrap().iter();
    rows.map(|row| {
        let text = |key: &str| match &row[key] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let name = text("instrument_name");
        let parts: Vec<&str> = name.split('-').collect();
        let (strike, kind) = match parts[..] {
            [_, _, strike, "C"] => (strike, "call"),
            [_, _, strike, "P"] => (strike, "put"),
            _ => ("", ""),
        };
        let vol = row["mark_iv"].as_f64().map_or(String::new(), |points| (points / 100.0).to_string());
        let (strike, kind) = (strike.to_owned(), kind.to_owned());
        vec![
            time.to_owned(),
            name.clone(),
            text("bid_price"),
            text("ask_price"),
            text("mark_price"),
            vol,
            text("underlying_price"),
            text("estimated_delivery_price"),
            strike,
            kind,
            text("underlying_index"),
        ]
    })
    .collect()
}

/// A chain file of these rows.
pub(crate) fn chain_csv(rows: &[Vec<String>]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    format!("{CHAIN_HEADER}\n{}\n", lines.join("\n"))
}

/// Place of a column in [`chain_rows`].
pub(crate) fn chain_column(name: &str) -> usize {
    CHAIN_HEADER.split(',').position(|column| column.trim() == name).unwrap()
}

/// Cells of a table without quoted commas; the first row is the header.
pub(crate) fn csv_rows(text: &str) -> Vec<Vec<String>> {
    assert!(!text.contains('"'), "quoted cells are not split here");
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Place of a column in a table.
pub(crate) fn column(table: &[Vec<String>], name: &str) -> usize {
    table[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"))
}

/// A printed measure in multiples of 1e-12, exactly: any sum of these is exact too.
pub(crate) fn quanta(text: &str) -> i128 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    assert!(rest.len() <= 12 && !whole.is_empty(), "{text} is not a published measure");
    format!("{whole}{rest:0<12}").parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}

/// Rows of a table in an order that depends on nothing but the seed (Fisher-Yates on a linear congruential generator).
pub(crate) fn shuffled<T: Clone>(rows: &[T], seed: u64) -> Vec<T> {
    let (mut rows, mut state) = (rows.to_vec(), seed);
    for last in (1..rows.len()).rev() {
        // Constants: Knuth, MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chosen = usize::try_from(state >> 33).unwrap() % (last + 1);
        rows.swap(last, chosen);
    }
    rows
}

/// A file of the shared data, or `None` after saying which suite does not run; under CI its absence is a failure.
pub(crate) fn shared(suite: &str, name: &str) -> Option<String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("PLIMSOLL_SHARED").map_or_else(beside, PathBuf::from);
    let path = root.join("data/chains").join(name);
    if path.exists() {
        return Some(path.display().to_string());
    }
    assert!(std::env::var_os("CI").is_none(), "{suite}: {name} is absent from the shared data");
    // Straight to standard error: the test harness swallows what a passing test prints.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("{suite}: not run, {name} is absent (set PLIMSOLL_SHARED)\n"),
    );
    None
}
