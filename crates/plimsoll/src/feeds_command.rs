//! `plimsoll feeds`: reads recorded feeds row by row and says what is wrong with them as feeds.
//!
//! Rows of one file fall into feeds by what they quote: the options of a coin, its perpetuals, its index. The figures come from
//! [`market::feed`]; nothing here judges anything.

use crate::cli::{FeedsArgs, FeedsTableName};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::meter::Meter;
use crate::output::{Shown, Target};
use crate::render::feeds::{json, table, tables};
use crate::render::grid::Style;
use crate::render::html;
use instrument::{Specs, resolve};
use lake::{FeedLayout, FeedRow, Table, for_each_row};
use market::feed::{FeedMonitor, FeedReport, Moves, Observation};
use market::{Layout, RawQuote};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use units::{Issues, Symbol, Timestamp, Venue};

/// Recorded feeds with their provenance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeedsDocument {
    /// Files, each with its hash and the time of its last row.
    pub(crate) inputs: Vec<InputFile>,
    /// Rows that cannot be read, left out because the user allowed it.
    pub(crate) issues: Issues,
    /// In the order of the files, then by name.
    pub(crate) feeds: Vec<Feed>,
}

/// One feed of one file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feed {
    /// Which file.
    pub(crate) file: String,
    /// What it quotes: `BTC option`, `ETH index`, `close`.
    pub(crate) name: String,
    /// The figure whose moves are judged.
    pub(crate) main_figure: &'static str,
    /// How moves are measured.
    pub(crate) moves: Moves,
    /// What was seen.
    pub(crate) report: FeedReport,
}

/// Runs the command; the exit code says whether rows were left out.
pub(crate) fn run(args: &FeedsArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(&args.file)?;
    let document = document(args)?;
    target.write(&document)?;
    if document.issues.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("plimsoll: PARTIAL: rows that cannot be read, left out: {}", document.issues.rows());
    Ok(ExitCode::from(4))
}

fn document(args: &FeedsArgs) -> Result<FeedsDocument, Failure> {
    let mut document = FeedsDocument { inputs: Vec::new(), issues: Issues::default(), feeds: Vec::new() };
    let mut unusable = Vec::new();
    let specs = Specs::embedded();
    for path in &args.file {
        match read(path, &specs, &mut document) {
            Ok(()) => {}
            Err(Failure::File(error)) => unusable.push(error),
            Err(other) => return Err(other),
        }
    }
    if !unusable.is_empty() {
        return Err(Failure::Unusable { files: unusable, issues: document.issues });
    }
    if !document.issues.is_empty() && !args.allow_partial {
        return Err(Failure::Unreadable { issues: document.issues });
    }
    Ok(document)
}

fn read(path: &Path, specs: &Specs, document: &mut FeedsDocument) -> Result<(), Failure> {
    let name = path.display().to_string();
    let mut meter = Meter::new(format!("reading {name}"));
    let mut sorter = Sorter::new(specs);
    let mut take = |layout, row: FeedRow| sorter.take(layout, &row);
    let read = for_each_row(path, &mut take, &mut |p| meter.at(p.bytes_done, p.bytes_total))?;
    document.issues.extend(read.issues);
    let feeds = sorter.feeds(&name);
    let asof = feeds.iter().filter_map(|feed| feed.report.last).max();
    let blake3 = hash(path)?;
    document.inputs.push(InputFile { path: name, role: "feed", blake3, rows: read.rows, asof });
    document.feeds.extend(feeds);
    Ok(())
}

/// Sorts the rows of one file into feeds.
struct Sorter<'a> {
    specs: &'a Specs,
    monitors: BTreeMap<String, Followed>,
    /// Feed and coin of each instrument, found once.
    known: BTreeMap<String, Quoted>,
}

struct Followed {
    main_figure: &'static str,
    moves: Moves,
    monitor: FeedMonitor,
    newest: Option<Timestamp>,
}

/// What an instrument is.
#[derive(Debug, Clone)]
struct Quoted {
    feed: String,
    /// The feed of its underlying's index; none for symbols that do not resolve.
    index: Option<String>,
    is_option: bool,
}

