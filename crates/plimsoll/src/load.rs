//! From file names to a checked book, a coherent market and scenarios, each file with its hash.

use crate::cli::ReportArgs;
use crate::document::InputFile;
use crate::failure::Failure;
use crate::meter::Meter;
use book::{Book, BookBuilder};
use instrument::Specs;
use lake::{LakeError, Select, read_book, read_snapshot};
use market::{Market, RawSnapshot, Snapshot};
use risk::{CurveAxes, LadderAxes, ScenarioFile};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use units::{Asset, Issue, Issues, Spot, Timestamp};

/// The ladder and curve axes of every report, unless a scenario file brings its own.
const LADDER_TOML: &str = include_str!("../../../scenarios/ladder.toml");
/// The stress scenarios of every report, unless a scenario file is given.
const STRESS_TOML: &str = include_str!("../../../scenarios/stress.toml");
/// The sample that a report without files shows; `examples/` holds the same bytes.
const SAMPLE_BOOK: &str = include_str!("../../../examples/book.csv");
const SAMPLE_MARKET: &str = include_str!("../../../examples/market.json");

/// All inputs of a report.
pub(crate) struct Loaded {
    pub(crate) book: Book,
    pub(crate) snapshot: Snapshot,
    pub(crate) market: Market,
    pub(crate) scenarios: ScenarioFile,
    pub(crate) ladder: LadderAxes,
    pub(crate) curve: CurveAxes,
    pub(crate) inputs: Vec<InputFile>,
    pub(crate) issues: Issues,
    pub(crate) notes: Vec<String>,
}

/// Reads and checks everything that the command line names.
pub(crate) fn load(args: &ReportArgs) -> Result<Loaded, Failure> {
    let specs = Specs::embedded();
    let sample = Sample::write_if_needed(args)?;
    let (books, markets) = sample.paths(args);
    let mut inputs = Vec::new();
    let mut notes = Vec::new();
    let mut unusable = Vec::new();
    let mut desk = Desk { inputs: &mut inputs, notes: &mut notes, unusable: &mut unusable };
    let (book, mut issues) = desk.load_book(&books, &specs)?;
    let raws = desk.load_markets(&markets, args.at)?;
    if !unusable.is_empty() {
        for raw in raws {
            issues.extend(raw.issues);
        }
        return Err(Failure::Unusable { files: unusable, issues });
    }
    let (snapshot, market_issues) =
        Snapshot::admit(&raws, &specs).map_err(|e| Failure::Usage(e.to_string()))?;
    issues.extend(market_issues);
    let rates = rates(&args.rate)?;
    let market = Market::build(&snapshot, &rates);
    notes.extend(older_files(&raws));
    if let Some(coin) = rates.keys().find(|asset| market.underlyings.contains_key(asset)) {
        return Err(Failure::Usage(format!(
            "--rate {coin}: the market files quote {coin}; leave the rate or that market out"
        )));
    }
    let (scenarios, ladder, curve) = load_scenarios(&args.scenarios, &mut inputs)?;
    for input in &mut inputs {
        input.path = sample.shown(&input.path);
    }
    Ok(Loaded { book, snapshot, market, scenarios, ladder, curve, inputs, issues, notes })
}

/// A snapshot long before the time asked for is pointed out: the market of that hour is not the market asked for.
fn earlier_than_asked(file: &str, asked: Option<Timestamp>, asof: Timestamp) -> Option<String> {
    let minutes = (asked?.unix_nanos() - asof.unix_nanos()) / 60_000_000_000;
    (minutes > 60).then(|| {
        format!("{file}: the latest snapshot at or before the time asked for is {minutes} min earlier")
    })
}

/// Market files are valued at the time of the latest; one that is over a minute older is pointed out with its age.
fn older_files(raws: &[RawSnapshot]) -> Vec<String> {
    let Some(latest) = raws.iter().map(|raw| raw.asof).max() else { return Vec::new() };
    let minutes = |raw: &RawSnapshot| (latest.unix_nanos() - raw.asof.unix_nanos()) / 60_000_000_000;
    let old = raws.iter().filter(|raw| minutes(raw) > 0);
    old.map(|raw| format!("{}: as of {}, {} min before the valuation time", raw.file, raw.asof, minutes(raw)))
        .collect()
}

fn rates(given: &[(Asset, Spot)]) -> Result<BTreeMap<Asset, Spot>, Failure> {
    let mut rates = BTreeMap::new();
    for (asset, usd) in given {
        if rates.insert(asset.clone(), *usd).is_some() {
            return Err(Failure::Usage(format!("--rate {asset} is given twice")));
        }
    }
    Ok(rates)
}

/// What reading books and markets leaves behind besides their rows.
struct Desk<'a> {
    inputs: &'a mut Vec<InputFile>,
    notes: &'a mut Vec<String>,
    unusable: &'a mut Vec<LakeError>,
}

