//! From file names to a checked book, a coherent market, scenarios and rulebooks, each file with its hash.
//!
//! Every command that takes a book and a market reads them here, by [`load`]; what only one of them needs is a module.

mod rulebooks;
mod sample;
mod scenarios;

pub(crate) use rulebooks::{Rules, checked, places, rule_files};
pub(crate) use scenarios::{Scenarios, load_scenarios};

use crate::cli::InputArgs;
use crate::document::InputFile;
use crate::failure::Failure;
use crate::meter::Meter;
use book::{Book, BookBuilder};
use instrument::Specs;
use lake::{LakeError, Select, read_book, read_snapshot};
use market::surface::SkewStickiness;
use market::{Market, RawSnapshot, Snapshot};
use sample::Sample;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use units::{Asset, Issues, Spot, Timestamp};

/// A book on a market.
pub(crate) struct Loaded {
    pub(crate) book: Book,
    pub(crate) snapshot: Snapshot,
    pub(crate) market: Market,
    pub(crate) inputs: Vec<InputFile>,
    pub(crate) issues: Issues,
    pub(crate) notes: Vec<String>,
}

/// Reads and checks the book and the market that the command line names.
pub(crate) fn load(args: &InputArgs) -> Result<Loaded, Failure> {
    let specs = Specs::embedded();
    let sample = Sample::write_if_needed(args)?;
    let (books, markets) = sample.paths(args);
    let mut desk = Desk::new(&sample);
    let (book, mut issues) = desk.load_book(&books, &specs)?;
    let raws = desk.load_markets(&markets, args.at)?;
    let Desk { inputs, mut notes, unusable, .. } = desk;
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
    let market = Market::build(&snapshot, &rates).with_surfaces(&snapshot, args.vols.into());
    notes.extend(older_files(&raws));
    if let Some(coin) = rates.keys().find(|asset| market.underlyings.contains_key(asset)) {
        return Err(Failure::Usage(format!(
            "--rate {coin}: the market files quote {coin}; leave the rate or that market out"
        )));
    }
    let market = with_stickiness(market, &args.skew_stickiness, &mut notes)?;
    Ok(Loaded { book, snapshot, market, inputs, issues, notes })
}

/// How smiles move, as the command line says; an underlying without a surface has no smile to move.
fn with_stickiness(
    mut market: Market,
    given: &[(Asset, SkewStickiness)],
    notes: &mut Vec<String>,
) -> Result<Market, Failure> {
    for (asset, ratio) in given {
        let Some(underlying) = market.underlyings.get(asset) else {
            let known: Vec<&str> = market.underlyings.keys().map(Asset::as_str).collect();
            let known = known.join(", ");
            return Err(Failure::Usage(format!(
                "--skew-stickiness {asset}: not in the market files, which have {known}"
            )));
        };
        if underlying.families.values().all(|family| family.surface.is_none()) {
            notes
                .push(format!("{asset}: no vol surface could be fitted, so --skew-stickiness moves nothing"));
        }
        if market.stickiness.insert(asset.clone(), *ratio).is_some() {
            return Err(Failure::Usage(format!("--skew-stickiness {asset} is given twice")));
        }
    }
    Ok(market)
}

/// Reads book files that stand beside the book: rows that repeat those of the book are no duplicates. None of them may be
/// unusable.
pub(crate) fn load_added(files: &[PathBuf], inputs: &mut Vec<InputFile>) -> Result<(Book, Issues), Failure> {
    let specs = Specs::embedded();
    let sample = Sample::none();
    let mut desk = Desk::new(&sample);
    let (book, issues) = desk.load_book(files, &specs)?;
    if !desk.unusable.is_empty() {
        return Err(Failure::Unusable { files: desk.unusable, issues });
    }
    inputs.extend(desk.inputs.into_iter().map(|input| InputFile { role: "added", ..input }));
    Ok((book, issues))
}

/// A market without a book.
pub(crate) struct LoadedMarket {
    pub(crate) snapshot: Snapshot,
    pub(crate) market: Market,
    pub(crate) inputs: Vec<InputFile>,
    pub(crate) issues: Issues,
    pub(crate) notes: Vec<String>,
}

/// Reads and checks market files alone; none means the embedded sample.
pub(crate) fn load_market(files: &[PathBuf], at: Option<Timestamp>) -> Result<LoadedMarket, Failure> {
    let specs = Specs::embedded();
    let sample = Sample::of_market(files)?;
    let mut desk = Desk::new(&sample);
    let raws = desk.load_markets(&sample.markets(files), at)?;
    let Desk { inputs, mut notes, unusable, .. } = desk;
    if !unusable.is_empty() {
        let mut issues = Issues::default();
        for raw in raws {
            issues.extend(raw.issues);
        }
        return Err(Failure::Unusable { files: unusable, issues });
    }
    let (snapshot, issues) = Snapshot::admit(&raws, &specs).map_err(|e| Failure::Usage(e.to_string()))?;
    let market = Market::build(&snapshot, &BTreeMap::new());
    notes.extend(older_files(&raws));
    Ok(LoadedMarket { snapshot, market, inputs, issues, notes })
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

pub(crate) fn rates(given: &[(Asset, Spot)]) -> Result<BTreeMap<Asset, Spot>, Failure> {
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
    sample: &'a Sample,
    inputs: Vec<InputFile>,
    notes: Vec<String>,
    unusable: Vec<LakeError>,
}

impl<'a> Desk<'a> {
    const fn new(sample: &'a Sample) -> Self {
        Self { sample, inputs: Vec::new(), notes: Vec::new(), unusable: Vec::new() }
    }

    fn load_book(&mut self, files: &[PathBuf], specs: &Specs) -> Result<(Book, Issues), Failure> {
        let mut builder = BookBuilder::new("", specs);
        for path in files {
            let name = self.sample.shown(path);
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
            let name = self.sample.shown(path);
            let mut meter = Meter::new(format!("reading {name}"));
            match read_snapshot(path, select, &mut |p| meter.at(p.bytes_done, p.bytes_total)) {
                Ok(raw) => {
                    let rows = raw.rows.len() as u64;
                    let (blake3, asof) = (hash(path)?, Some(raw.asof));
                    self.notes.extend(earlier_than_asked(&name, at, raw.asof));
                    self.inputs.push(InputFile { blake3, path: name, role: "market", rows, asof });
                    raws.push(raw);
                }
                Err(LakeError::NoSnapshot { wanted, first, last, count, .. }) => {
                    self.unusable.push(LakeError::NoSnapshot { file: name, wanted, first, last, count });
                }
                Err(error) => self.unusable.push(error),
            }
        }
        Ok(raws)
    }
}

/// BLAKE3 of a file, read in pieces; a pipe cannot be read twice and has none.
pub(crate) fn hash(path: &Path) -> Result<String, Failure> {
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
