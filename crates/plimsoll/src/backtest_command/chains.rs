//! Kind `chains`: files → histories; every position under every policy → figures, plots and a log of trades.

use super::chains_tables as tables;
use super::plotted::Plotted;
use super::recordings::{Recordings, Window};
use crate::cli::BacktestArgs;
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::measure_commands::Sheet;
use crate::meter::Meter;
use crate::output::{TableNames, Target};
use crate::render::html::Plot;
use backtest::chains::{ChainsSpec, History, Pooled, Ran, Recording, Sweep, Trade, Why, pooled, sweep};
use clap::ValueEnum;
use lake::Progress;
use market::{Market, Snapshot};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use units::Timestamp;

/// Tables of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ChainsTableName {
    /// Each policy and delta over all kinds of positions
    Policies,
    /// Each kind of position under each policy and delta, with its differences from clocks
    Results,
    /// P&L by part and by greeks
    Explain,
    /// What was opened, and what was not, by reason
    Entries,
    /// What was recorded, and what is not used of it
    History,
}

impl TableNames for ChainsTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Results => "results",
            Self::Explain => "explain",
            Self::Entries => "entries",
            Self::History => "history",
        }
    }
}

pub(super) fn run(args: &BacktestArgs, spec: &ChainsSpec) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, super::table::<ChainsTableName>(args)?);
    target.check([&args.spec])?;
    let document = document(args, spec.clone())?;
    target.write(&document)?;
    Ok(document.sheet.exit_code())
}

fn document(args: &BacktestArgs, mut spec: ChainsSpec) -> Result<Plotted<ChainsTableName>, Failure> {
    let mut notes = find(args, &mut spec)?;
    let mut meter = Meter::new("reading recordings");
    let total: u64 =
        spec.files.chains.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|m| m.len()).sum();
    let (mut before, mut last) = (0, 0);
    let mut progress = |done: Progress| {
        // A file that begins anew has ended the one before.
        if done.bytes_done < last {
            before += last;
        }
        last = done.bytes_done;
        meter.at(before + last, total);
    };
    let read = spec.read(&mut progress).map_err(|error| Failure::Input(error.to_string()))?;
    drop(meter);
    let (histories, issues) = read;
    if !issues.is_empty() && !args.allow_partial {
        return Err(Failure::Unreadable { issues });
    }
    let sweep = swept(args, &mut spec, &histories)?;
    if sweep.cells.is_empty() {
        return Err(Failure::Input(tables::nothing_opened(&spec, &histories, &sweep)));
    }
    let pooled = pooled(&spec.plan, &sweep);
    notes.splice(0..0, tables::notes(&spec));
    let sheet = Sheet {
        schema: "plimsoll.backtest.chains/1",
        title: "backtest: options sold on recorded chains",
        market: Market::build(&Snapshot::empty(asof(&histories)), &BTreeMap::new()),
        inputs: inputs(args, &spec)?,
        missing: 0,
        lacking: Vec::new(),
        issues,
        notes,
        facts: tables::facts(&spec),
        sections: tables::sections(&spec, &histories, &sweep, &pooled),
    };
    let plots = plots(&spec, &pooled);
    Ok(Plotted { sheet, plots })
}

fn asof(histories: &[History]) -> Timestamp {
    let last = histories.iter().filter_map(|history| history.moments.last()).map(|moment| moment.time).max();
    last.unwrap_or(Timestamp::from_unix_nanos(0))
}

/// Puts the files of folders in the place of these; says what is not used.
fn find(args: &BacktestArgs, spec: &mut ChainsSpec) -> Result<Vec<String>, Failure> {
    let window = Window { from: spec.files.from, until: spec.files.until };
    let named = std::mem::take(&mut spec.files.chains);
    let places = args.data.as_ref().map_or(named, |place| vec![place.clone()]);
    let mut notes = Vec::new();
    for place in places {
        let (chains, perpetuals, unused) = Recordings::find(&place, window)?.into_paths();
        spec.files.chains.extend(chains);
        let fresh = perpetuals.into_iter().filter(|path| !spec.files.perpetuals.contains(path));
        spec.files.perpetuals.extend(fresh.collect::<Vec<_>>());
        notes.extend(unused);
    }
    Ok(notes)
}

fn inputs(args: &BacktestArgs, spec: &ChainsSpec) -> Result<Vec<InputFile>, Failure> {
    let file = |path: &Path, role| -> Result<InputFile, Failure> {
        Ok(InputFile { path: path.display().to_string(), role, blake3: hash(path)?, rows: 0, asof: None })
    };
    let mut inputs = vec![file(&args.spec, "spec")?];
    for path in &spec.files.chains {
        inputs.push(file(path, "market")?);
    }
    for path in spec.files.perpetuals.iter().chain(spec.funding_files.iter().flatten()) {
        inputs.push(file(path, "prices")?);
    }
    Ok(inputs)
}

