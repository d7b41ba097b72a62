//! Crashes in simulation: random work on a disk that dies, loses, tears and refuses, over several lives of the process.
//!
//! For every seed: what was acknowledged is recovered; what is recovered is a prefix of what was taken; the state is that of
//! the prefix; a consumer that follows the rule of `runner` sees every output of every recovered event once, in order.
//! `PLIMSOLL_SEEDS=10000 cargo test --release -p journal --test crash` runs more; a failure names its seed, and
//! `PLIMSOLL_SEED=n` runs that one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod common;

use common::{Chances, ID, Ledger, Move, Oracle, seeds, small, time};
use journal::sim::{Fault, SimDisk};
use journal::{
    Batching, Config, JournalError, Machine, OutputId, Reader, Rederive, Released, Retention, Runner, Seq,
    replay_all, verify,
};

/// Acts on outputs, each once.
#[derive(Debug, Default)]
struct Consumer {
    seen: Vec<Released<(u8, i64)>>,
    /// Seq of the last commit that it has finished with.
    done: u64,
}

impl Consumer {
    fn last(&self) -> Option<OutputId> {
        self.seen.last().map(|released| released.id)
    }

    /// Acts on outputs; may die in between.
    fn consume(
        &mut self,
        outputs: Vec<Released<(u8, i64)>>,
        head: Seq,
        chances: &mut Chances,
        may_die: bool,
    ) -> bool {
        for output in outputs {
            if self.last().is_none_or(|last| output.id > last) {
                self.seen.push(output);
            }
            if may_die && chances.one_in(60) {
                return false;
            }
        }
        self.done = head.get();
        true
    }
}

