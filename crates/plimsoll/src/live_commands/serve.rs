//! `plimsoll serve`: the dashboard on a journal, finished or being written by a run in another process. `plimsoll token`: a token for it.

use super::serving::Serving;
use super::{genesis, journal_failure, open};
use crate::cli::{ServeCommandArgs, TokenArgs};
use crate::failure::Failure;
use crate::meter::Meter;
use crate::output::put;
use engine::{Engine, Event};
use journal::{Event as _, OutputId, Reader, RealDisk, Released, Seq, verify};
use server::{About, Frame, Mode, Publisher, Secret};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it looks for more records.
const LOOK: Duration = Duration::from_millis(250);

/// Runs the command: it ends on Ctrl-C.
pub(crate) fn run(args: &ServeCommandArgs) -> Result<ExitCode, Failure> {
    let disk: RealDisk = open(&args.folder)?;
    let report = verify(&disk, &[]).map_err(journal_failure)?;
    if let Some(damage) = report.damage {
        return Err(Failure::Input(format!("{}: {damage}", args.folder.display())));
    }
    if let Some(first) = report.first.map(|stamp| stamp.seq).filter(|seq| *seq > Seq::new(1)) {
        return Err(Failure::Input(format!(
            "{}: the journal begins at record {first}: those before it are not here, and what they did cannot be replayed",
            args.folder.display()
        )));
    }
    let stop = super::interrupted()?;
    let name = args.folder.display().to_string();
    let about = About { name: name.clone(), mode: Mode::Finished, speed: None };
    let mut serving = Serving::start(&args.serve, &about, (&args.folder, genesis()), None)?;
    serving.publisher.refuse_commands();
    if let (Some(first), Some(last)) = (report.first, report.last) {
        serving.publisher.expect(first.time, last.time);
    }
    let mut follower = Follower { disk, name, engine: genesis(), last: Seq::ZERO };
    let mut meter = Meter::new(format!("replaying {}", args.folder.display()));
    follower.catch_up(&mut serving.publisher, &mut |events| meter.at(events, report.records))?;
    drop(meter);
    eprintln!("plimsoll serve: {}", serving.url());
    eprintln!(
        "plimsoll serve: nobody can act on a journal: only the process that runs the engine can; Ctrl-C ends this"
    );
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
        follower.catch_up(&mut serving.publisher, &mut |_| {})?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An engine that follows the journal.
struct Follower {
    disk: RealDisk,
    name: String,
    engine: Engine,
    last: Seq,
}

impl Follower {
    /// Applies what has become durable since, and shows it.
    fn catch_up(&mut self, publisher: &mut Publisher, tell: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let mut reader = Reader::open(&self.disk, self.last).map_err(journal_failure)?;
        let mut taken = 0;
        while let Some(record) = reader.next().map_err(journal_failure)? {
            let stamp = record.stamp;
            let event = Event::decode(record.tag, record.payload)
                .map_err(|reason| Failure::Input(format!("{}: record {}: {reason}", self.name, stamp.seq)))?;
            for (index, output) in (0..).zip(self.engine.apply(stamp, &event)) {
                publisher.say(stamp.time, &Released { id: OutputId { seq: stamp.seq, index }, output });
            }
            self.last = stamp.seq;
            publisher.pass(&self.engine, stamp.seq);
            taken += 1;
            tell(taken);
        }
        if taken > 0 {
            publisher.show(Frame::new(self.engine.clone(), self.last, Some(reader.head())));
        }
        Ok(())
    }
}

/// Makes a token: the secret for its owner, the hash for the file.
pub(crate) fn token(args: &TokenArgs) -> Result<ExitCode, Failure> {
    let secret = Secret::random().map_err(|error| Failure::Input(format!("no random numbers: {error}")))?;
    let text = format!(
        "[[token]]\nname = \"{}\"\nrole = \"{}\"\nblake3 = \"{}\"\n",
        args.name,
        args.role.word(),
        secret.hash()
    );
    server::Tokens::parse("token", &text).map_err(|issues| Failure::Input(issues.to_string()))?;
    eprintln!("plimsoll token: for {}, shown once and kept nowhere: {}", args.name, secret.reveal());
    eprintln!("plimsoll token: add the lines below to the file that --tokens names");
    put(None, text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
