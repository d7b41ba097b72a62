//! `plimsoll run`: the engine over a journal, fed from recorded chains and files of fills.
//!
//! Every snapshot becomes one event, clock and quotes together; fills come in between by their times. A commit ends each snapshot, so
//! that a run that was killed goes on after the last snapshot that is durable. The opening book goes in once, when the journal is empty;
//! policy and rates whenever the configuration has others than the journal.

mod page;

use super::config::RunConfig;
use super::serving::logs;
use super::{ID, genesis, journal_failure};
use crate::alerting::{Alerting, ChannelSummary, GRACE, Prepared, SHORT_GRACE, Summary};
use crate::cli::{ReportForm, RunArgs};
use crate::failure::Failure;
use crate::load::load_added;
use crate::meter::Meter;
use crate::output::put;
use crate::render::json::pretty;
use book::{Book, Place};
use engine::{Command, Engine, Event, Item, Level, Output, ReportedEvent, ReportedPosition};
use journal::{Batching, Config, RealDisk, Rederive, Released, Retention, Runner, Seq};
use lake::for_each_snapshot;
use market::RawSnapshot;
use page::Page;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;
use units::{Account, Chain, Timestamp, Venue};

/// What a run came to.
#[derive(Default)]
struct Tally {
    snapshots: u64,
    skipped: u64,
    events: u64,
    refused: u64,
    quotes_refused: u64,
    levels: u64,
    fills_left: u64,
    fills_skipped: u64,
    more: u64,
    lines: Vec<String>,
}

#[derive(Serialize)]
struct RunJson {
    schema: &'static str,
    journal: String,
    recovered_records: u64,
    cut: Option<String>,
    snapshots_taken: u64,
    snapshots_skipped: u64,
    events: u64,
    refused: u64,
    quotes_refused: u64,
    levels_crossed: u64,
    fills_after_the_last_snapshot: u64,
    fills_left_out: u64,
    head: String,
    state: &'static str,
    valued_at: Timestamp,
    partial: bool,
    unpriced: Vec<String>,
    exposure: BTreeMap<String, BTreeMap<&'static str, units::Fixed>>,
    lines: Vec<String>,
    alerts: Vec<ChannelSummary>,
}

/// Runs the command.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    page::check(args)?;
    let config = RunConfig::read(&args.config)?;
    let fills = super::fills::read(config.fills.as_deref())?;
    for path in &config.market {
        std::fs::metadata(path)
            .map_err(|error| Failure::Input(format!("{}: cannot read: {error}", path.display())))?;
    }
    let policy = policy_text(&config)?;
    let prepared = prepared(args, &config, &policy)?;
    let book = opening_book(&config)?;
    let disk = RealDisk::create(&config.journal)
        .map_err(|error| Failure::Input(format!("{}: {error}", config.journal.display())))?;
    // Where it cannot listen nothing has begun.
    let page = Page::open(args, &config.journal)?;
    let durable = Config {
        segment_bytes: 32 << 20,
        // A snapshot is one commit, and so is an opening book.
        batching: Batching { max_records: 1 << 20, max_bytes: 24 << 20 },
        retention: Retention::Everything,
        snapshot_every: config.snapshot_every,
    };
    let created = Timestamp::from_unix_nanos(0);
    let rederive = prepared.as_ref().map_or(Rederive::Nothing, Prepared::rederive);
    let (runner, recovered) =
        Runner::open(disk, ID, durable, &genesis(), created, rederive).map_err(journal_failure)?;
    let mut session = Session { runner, tally: Tally::default(), alerting: None, page: None };
    for (file, reason) in &recovered.refused {
        session.tally.lines.push(format!("snapshot of the state not used: {file}: {reason}"));
    }
    let is_new = recovered.opened.head.seq == Seq::ZERO;
    let prepared = if is_new { prepared.map(Prepared::anew) } else { prepared };
    let start = |head| prepared.map(|prepared| prepared.start(head, &recovered.outputs)).transpose();
    if is_new {
        session.agree(&config, &policy)?;
        session.open_book(&book)?;
        // What is held at the start is no news.
        session.alerting = start(session.runner.journal().head().seq)?;
    } else {
        session.alerting = start(recovered.opened.head.seq)?;
        session.agree(&config, &policy)?;
    }
    session.page = page;
    let fed = session.feed(&config, fills).and_then(|()| session.stay());
    let is_interrupted = session.page.as_ref().is_some_and(Page::is_over);
    let grace = if is_interrupted { SHORT_GRACE } else { GRACE };
    let alerts = session.alerting.take().map(|alerting| alerting.finish(grace)).unwrap_or_default();
    let code = super::delivered(&alerts);
    fed?;
    let cut = recovered
        .opened
        .cut
        .as_ref()
        .map(|cut| format!("{}, byte {}, {} bytes, never acknowledged", cut.file, cut.offset, cut.bytes));
    let text = match args.format {
        ReportForm::Table => session.table(&config, recovered.opened.head.seq, cut.as_deref(), &alerts),
        ReportForm::Json => session.json(&config, recovered.opened.head.seq, cut, &alerts)?,
    };
    put(None, text.as_bytes())?;
    let unpriced = unpriced(session.runner.machine()).len();
    let Tally { refused, quotes_refused, .. } = session.tally;
    if unpriced == 0 && refused == 0 && quotes_refused == 0 {
        return Ok(code);
    }
    eprintln!(
        "plimsoll: PARTIAL: positions and balances not valued: {unpriced}; events refused: {refused}; faults in rows of quotes: \
         {quotes_refused}"
    );
    Ok(ExitCode::from(4))
}