impl<'a> Sorter<'a> {
    const fn new(specs: &'a Specs) -> Self {
        Self { specs, monitors: BTreeMap::new(), known: BTreeMap::new() }
    }

    fn take(&mut self, layout: FeedLayout, row: &FeedRow) {
        match (layout, row) {
            (_, FeedRow::Quote(quote)) => self.quote(layout, quote),
            (FeedLayout::Series(main), FeedRow::Point(point)) => {
                let moves = if main == "funding_rate" { Moves::Plain } else { Moves::Log };
                let observation =
                    Observation { value: point.value, ..Observation::at(main, point.row, point.time) };
                self.followed(main, main, moves).monitor.observe(&observation);
            }
            (FeedLayout::Market(_), FeedRow::Point(_)) => {}
        }
    }

    fn quote(&mut self, layout: FeedLayout, quote: &RawQuote) {
        let Some(time) = quote.timestamp else { return };
        let quoted = self.quoted(quote);
        // An option's mark moves with its distance from the money; its vol is what can be compared with its past.
        let (main_figure, value, companion) = if quoted.is_option {
            ("mark_vol", quote.mark_vol, quote.mark_price)
        } else {
            ("mark_price", quote.mark_price, quote.mark_vol)
        };
        let (bid, ask) = (quote.bid_price, quote.ask_price);
        let stream = quote.instrument_name.as_str();
        let observation =
            Observation { value, companion, bid, ask, ..Observation::at(stream, quote.row, time) };
        self.followed(&quoted.feed, main_figure, Moves::Log).monitor.observe(&observation);
        let is_grouped = matches!(layout, FeedLayout::Market(Layout::Chain | Layout::RecorderChain));
        if let Some(index) = quoted.index.filter(|_| is_grouped && quote.index_price.is_some()) {
            let followed = self.followed(&index, "index_price", Moves::Log);
            // Every row of a snapshot repeats the index: the first of each time is the observation.
            if followed.newest.replace(time) != Some(time) {
                let value = quote.index_price;
                followed.monitor.observe(&Observation { value, ..Observation::at(&index, quote.row, time) });
            }
        }
    }

    fn followed(&mut self, feed: &str, main_figure: &'static str, moves: Moves) -> &mut Followed {
        let fresh = || Followed { main_figure, moves, monitor: FeedMonitor::new(moves), newest: None };
        self.monitors.entry(feed.to_owned()).or_insert_with(fresh)
    }

    fn quoted(&mut self, quote: &RawQuote) -> Quoted {
        if let Some(quoted) = self.known.get(&quote.instrument_name) {
            return quoted.clone();
        }
        let quoted = self.resolved(quote).unwrap_or_else(|| Quoted {
            feed: "symbols that do not resolve".to_owned(),
            index: None,
            is_option: quote.mark_vol.is_some(),
        });
        self.known.insert(quote.instrument_name.clone(), quoted.clone());
        quoted
    }

    fn resolved(&self, quote: &RawQuote) -> Option<Quoted> {
        let venue = Venue::new(quote.venue.as_deref().unwrap_or("deribit")).ok()?;
        let symbol = Symbol::new(&quote.instrument_name).ok()?;
        let resolved = resolve(&venue, &symbol, self.specs).ok()?;
        let contract = &resolved.legs.first()?.listing.contract;
        let kind = if resolved.legs.len() > 1 { "combo" } else { contract.kind_word() };
        let underlying = &contract.underlying;
        Some(Quoted {
            feed: format!("{underlying} {kind}"),
            index: Some(format!("{underlying} index")),
            is_option: kind == "option",
        })
    }

    fn feeds(self, file: &str) -> Vec<Feed> {
        let feed = |(name, followed): (String, Followed)| Feed {
            file: file.to_owned(),
            name,
            main_figure: followed.main_figure,
            moves: followed.moves,
            report: followed.monitor.report(),
        };
        self.monitors.into_iter().map(feed).collect()
    }
}

impl Shown for FeedsDocument {
    type TableName = FeedsTableName;

    fn text(&self, style: Style) -> String {
        table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    fn html(&self) -> String {
        html::feeds(self)
    }

    fn table(&self, name: FeedsTableName) -> Table {
        tables::table(self, name)
    }
}