struct World {
    chances: Chances,
    disk: SimDisk,
    config: Config,
    oracle: Oracle,
    acked: Seq,
    consumer: Consumer,
    crashes: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chances = Chances(seed);
        let retention = if chances.one_in(2) { Retention::Everything } else { Retention::SinceOlderSnapshot };
        let config = Config { retention, ..small() };
        let disk = SimDisk::new(seed ^ 0x5eed);
        Self {
            chances,
            disk,
            config,
            oracle: Oracle::default(),
            acked: Seq::ZERO,
            consumer: Consumer::default(),
            crashes: 0,
        }
    }

    /// Other sizes in each life: a configuration may change between runs.
    fn resize(&mut self) {
        let segment_bytes = 8192 + 4096 * self.chances.below(3);
        let max_bytes = 1500 + self.chances.below(segment_bytes - 4200 - 1500) as u32;
        let batching = Batching { max_records: 1 + self.chances.below(16) as u32, max_bytes };
        self.config = Config { segment_bytes, batching, ..self.config };
    }

    fn plan(&mut self) {
        let call = 1 + self.chances.below(60);
        match self.chances.below(8) {
            0..=3 => self.disk.plan(Fault::Power { call }),
            4 => self.disk.plan(Fault::Kill { call }),
            5 => self.disk.plan(Fault::Sync { sync: 1 + call / 3 }),
            6 => self.disk.plan(Fault::Write { write: 1 + call / 3 }),
            _ => {
                let used: usize = self.disk.files().values().map(Vec::len).sum();
                self.disk.plan(Fault::Full { bytes: used as u64 + self.chances.below(12_000) });
            }
        }
    }

    /// One life of the process, from opening to its end.
    fn live(&mut self) {
        // Reading without a lock finds nothing to object to either, and changes nothing.
        if let Ok(report) = verify(&self.disk, &[]) {
            assert!(report.is_sound(), "{report}");
            assert!(report.last.is_none_or(|last| last.seq >= self.acked), "{report}");
        }
        let rederive = Rederive::After(Seq::new(self.consumer.done));
        let opened = Runner::open(self.disk.clone(), ID, self.config, &Ledger::default(), time(0), rederive);
        let (mut runner, recovered) = match opened {
            Ok(opened) => opened,
            Err(JournalError::Damaged(damage)) => panic!("a crash was taken for damage: {damage}"),
            Err(error @ (JournalError::BehindSnapshot { .. } | JournalError::NoStart { .. })) => {
                panic!("{error}")
            }
            Err(_) => return,
        };
        let head = recovered.opened.head.seq;
        assert!(head >= self.acked, "acknowledged up to {}, recovered up to {head}", self.acked);
        assert!(head <= self.oracle.last(), "recovered more than was taken");
        assert_eq!(recovered.refused, [], "a crash spoiled a snapshot");
        let (state, _) = self.oracle.after(head);
        assert_eq!(runner.machine(), &state, "state at seq {head}");
        self.oracle.events.truncate(usize::try_from(head.get()).unwrap());
        self.acked = head;
        if !self.consumer.consume(recovered.outputs, head, &mut self.chances, true) {
            return;
        }
        for _ in 0..self.chances.below(80) {
            if !self.act(&mut runner) {
                return;
            }
        }
    }

    /// False when the process is at its end.
    fn act(&mut self, runner: &mut Runner<Ledger, SimDisk>) -> bool {
        match self.chances.below(20) {
            0..=11 => {
                let event = Move::random(&mut self.chances);
                match runner.submit(time(self.oracle.last().get() + 1), &event) {
                    Ok(seq) => assert_eq!(self.oracle.take(event), seq),
                    Err(JournalError::BatchFull { .. }) => return self.commit(runner),
                    Err(JournalError::RecordTooLong { .. }) => {}
                    Err(_) => return false,
                }
                true
            }
            12..=16 => self.commit(runner),
            17 => matches!(runner.prepare_segment(), Ok(()) | Err(JournalError::DiskFull { .. })),
            _ => match runner.write_snapshot() {
                Ok(_) | Err(JournalError::Pending { .. } | JournalError::DiskFull { .. }) => true,
                Err(_) => false,
            },
        }
    }

    fn commit(&mut self, runner: &mut Runner<Ledger, SimDisk>) -> bool {
        let Ok(durable) = runner.commit() else {
            assert!(runner.commit().is_err(), "a writer that failed must not go on");
            return false;
        };
        let head = durable.committed.head.seq;
        assert_eq!(head, self.oracle.last());
        self.acked = head;
        self.consumer.consume(durable.outputs, head, &mut self.chances, true)
    }

    fn die(&mut self) {
        if !self.disk.is_down() {
            if self.chances.one_in(3) { self.disk.kill() } else { self.disk.cut_power() }
        }
        self.disk = self.disk.restarted();
        self.crashes += 1;
    }

    /// After the last crash: everything fits together.
    fn end(&mut self) {
        self.live();
        let head = self.acked;
        let rederive = Rederive::After(Seq::new(self.consumer.done));
        self.die();
        let opened =
            Runner::open(self.disk.clone(), ID, self.config, &Ledger::default(), time(0), rederive).unwrap();
        let (runner, recovered) = opened;
        let last = recovered.opened.head.seq;
        assert!(last >= head);
        self.consumer.consume(recovered.outputs, last, &mut self.chances, false);
        let (state, outputs) = self.oracle.after(last);
        assert_eq!(runner.machine().state_hash(), state.state_hash());
        assert_eq!(self.consumer.seen, outputs, "each output once, in order");
        drop(runner);
        let report = verify(&self.disk, &[recovered.opened.head]).unwrap();
        assert!(report.is_sound(), "{report}");
        assert_eq!(report.torn, None);
        let mut reader = Reader::open(&self.disk, Seq::ZERO).unwrap();
        let mut number = recovered.opened.first.get();
        while let Some(record) = reader.next().unwrap() {
            let mut payload = Vec::new();
            let tag = journal::Event::encode(
                &self.oracle.events[usize::try_from(number).unwrap() - 1],
                &mut payload,
            );
            assert_eq!(
                (record.stamp.seq.get(), record.tag, record.payload),
                (number, tag, payload.as_slice())
            );
            number += 1;
        }
        assert_eq!(Seq::new(number), last.next());
        if recovered.opened.first == Seq::new(1) {
            let replayed = replay_all(&self.disk, Ledger::default(), |_, _| ()).unwrap();
            assert_eq!(replayed.state_hash, state.state_hash());
            assert!(replayed.snapshots.iter().all(|(_, fits)| *fits), "{:?}", replayed.snapshots);
        }
    }
}

fn run(seed: u64) -> (u64, u64) {
    let mut world = World::new(seed);
    for _ in 0..world.chances.below(6) + 1 {
        world.plan();
        world.resize();
        world.live();
        world.die();
    }
    world.end();
    (world.crashes, world.acked.get())
}

#[test]
fn whatever_crashes_nothing_acknowledged_is_lost_and_nothing_else_appears() {
    let one = std::env::var("PLIMSOLL_SEED").ok().and_then(|n| n.parse().ok());
    let range = one.map_or(0..seeds(400), |seed: u64| seed..seed + 1);
    let (mut crashes, mut records) = (0, 0);
    for seed in range.clone() {
        let result = std::panic::catch_unwind(|| run(seed));
        match result {
            Ok((died, kept)) => (crashes, records) = (crashes + died, records + kept),
            Err(_) => panic!("seed {seed}: PLIMSOLL_SEED={seed} cargo test -p journal --test crash"),
        }
    }
    println!("{} seeds, {crashes} crashes, {records} records at the end", range.end - range.start);
}