/// The limits, checked; empty without a file. One with mistakes must not be found out when it is in the journal.
fn policy_text(config: &RunConfig) -> Result<String, Failure> {
    let Some(path) = &config.policy else { return Ok(String::new()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("{}: cannot read: {error}", path.display())))?;
    engine::Policy::parse(&path.display().to_string(), &text, &instrument::Specs::embedded())
        .map_err(|issues| Failure::Input(issues.to_string()))?;
    Ok(text)
}

/// Routes of alerts, if there are any.
fn prepared(args: &RunArgs, config: &RunConfig, policy: &str) -> Result<Option<Prepared>, Failure> {
    let Some(path) = args.alerts.as_deref().or(config.alerts.as_deref()) else { return Ok(None) };
    logs();
    super::prepared(path, &config.journal, policy).map(Some)
}

fn opening_book(config: &RunConfig) -> Result<Book, Failure> {
    let (book, issues) = load_added(&config.book, &mut Vec::new())?;
    if issues.is_empty() { Ok(book) } else { Err(Failure::BadRows { issues: Box::new(issues) }) }
}

/// What is held and has no value, with the reason.
fn unpriced(engine: &Engine) -> Vec<String> {
    let name = |item: &Item| match item {
        Item::Position(place, symbol) => format!("{place} {symbol}"),
        Item::Balance(place, asset) => format!("{place} {asset}"),
    };
    let items = engine.views().items().into_iter();
    items.filter_map(|(item, valued)| Some(format!("{}: {}", name(&item), valued.rows.err()?))).collect()
}

/// The rulebooks that a policy's margins may need and the engine does not have as this program has them.
fn rulebooks(engine: &Engine, policy: &str) -> Result<Vec<Event>, Failure> {
    let specs = instrument::Specs::embedded();
    let Ok(policy) = engine::Policy::parse("policy", policy, &specs) else { return Ok(Vec::new()) };
    let Some(rules) = policy.margin else { return Ok(Vec::new()) };
    super::rulebooks(|book| {
        let own = engine.margins().rulebooks().get(&book.header.id);
        let is_named = rules.rulebooks.values().any(|id| *id == book.header.id);
        let has = own.is_some_and(|own| own.parameter_hash == book.parameter_hash);
        !has && (is_named || !book.header.venues.is_empty())
    })
}

struct Session {
    runner: Runner<Engine, RealDisk>,
    tally: Tally,
    alerting: Option<Alerting>,
    page: Option<Page>,
}

impl Session {
    fn submit(&mut self, time: Timestamp, event: &Event) -> Result<(), Failure> {
        let seq = self.runner.submit(time, event).map_err(journal_failure)?;
        if let Some(alerting) = &mut self.alerting {
            alerting.stamp(seq, time);
        }
        self.tally.events += 1;
        Ok(())
    }

    /// Makes what is pending durable and takes its outputs.
    fn commit(&mut self) -> Result<Vec<Released<Output>>, Failure> {
        let durable = self.runner.commit().map_err(journal_failure)?;
        if let Some(alerting) = &mut self.alerting {
            alerting.release(&durable.outputs, self.runner.journal().head().seq);
        }
        for Released { output, .. } in &durable.outputs {
            self.tally.note(output);
        }
        if let Some(page) = &mut self.page {
            page.show(self.runner.machine(), self.runner.journal().head(), &durable.outputs);
        }
        if self.runner.is_snapshot_due() {
            self.runner.write_snapshot().map_err(journal_failure)?;
        }
        Ok(durable.outputs)
    }

