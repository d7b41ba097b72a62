//! `plimsoll replay`: apply every event of a journal again, print what was said, compare with another journal.

use super::{genesis, journal_failure, open};
use crate::cli::{ReplayArgs, ReportForm};
use crate::failure::Failure;
use crate::meter::Meter;
use crate::output::put;
use crate::render::json::pretty;
use engine::{Engine, Event};
use journal::{Event as _, Head, Machine, Reader, RealDisk, Seq, verify};
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use units::Timestamp;

/// What a replay came to.
struct Replayed {
    engine: Engine,
    head: Head,
    events: u64,
    outputs: u64,
    /// Over the lines of all outputs, each with its event's number.
    outputs_hash: blake3::Hash,
    lines: Vec<Line>,
}

/// One output: of which event, at what time, in words.
type Line = (Seq, Timestamp, String);

#[derive(Serialize)]
struct ReplayJson {
    schema: &'static str,
    head: String,
    events: u64,
    outputs: u64,
    outputs_blake3: String,
    state_blake3: String,
    valued_at: Timestamp,
    state: &'static str,
    same_as_other: Option<bool>,
    first_difference: Option<String>,
    lines: Vec<LineJson>,
}

#[derive(Serialize)]
struct LineJson {
    seq: u64,
    time: Timestamp,
    output: String,
}

/// Runs the command; exit code 1 says that the two journals say different things.
pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let own = replay(&args.folder, args.until)?;
    let other = args.against.as_ref().map(|folder| replay(folder, args.until)).transpose()?;
    let difference = other.as_ref().and_then(|other| difference(&own, other));
    let text = match args.format {
        ReportForm::Table => table(args, &own, (other.is_some(), difference.as_deref())),
        ReportForm::Json => json(&own, (other.is_some(), difference.clone()))?,
    };
    put(None, text.as_bytes())?;
    Ok(if difference.is_some() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn replay(folder: &Path, until: Option<u64>) -> Result<Replayed, Failure> {
    let disk: RealDisk = open(folder)?;
    // Damage is said in the words of verify, before anything is replayed.
    let report = verify(&disk, &[]).map_err(journal_failure)?;
    if let Some(damage) = report.damage {
        return Err(Failure::Input(format!("{}: {damage}", folder.display())));
    }
    if let Some(first) = report.first.map(|stamp| stamp.seq).filter(|seq| *seq > Seq::new(1)) {
        return Err(Failure::Input(format!(
            "{}: the journal begins at record {first}: those before it are not here, and what they did cannot be replayed",
            folder.display()
        )));
    }
    let mut reader = Reader::open(&disk, Seq::ZERO).map_err(journal_failure)?;
    let mut meter = Meter::new(format!("replaying {}", folder.display()));
    let mut engine = genesis();
    let (mut events, mut outputs, mut hasher) = (0, 0, blake3::Hasher::new());
    let mut lines = Vec::new();
    let last = until.unwrap_or(u64::MAX);
    while let Some(record) = reader.next().map_err(journal_failure)? {
        let stamp = record.stamp;
        if stamp.seq.get() > last {
            break;
        }
        let event = Event::decode(record.tag, record.payload).map_err(|reason| {
            Failure::Input(format!("{}: record {}: {reason}", folder.display(), stamp.seq))
        })?;
        for output in engine.apply(stamp, &event) {
            let line = output.to_string();
            hasher.update(format!("{} {line}\n", stamp.seq).as_bytes());
            lines.push((stamp.seq, stamp.time, line));
            outputs += 1;
        }
        events += 1;
        meter.at(events, report.records);
    }
    drop(meter);
    let head = reader.head();
    Ok(Replayed { engine, head, events, outputs, outputs_hash: hasher.finalize(), lines })
}

/// Where two replays first say different things.
fn difference(own: &Replayed, other: &Replayed) -> Option<String> {
    let said = |line: Option<&Line>| {
        line.map_or_else(|| "nothing".to_owned(), |(seq, _, text)| format!("{seq}: {text}"))
    };
    let pairs = (0..own.lines.len().max(other.lines.len())).map(|i| (own.lines.get(i), other.lines.get(i)));
    let words = |line: Option<&Line>| line.map(|(seq, _, text)| (*seq, text.clone()));
    let mut pairs = pairs.filter(|(a, b)| words(*a) != words(*b));
    if let Some((a, b)) = pairs.next() {
        return Some(format!("this journal says {}; the other says {}", said(a), said(b)));
    }
    (own.engine.state_hash() != other.engine.state_hash())
        .then(|| "the same outputs, but another state at the end".to_owned())
}

fn table(args: &ReplayArgs, own: &Replayed, (compared, difference): (bool, Option<&str>)) -> String {
    let mut out = String::new();
    if args.outputs {
        for (seq, time, line) in &own.lines {
            out.push_str(&format!("{seq} {time} {line}\n"));
        }
    }
    out.push_str(&format!("events    {}\n", own.events));
    out.push_str(&format!("outputs   {}, blake3 {}\n", own.outputs, own.outputs_hash.to_hex()));
    // The head is of a whole commit, in which a replay may have stopped.
    if args.until.is_none() {
        out.push_str(&format!("head      {}\n", own.head));
    }
    out.push_str(&format!("state     blake3 {}\n", own.engine.state_hash()));
    out.push_str(&format!("book      {}, valued at {}\n", own.engine.state().word(), own.engine.now()));
    match (compared, difference) {
        (true, None) => out.push_str("the other journal says the same\n"),
        (_, Some(difference)) => out.push_str(&format!("DIFFERENT: {difference}\n")),
        (false, None) => {}
    }
    out
}

fn json(own: &Replayed, (compared, difference): (bool, Option<String>)) -> Result<String, Failure> {
    let lines = own.lines.iter().map(|(seq, time, output)| LineJson {
        seq: seq.get(),
        time: *time,
        output: output.clone(),
    });
    let value = ReplayJson {
        schema: "plimsoll.replay/1",
        head: own.head.to_string(),
        events: own.events,
        outputs: own.outputs,
        outputs_blake3: own.outputs_hash.to_hex().to_string(),
        state_blake3: own.engine.state_hash().to_string(),
        valued_at: own.engine.now(),
        state: own.engine.state().word(),
        same_as_other: compared.then(|| difference.is_none()),
        first_difference: difference,
        lines: lines.collect(),
    };
    pretty(&value).map_err(|error| Failure::Input(error.to_string()))
}
