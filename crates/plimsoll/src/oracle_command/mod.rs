//! `plimsoll oracle`: recorded prices of several sources played through the guards, and what would have been published.
//!
//! The figures come from [`market::oracle::guard`]; nothing here judges anything. A state holds from its round to the next one, so
//! the last round has no time of its own.

mod read;
mod tally;

use crate::cli::{Format, OracleArgs, OracleTableName};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::measure_commands::{Section, Sheet};
use crate::meter::Meter;
use crate::output::{TableNames, Target};
use crate::render::flat::text;
use lake::Cell;
use market::oracle::Exponent;
use market::oracle::guard::{GuardFile, Guards, Health, Rounds, RowsNotSeen};
use market::{Market, Snapshot};
use read::{Recorded, recorded};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use tally::{Listed, Tally};
use units::Timestamp;

/// A table of rounds has to fit into memory.
const MOST_ROUNDS: u64 = 1_000_000;
const EMBEDDED: &str = "oracles/guards.toml";

impl TableNames for OracleTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Transitions => "transitions",
            Self::Sources => "sources",
        }
    }
}

/// Runs the command; the exit code says whether rows were left out.
pub(crate) fn run(args: &OracleArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(args.file.iter().chain(&args.guards))?;
    let (file, input) = guard_file(args.guards.as_deref())?;
    let guards = class(&file, args)?;
    let exponent = Exponent(args.exponent);
    let mut recorded = recorded(&args.file, exponent)?;
    if !recorded.issues.is_empty() && !args.allow_partial {
        return Err(Failure::Unreadable { issues: recorded.issues });
    }
    recorded.inputs.extend(input);
    let sheet = sheet(args, (&file, guards), recorded)?;
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

fn guard_file(path: Option<&Path>) -> Result<(GuardFile, Option<InputFile>), Failure> {
    let bad = |issues| Failure::Guards { issues };
    let Some(path) = path else { return Ok((GuardFile::embedded().map_err(bad)?, None)) };
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
    let file = GuardFile::parse(&name, &text).map_err(bad)?;
    let rows = file.classes.len() as u64;
    let input = InputFile { path: name, role: "guards", blake3: hash(path)?, rows, asof: None };
    Ok((file, Some(input)))
}

fn class<'a>(file: &'a GuardFile, args: &OracleArgs) -> Result<&'a Guards, Failure> {
    file.classes.get(&args.class).ok_or_else(|| {
        let known: Vec<&str> = file.classes.keys().map(String::as_str).collect();
        let name = args.guards.as_ref().map_or_else(|| EMBEDDED.into(), |path| path.display().to_string());
        Failure::Usage(format!("--class {}: {name} has the classes {}", args.class, known.join(", ")))
    })
}

fn sheet(
    args: &OracleArgs,
    (file, guards): (&GuardFile, &Guards),
    recorded: Recorded,
) -> Result<Sheet<OracleTableName>, Failure> {
    let Recorded { recording, inputs, issues, mut notes, rows_by_source } = recorded;
    let rounds = if args.each_row { Rounds::EachTime } else { Rounds::EverySeconds(args.every) };
    let total = recording.rounds(rounds);
    if total > MOST_ROUNDS {
        return Err(Failure::Usage(format!(
            "{total} rounds, at most {MOST_ROUNDS}: pass --every with more seconds, or give a shorter recording"
        )));
    }
    let exponent = Exponent(args.exponent);
    // On screen a row that only repeats the one above would bury those that say something.
    let listed = match args.output.format {
        Format::Table | Format::Html => Listed::Changes,
        Format::Json | Format::Csv | Format::Parquet => Listed::All,
    };
    let mut tally = Tally::new(exponent, listed, rows_by_source);
    let mut meter = Meter::new("playing rounds");
    let mut done = 0;
    let RowsNotSeen(not_seen) = recording.play((guards, exponent), rounds, &mut |now, verdict| {
        tally.round(now, verdict, guards);
        done += 1;
        meter.at(done, total);
    });
    drop(meter);
    if not_seen > 0 {
        notes.push(format!(
            "rows that no round saw, because a newer one of their source came first: {not_seen}; --each-row sees every row"
        ));
    }
    notes.push("a state holds from its round to the next; the sequencer is not part of a recording".into());
    let rounds_aside = match listed {
        Listed::All => String::new(),
        Listed::Changes => format!(
            "{} of {total}: those in which state, sources or findings differ from the round before; csv, parquet and json have all",
            tally.rounds_listed()
        ),
    };
    let facts = facts(args, (file, guards), &tally);
    Ok(Sheet {
        schema: "plimsoll.oracle/1",
        title: "oracle",
        market: no_market(tally.last_round()),
        inputs,
        missing: 0,
        lacking: Vec::new(),
        issues,
        notes,
        facts,
        sections: vec![
            Section::new(
                OracleTableName::Transitions,
                ("Transitions", "a worse state comes at once, a better one is confirmed"),
                tally.transitions(),
            ),
            Section::new(
                OracleTableName::Sources,
                ("Sources", "score: what is left of the most strained limit, 10,000 to 0"),
                tally.sources(),
            ),
            Section::new(OracleTableName::Rounds, ("Rounds", &rounds_aside), tally.rounds()),
        ],
    })
}

fn facts(
    args: &OracleArgs,
    (file, guards): (&GuardFile, &Guards),
    tally: &Tally,
) -> Vec<(&'static str, Cell)> {
    let share = |health| tally.time_pct(health).map_or(Cell::Null, Cell::Float);
    let every = if args.each_row { Cell::Null } else { Cell::Integer(args.every.get().into()) };
    vec![
        ("class", text(&args.class)),
        ("guards_valid_from", text(&file.valid_from)),
        ("guards_source", text(&guards.source)),
        ("exponent", Cell::Integer(args.exponent.into())),
        ("every_seconds", every),
        ("rounds_played", tally.rounds_played()),
        ("valid_time_pct", share(Health::Valid)),
        ("suspect_time_pct", share(Health::Suspect)),
        ("stale_time_pct", share(Health::Stale)),
        ("halted_time_pct", share(Health::Halted)),
        ("last_state", tally.last_state()),
        ("last_price", tally.last_price()),
    ]
}

/// Nothing is valued here: a market without quotes, as of the last round.
fn no_market(asof: Timestamp) -> Market {
    Market::build(&Snapshot::empty(asof), &BTreeMap::new())
}