    /// Carries out what people at the page ask for; true when somebody did.
    fn obey(&mut self) -> Result<bool, Failure> {
        let mut acted = false;
        while let Some(asked) = self.page.as_mut().and_then(Page::asked) {
            if let Err(refusal) = asked.check(self.runner.machine()) {
                asked.answer(Err(refusal));
                continue;
            }
            let now = self.runner.machine().now();
            self.submit(now, &asked.event())?;
            let refused = self.tally.refused;
            let outputs = self.commit()?;
            // What a person is refused is told to that person; it is no fault of the files.
            self.tally.refused = refused;
            asked.answer_of(self.runner.journal().head().seq, &outputs);
            acted = true;
        }
        Ok(acted)
    }

    /// Waits until a snapshot is due, and listens meanwhile; false once Ctrl-C was pressed.
    fn wait_for(&mut self, snapshot: Timestamp) -> Result<bool, Failure> {
        loop {
            let acted = self.obey()?;
            let Some(page) = &mut self.page else { return Ok(true) };
            if acted {
                page.settle(self.runner.machine(), self.runner.journal().head());
            }
            if page.is_over() {
                return Ok(false);
            }
            match page.until(snapshot) {
                Duration::ZERO => return Ok(true),
                left => page.pause(left),
            }
        }
    }

    /// The recordings are over: what is shown stays, and people may act, until Ctrl-C.
    fn stay(&mut self) -> Result<(), Failure> {
        let Some(page) = &mut self.page else { return Ok(()) };
        page.settle(self.runner.machine(), self.runner.journal().head());
        if !page.is_over() {
            eprintln!("plimsoll run: the recordings are over; the page stays until Ctrl-C");
        }
        while self.wait_for_somebody()? {}
        Ok(())
    }

    /// One look at who asks; false once Ctrl-C was pressed.
    fn wait_for_somebody(&mut self) -> Result<bool, Failure> {
        let acted = self.obey()?;
        let Some(page) = &mut self.page else { return Ok(false) };
        if acted {
            page.settle(self.runner.machine(), self.runner.journal().head());
        }
        page.pause(Duration::MAX);
        Ok(!page.is_over())
    }

    /// Policy and rates as the configuration has them: what differs from the journal goes in as events, at the time of its clock.
    fn agree(&mut self, config: &RunConfig, policy: &str) -> Result<(), Failure> {
        let engine = self.runner.machine();
        let time = engine.now();
        let mut events = Vec::new();
        if !policy.is_empty() && engine.policy_text() != policy {
            events.push(Event::Policy { text: policy.to_owned() });
        }
        events.extend(rulebooks(engine, policy)?);
        for (asset, usd) in &config.rates {
            if engine.rates().get(asset) != Some(usd) {
                events.push(Event::Rate { asset: asset.clone(), usd: Some(*usd) });
            }
        }
        let gone = engine.rates().keys().filter(|asset| !config.rates.contains_key(*asset));
        events.extend(gone.map(|asset| Event::Rate { asset: asset.clone(), usd: None }));
        for event in &events {
            self.submit(time, event)?;
        }
        self.commit().map(drop)
    }

    /// What is held at the start, once, in one commit.
    fn open_book(&mut self, book: &Book) -> Result<(), Failure> {
        let time = self.runner.machine().now();
        for (place, reported) in reports(book, time) {
            self.submit(time, &Event::Reported(reported))?;
            let command = Command::Adopt { place };
            self.submit(time, &Event::Operator { who: "opening book".into(), command })?;
        }
        self.commit()?;
        // Before the first snapshot nothing has a value: that is no news.
        self.tally.lines.retain(|line| !line.starts_with("no value") && !line.starts_with("stale"));
        Ok(())
    }