/// Runs every position, and writes the log of trades if one is asked for.
fn swept(args: &BacktestArgs, spec: &mut ChainsSpec, histories: &[History]) -> Result<Sweep, Failure> {
    let mut log = args.trades.as_deref().map(Log::create).transpose()?;
    if log.is_some() {
        spec.reckoning.recording = Recording::Trades;
    }
    let mut meter = Meter::new("running positions");
    let mut progress = |done: usize, total: usize| meter.at(done as u64, total as u64);
    let mut visit = |ran: Ran<'_>| {
        if let Some(log) = &mut log {
            log.write(spec, histories, ran);
        }
    };
    let sweep = sweep(&spec.plan, histories, spec.reckoning, &mut visit, &mut progress);
    log.map_or(Ok(()), Log::finish)?;
    Ok(sweep)
}

/// The file of trades: CSV, one row a trade of the hedge, positions in order.
struct Log {
    path: PathBuf,
    out: BufWriter<File>,
    failed: Option<std::io::Error>,
}

impl Log {
    fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::Write { path: path.into(), source };
        let mut out = BufWriter::new(File::create(path).map_err(failed)?);
        let header = "underlying,structure,tenor_days,policy,delta,position,call,put,entry,quantity_coin,time,quantity_usd,price_usd,\
                      cost_coin,delta_coin,held_coin,band_coin,why";
        writeln!(out, "{header}").map_err(failed)?;
        Ok(Self { path: path.into(), out, failed: None })
    }

    fn write(&mut self, spec: &ChainsSpec, histories: &[History], ran: Ran<'_>) {
        if self.failed.is_some() {
            return;
        }
        let Some(history) = histories.get(ran.kind.history) else { return };
        let plan = &spec.plan;
        let structure = plan.structures.get(ran.kind.structure).map(ToString::to_string).unwrap_or_default();
        let tenor = plan.tenors_days.get(ran.kind.tenor).copied().unwrap_or_default();
        let policy = plan.policies.get(ran.policy).map_or("", |policy| policy.name.as_str());
        let legs =
            ran.track.chosen.legs.map(|leg| history.instrument(leg).map_or("", |one| one.symbol.as_str()));
        let entry = ran.track.steps.first().map(|step| step.time.to_string()).unwrap_or_default();
        let start = format!(
            "{},{structure},{tenor},\"{}\",{},{},{},{},{entry},{}",
            history.asset,
            policy.replace('"', "\"\""),
            ran.delta.word(),
            ran.position,
            legs[0],
            legs[1],
            ran.track.quantity_coin
        );
        for trade in &ran.outcome.log {
            if let Err(error) = writeln!(self.out, "{start},{}", row(trade)) {
                self.failed = Some(error);
                return;
            }
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.failed.map_or_else(|| self.out.flush(), Err);
        flushed.map_err(|source| Failure::Write { path: self.path, source })
    }
}

fn row(trade: &Trade) -> String {
    let Trade { time, quantity_usd, price, cost_coin, why } = trade;
    let why = match why {
        Why::Policy { delta_coin, held_coin, outer_coin } => {
            format!("{delta_coin},{held_coin},{outer_coin},policy")
        }
        Why::End => ",,,end".to_owned(),
    };
    format!("{time},{quantity_usd},{price},{cost_coin},{why}")
}

/// Cost against spread and against loss in the tail, for each delta.
fn plots(spec: &ChainsSpec, pooled: &[Pooled]) -> Vec<Plot> {
    let mut plots = Vec::new();
    for delta in &spec.plan.deltas {
        let hedged: Vec<&Pooled> = pooled
            .iter()
            .filter(|one| {
                one.delta == *delta && spec.plan.policies.get(one.policy).is_some_and(|p| p.policy.is_some())
            })
            .collect();
        for (word, of) in [
            ("standard deviation", (|one: &Pooled| one.sd) as fn(&Pooled) -> f64),
            ("mean loss of the worst 5 %", |one: &Pooled| one.cvar95),
        ] {
            plots.push(Plot {
                title: format!("{} delta: cost of hedging and {word}", delta.word().replace('_', " ")),
                across: "cost of hedging, % of the notional".into(),
                up: format!("{word}, % of the notional"),
                points: hedged.iter().filter_map(|one| tables::point(spec, one, of)).collect(),
            });
        }
    }
    plots
}