impl Desk<'_> {
    fn load_book(&mut self, files: &[PathBuf], specs: &Specs) -> Result<(Book, Issues), Failure> {
        let mut builder = BookBuilder::new("", specs);
        for path in files {
            let name = path.display().to_string();
            builder.next_file(&name);
            let mut meter = Meter::new(format!("reading {name}"));
            let mut rows = 0;
            let mut take = |row| {
                rows += 1;
                builder.add(&row);
            };
            match read_book(path, &mut take, &mut |p| meter.at(p.bytes_done, p.bytes_total)) {
                Ok(read) => {
                    if !read.unknown_columns.is_empty() {
                        self.notes
                            .push(format!("{name}: columns not used: {}", read.unknown_columns.join(", ")));
                    }
                    builder.add_issues(read.issues);
                    self.inputs.push(InputFile {
                        blake3: hash(path)?,
                        path: name,
                        role: "book",
                        rows,
                        asof: None,
                    });
                }
                Err(error) => self.unusable.push(error),
            }
        }
        Ok(builder.finish())
    }

    fn load_markets(
        &mut self,
        files: &[PathBuf],
        at: Option<Timestamp>,
    ) -> Result<Vec<RawSnapshot>, Failure> {
        let select = at.map_or(Select::Last, Select::AtOrBefore);
        let mut raws = Vec::new();
        for path in files {
            let name = path.display().to_string();
            let mut meter = Meter::new(format!("reading {name}"));
            match read_snapshot(path, select, &mut |p| meter.at(p.bytes_done, p.bytes_total)) {
                Ok(raw) => {
                    let rows = raw.rows.len() as u64;
                    let (blake3, asof) = (hash(path)?, Some(raw.asof));
                    self.notes.extend(earlier_than_asked(&name, at, raw.asof));
                    self.inputs.push(InputFile { blake3, path: name, role: "market", rows, asof });
                    raws.push(raw);
                }
                Err(error) => self.unusable.push(error),
            }
        }
        Ok(raws)
    }
}

fn load_scenarios(
    files: &[PathBuf],
    inputs: &mut Vec<InputFile>,
) -> Result<(ScenarioFile, LadderAxes, CurveAxes), Failure> {
    let bad = |issues| Failure::Scenarios { issues };
    let embedded = ScenarioFile::parse("ladder.toml", LADDER_TOML).map_err(bad)?;
    let mut axes = (embedded.ladder, embedded.curve);
    let mut all = ScenarioFile { ladder: None, curve: None, scenarios: Vec::new(), lose_each_venue: None };
    if files.is_empty() {
        all = ScenarioFile::parse("stress.toml", STRESS_TOML).map_err(bad)?;
    }
    for path in files {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
        let file = ScenarioFile::parse(&name, &text).map_err(bad)?;
        axes = (file.ladder.or(axes.0), file.curve.or(axes.1));
        let rows = file.scenarios.len() as u64;
        for scenario in file.scenarios {
            if all.scenarios.iter().any(|s| s.name == scenario.name) {
                return Err(twice(&name, &scenario.name));
            }
            all.scenarios.push(scenario);
        }
        all.lose_each_venue = file.lose_each_venue.or(all.lose_each_venue);
        inputs.push(InputFile { blake3: hash(path)?, path: name, role: "scenarios", rows, asof: None });
    }
    match axes {
        (Some(ladder), Some(curve)) => Ok((all, ladder, curve)),
        _ => Err(Failure::Input("the embedded ladder.toml lacks its axes".into())),
    }
}

fn twice(file: &str, name: &str) -> Failure {
    let mut issues = Issues::default();
    issues.push(Issue {
        file: file.into(),
        row: 0,
        field: "scenario.name".into(),
        value: name.into(),
        rule: "another file has a scenario of this name: rename one".into(),
    });
    Failure::Scenarios { issues }
}

/// BLAKE3 of a file, read in pieces; a pipe cannot be read twice and has none.
fn hash(path: &Path) -> Result<String, Failure> {
    if !path.is_file() {
        return Ok("none: not a regular file".into());
    }
    let failed = |e: std::io::Error| Failure::Input(format!("{}: cannot read: {e}", path.display()));
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let got = file.read(&mut piece).map_err(failed)?;
        let Some(bytes) = piece.get(..got).filter(|b| !b.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The embedded sample, laid out as files so that it goes through the same readers as any other; removed afterwards.
struct Sample {
    folder: Option<PathBuf>,
}

impl Sample {
    fn write_if_needed(args: &ReportArgs) -> Result<Self, Failure> {
        match (args.book.is_empty(), args.market.is_empty()) {
            (false, false) => return Ok(Self { folder: None }),
            (false, true) => return Err(Failure::Usage("pass --market FILE beside the book".into())),
            (true, false) => {
                return Err(Failure::Usage(
                    "pass a book file beside --market, or neither for the sample".into(),
                ));
            }
            (true, true) => {}
        }
        let folder = Self::new_folder()?;
        let failed = |source| Failure::Write { path: folder.clone(), source };
        for (name, text) in [("book.csv", SAMPLE_BOOK), ("market.json", SAMPLE_MARKET)] {
            std::fs::write(folder.join(name), text).map_err(failed)?;
        }
        Ok(Self { folder: Some(folder) })
    }

    /// A folder that did not exist before: what somebody else put into the system's temporary folder is never read.
    fn new_folder() -> Result<PathBuf, Failure> {
        let mut attempt = 0;
        loop {
            let folder =
                std::env::temp_dir().join(format!("plimsoll-sample-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(source) => return Err(Failure::Write { path: folder, source }),
            }
        }
    }

    fn paths(&self, args: &ReportArgs) -> (Vec<PathBuf>, Vec<PathBuf>) {
        self.folder.as_ref().map_or_else(
            || (args.book.clone(), args.market.clone()),
            |folder| (vec![folder.join("book.csv")], vec![folder.join("market.json")]),
        )
    }

    /// The sample's place on disk is of no interest and would differ between runs.
    fn shown(&self, path: &str) -> String {
        let name = Path::new(path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if self.folder.is_some() && (name == "book.csv" || name == "market.json") {
            format!("sample {name}")
        } else {
            path.into()
        }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // A leftover in the system's folder for temporary files does no harm.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