    fn feed(&mut self, config: &RunConfig, mut fills: Vec<(Timestamp, Event)>) -> Result<(), Failure> {
        // What came before the last durable clock is in the journal, or came too late for it.
        let done = self.runner.machine().now();
        let all = fills.len();
        let outside = |time: &Timestamp| {
            config.from.is_some_and(|from| *time < from) || config.to.is_some_and(|to| *time > to)
        };
        fills.retain(|(time, _)| *time > done && !outside(time));
        self.tally.fills_skipped = (all - fills.len()) as u64;
        let mut fills = fills.into_iter().peekable();
        // Files follow each other: two of one period would have to be merged.
        let mut before: Option<(String, Timestamp)> = None;
        for path in &config.market {
            let mut meter = Meter::new(format!("running {}", path.display()));
            let (mut failed, mut last) = (None, None);
            let mut take = |raw: RawSnapshot| {
                if let Some((earlier, end)) = &before
                    && raw.asof <= *end
                {
                    failed = Some(Failure::Input(format!(
                        "{}: has a snapshot of {}, not after {end}, where {earlier} ends: name files in the order of time, one of each \
                         period (chains of two coins in one file)",
                        path.display(),
                        raw.asof
                    )));
                    return ControlFlow::Break(());
                }
                last = Some(raw.asof);
                match self.snapshot(config, &raw, &mut fills) {
                    Ok(true) => ControlFlow::Continue(()),
                    Ok(false) => ControlFlow::Break(()),
                    Err(failure) => {
                        failed = Some(failure);
                        ControlFlow::Break(())
                    }
                }
            };
            for_each_snapshot(path, &mut take, &mut |p| meter.at(p.bytes_done, p.bytes_total))?;
            drop(meter);
            if let Some(failure) = failed {
                return Err(failure);
            }
            before = last.map(|last| (path.display().to_string(), last)).or(before);
        }
        // A run goes on after its last clock, so what is later than that belongs to the run that reaches it: taken now, it would be taken
        // again then.
        self.tally.fills_left = fills.count() as u64;
        self.commit().map(drop)
    }

    /// One snapshot; false when the end of the run has come.
    fn snapshot(
        &mut self,
        config: &RunConfig,
        raw: &RawSnapshot,
        fills: &mut std::iter::Peekable<impl Iterator<Item = (Timestamp, Event)>>,
    ) -> Result<bool, Failure> {
        if config.to.is_some_and(|to| raw.asof > to) {
            return Ok(false);
        }
        let is_done = raw.asof <= self.runner.machine().now();
        if is_done || config.from.is_some_and(|from| raw.asof < from) {
            self.tally.skipped += 1;
            // Much may be skipped, and people are listened to meanwhile.
            self.obey()?;
            return Ok(!self.page.as_ref().is_some_and(Page::is_over));
        }
        if !self.wait_for(raw.asof)? {
            return Ok(false);
        }
        while let Some((time, event)) = fills.next_if(|(time, _)| *time <= raw.asof) {
            self.submit(time, &event)?;
        }
        // What the reader could not read is in no event; it is counted with the rows that the engine refuses.
        self.tally.quotes_refused += raw.issues.total();
        self.submit(raw.asof, &Event::Snapshot { feed: raw.file.clone(), rows: raw.rows.clone() })?;
        self.tally.snapshots += 1;
        self.commit()?;
        Ok(true)
    }

