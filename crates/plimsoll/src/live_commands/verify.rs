//! `plimsoll verify`: recompute the chain of a journal, compare kept heads, prove one record.

use super::{journal_failure, open};
use crate::cli::{ReportForm, VerifyArgs};
use crate::failure::Failure;
use crate::output::put;
use crate::render::json::pretty;
use journal::{HeadVerdict, Seq, SnapshotVerdict, VerifyReport, check_proof, prove, verify};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Serialize)]
struct VerifyJson {
    schema: &'static str,
    sound: bool,
    journal: Option<String>,
    records: u64,
    commits: u64,
    first_seq: Option<u64>,
    first_time: Option<units::Timestamp>,
    last_seq: Option<u64>,
    last_time: Option<units::Timestamp>,
    head: Option<String>,
    unfinished_write: Option<String>,
    damage: Option<String>,
    segments: Vec<SegmentJson>,
    snapshots: Vec<SnapshotJson>,
    kept_heads: Vec<KeptJson>,
}

#[derive(Serialize)]
struct SegmentJson {
    file: String,
    first_seq: u64,
    records: u64,
    commits: u64,
}

#[derive(Serialize)]
struct SnapshotJson {
    file: String,
    seq: u64,
    verdict: &'static str,
    reason: Option<String>,
}

#[derive(Serialize)]
struct KeptJson {
    head: String,
    verdict: &'static str,
}

/// Runs the command; exit code 1 says that the journal is not sound.
pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    if let (Some(file), [head]) = (&args.check, args.head.as_slice()) {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::Input(format!("{}: cannot read: {error}", file.display())))?;
        let proof = check_proof(&text, *head).map_err(|error| Failure::Input(error.to_string()))?;
        let record = proof.record();
        let (seq, time, tag) = (record.stamp.seq, record.stamp.time, record.tag);
        let line = format!(
            "proved: record {seq} of {time}, kind {}.{}, is under head {head}\n",
            tag.kind, tag.version
        );
        put(None, line.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.check.is_some() {
        return Err(Failure::Usage("--check needs the one --head that was kept".into()));
    }
    let Some(folder) = &args.folder else {
        return Err(Failure::Usage("name the folder of the journal, or --check FILE with --head".into()));
    };
    let disk = open(folder)?;
    if let Some(seq) = args.prove {
        let up_to = args.head.first().map(|head| head.seq);
        let proof = prove(&disk, Seq::new(seq), up_to).map_err(journal_failure)?;
        if let Some(head) = args.head.first() {
            proof.check(*head).map_err(|error| Failure::Input(error.to_string()))?;
        }
        put(None, proof.to_string().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = verify(&disk, &args.head).map_err(journal_failure)?;
    let text = match args.format {
        ReportForm::Table => format!("{}{report}\n", before_first(&report)),
        ReportForm::Json => json(&report)?,
    };
    put(None, text.as_bytes())?;
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Records that are not here: a journal may have let them go for a snapshot, or lost them.
fn before_first(report: &VerifyReport) -> String {
    let first = report.first.map_or(1, |stamp| stamp.seq.get());
    if first > 1 {
        format!("records 1 to {} are NOT HERE: they cannot be verified or replayed\n", first - 1)
    } else {
        String::new()
    }
}

fn json(report: &VerifyReport) -> Result<String, Failure> {
    let segments = report.segments.iter().map(|s| SegmentJson {
        file: s.file.clone(),
        first_seq: s.first.get(),
        records: s.records,
        commits: s.commits,
    });
    let snapshots = report.snapshots.iter().map(|s| {
        let (verdict, reason) = match &s.verdict {
            SnapshotVerdict::Fits => ("fits", None),
            SnapshotVerdict::BeforeFirst => ("before_first", None),
            SnapshotVerdict::Refused(reason) => ("refused", Some(reason.clone())),
        };
        SnapshotJson { file: s.file.clone(), seq: s.seq.get(), verdict, reason }
    });
    let kept = report.heads.iter().map(|(head, verdict)| KeptJson {
        head: head.to_string(),
        verdict: match verdict {
            HeadVerdict::Found => "found",
            HeadVerdict::Differs => "differs",
            HeadVerdict::Missing => "missing",
            HeadVerdict::BeforeFirst => "before_first",
        },
    });
    let value = VerifyJson {
        schema: "plimsoll.verify/1",
        sound: report.is_sound(),
        journal: report.id.map(|id| id.to_string()),
        records: report.records,
        commits: report.commits,
        first_seq: report.first.map(|stamp| stamp.seq.get()),
        first_time: report.first.map(|stamp| stamp.time),
        last_seq: report.last.map(|stamp| stamp.seq.get()),
        last_time: report.last.map(|stamp| stamp.time),
        head: report.head.map(|head| head.to_string()),
        unfinished_write: report
            .torn
            .as_ref()
            .map(|cut| format!("{}, byte {}, {} bytes, never acknowledged", cut.file, cut.offset, cut.bytes)),
        damage: report.damage.as_ref().map(ToString::to_string),
        segments: segments.collect(),
        snapshots: snapshots.collect(),
        kept_heads: kept.collect(),
    };
    pretty(&value).map_err(|error| Failure::Input(error.to_string()))
}