    fn table(&self, config: &RunConfig, recovered: Seq, cut: Option<&str>, alerts: &Summary) -> String {
        let (tally, engine) = (&self.tally, self.runner.machine());
        let mut out = format!("journal    {}\n", config.journal.display());
        if recovered > Seq::ZERO {
            out.push_str(&format!("recovered  {recovered} events\n"));
        }
        if let Some(cut) = cut {
            out.push_str(&format!("cut off    {cut}\n"));
        }
        out.push_str(&format!(
            "run        {} snapshots ({} before from or in the journal already), {} events; refused: {} events, {} faults in rows of quotes\n",
            tally.snapshots, tally.skipped, tally.events, tally.refused, tally.quotes_refused
        ));
        if tally.fills_skipped > 0 {
            out.push_str(&format!(
                "left out   {} fills and payments outside from and to, or not after the journal's clock\n",
                tally.fills_skipped
            ));
        }
        if tally.fills_left > 0 {
            out.push_str(&format!(
                "left       {} fills and payments after the last snapshot: the run that reaches them takes them\n",
                tally.fills_left
            ));
        }
        for line in &tally.lines {
            out.push_str(&format!("  {line}\n"));
        }
        if tally.more > 0 {
            out.push_str(&format!("  and {} more: plimsoll replay --outputs\n", tally.more));
        }
        out.push_str(&format!(
            "book       {}, valued at {}; levels crossed: {}\n",
            engine.state().word(),
            engine.now(),
            tally.levels
        ));
        let unknown = engine.views().items().values().filter(|valued| valued.gain_unknown).count();
        if unknown > 0 {
            out.push_str(&format!(
                "entries    {unknown} futures and perpetuals have no average price: their gain is in no value, and a fill that reduces \
                 one is refused\n"
            ));
        }
        let unpriced = unpriced(engine);
        if !unpriced.is_empty() {
            out.push_str(&format!(
                "PARTIAL    the sums below lack {} positions and balances:\n",
                unpriced.len()
            ));
            unpriced.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
        for (name, figures) in exposure(engine) {
            let words: Vec<String> =
                figures.iter().map(|(key, value)| format!("{key} {}", value.to_decimal_text(2))).collect();
            out.push_str(&format!("  {name}: {}\n", words.join(", ")));
        }
        out.push_str(&alerts.lines());
        out.push_str(&format!("head       {}\n", self.runner.journal().head()));
        out
    }

    fn json(
        &self,
        config: &RunConfig,
        recovered: Seq,
        cut: Option<String>,
        alerts: &Summary,
    ) -> Result<String, Failure> {
        let (tally, engine) = (&self.tally, self.runner.machine());
        let value = RunJson {
            schema: "plimsoll.run/1",
            journal: config.journal.display().to_string(),
            recovered_records: recovered.get(),
            cut,
            snapshots_taken: tally.snapshots,
            snapshots_skipped: tally.skipped,
            events: tally.events,
            refused: tally.refused,
            quotes_refused: tally.quotes_refused,
            levels_crossed: tally.levels,
            fills_after_the_last_snapshot: tally.fills_left,
            fills_left_out: tally.fills_skipped,
            head: self.runner.journal().head().to_string(),
            state: engine.state().word(),
            valued_at: engine.now(),
            partial: !unpriced(engine).is_empty(),
            unpriced: unpriced(engine),
            exposure: exposure(engine),
            lines: tally.lines.clone(),
            alerts: alerts.0.clone(),
        };
        pretty(&value).map_err(|error| Failure::Input(error.to_string()))
    }
}

impl Tally {
    /// Counts an output; levels, states and what was refused are kept in words.
    fn note(&mut self, output: &Output) {
        /// So many lines; a journal has the rest.
        const KEPT: usize = 50;
        let keep = match output {
            Output::Value { lost, .. } => lost.is_some(),
            Output::Refused { .. } => {
                self.refused += 1;
                true
            }
            Output::QuoteRefused(_) => {
                self.quotes_refused += 1;
                false
            }
            Output::Level(change) => {
                self.levels += 1;
                change.to == Level::Hard || change.from == Level::Hard
            }
            Output::Stale { stale, .. } => *stale,
            Output::Difference { .. } | Output::Reconciled { .. } | Output::Posted(_) => false,
            _ => true,
        };
        if keep && self.lines.len() < KEPT {
            self.lines.push(output.to_string());
        } else if keep {
            self.more += 1;
        }
    }
}

/// What a book holds, as each place's venue would report it.
fn reports(book: &Book, time: Timestamp) -> BTreeMap<Place, ReportedEvent> {
    let mut places: BTreeMap<Place, ReportedEvent> = BTreeMap::new();
    for held in &book.positions {
        let place = place(&held.account, &held.venue, &held.chain);
        report_of(&mut places, place, time).positions.push(ReportedPosition {
            symbol: held.listing.symbol.clone(),
            quantity: held.quantity,
            average_price: held.average_price,
        });
    }
    for held in &book.balances {
        let place = place(&held.account, &held.venue, &held.chain);
        let balance = (held.money.asset.clone(), held.money.amount);
        report_of(&mut places, place, time).balances.push(balance);
    }
    places
}

fn place(account: &Account, venue: &Venue, chain: &Chain) -> Place {
    Place { account: account.clone(), venue: venue.clone(), chain: chain.clone() }
}

fn report_of(
    places: &mut BTreeMap<Place, ReportedEvent>,
    place: Place,
    time: Timestamp,
) -> &mut ReportedEvent {
    let empty = ReportedEvent { place: place.clone(), positions: Vec::new(), balances: Vec::new(), time };
    places.entry(place).or_insert(empty)
}

/// Value, delta, gamma and vega by underlying, of everything that could be valued.
fn exposure(engine: &Engine) -> BTreeMap<String, BTreeMap<&'static str, units::Fixed>> {
    use risk::Measure;
    let mut sums: BTreeMap<String, BTreeMap<&'static str, units::Fixed>> = BTreeMap::new();
    for row in engine.views().items().into_values().filter_map(|valued| valued.rows.ok()).flatten() {
        let figures = sums.entry(row.underlying.to_string()).or_default();
        for measure in [Measure::Value, Measure::Delta, Measure::Gamma, Measure::Vega] {
            *figures.entry(measure.usd_key()).or_default() += row.exposure.in_usd(measure);
        }
    }
    sums
}
