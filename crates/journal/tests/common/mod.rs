//! A toy machine, small journals and chances from a seed, for the tests of this crate.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, missing_docs)]

use journal::sim::SimDisk;
use journal::{
    Batching, Config, Digest, Event, JournalId, Machine, OutputId, Rederive, Released, Retention, Runner,
    Seq, Stamp, Tag,
};
use std::collections::BTreeMap;
use units::Timestamp;

pub const ID: JournalId = JournalId::new(*b"journal of tests");

pub fn time(seq: u64) -> Timestamp {
    Timestamp::from_unix_nanos(1_700_000_000_000_000_000 + i64::try_from(seq).unwrap())
}

/// How many seeds a simulation runs: `few`, or what PLIMSOLL_SEEDS says.
pub fn seeds(few: u64) -> u64 {
    #[allow(clippy::disallowed_methods)]
    std::env::var("PLIMSOLL_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(few)
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Chances(pub u64);

impl Chances {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Moves an amount to an account; the text has no effect but on the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub account: u8,
    pub amount: i32,
    pub text: Vec<u8>,
}

impl Move {
    pub fn random(chances: &mut Chances) -> Self {
        let length = if chances.one_in(8) { chances.below(1200) } else { chances.below(40) };
        // Some texts are all zeros, which is what a lost sector looks like.
        let text = if chances.one_in(6) {
            vec![0; length as usize]
        } else {
            (0..length).map(|_| chances.next() as u8).collect()
        };
        Self { account: chances.below(5) as u8, amount: chances.next() as i32, text }
    }
}

impl Event for Move {
    fn encode(&self, payload: &mut Vec<u8>) -> Tag {
        payload.push(self.account);
        payload.extend_from_slice(&self.amount.to_le_bytes());
        payload.extend_from_slice(&self.text);
        Tag { kind: 7, version: 1 }
    }

    fn decode(tag: Tag, payload: &[u8]) -> Result<Self, String> {
        if tag != (Tag { kind: 7, version: 1 }) {
            return Err(format!("kind {} version {} is not known", tag.kind, tag.version));
        }
        let (head, text) = payload.split_first_chunk::<5>().ok_or("a move has five bytes at least")?;
        let [account, amount @ ..] = *head;
        Ok(Self { account, amount: i32::from_le_bytes(amount), text: text.to_vec() })
    }
}

/// Balances, and a running hash over everything that was seen, so that order and repetition show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub balances: BTreeMap<u8, i64>,
    pub trail: Digest,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { balances: BTreeMap::new(), trail: Digest::of_state(b"genesis") }
    }
}

impl Machine for Ledger {
    type Event = Move;
    type Output = (u8, i64);

    /// An event with an odd account gives two outputs, one with account 4 none, others one.
    fn step(&mut self, stamp: Stamp, event: &Move) -> Vec<(u8, i64)> {
        let balance = self.balances.entry(event.account).or_default();
        *balance += i64::from(event.amount);
        let balance = *balance;
        let mut seen = self.trail.bytes().to_vec();
        seen.extend_from_slice(&stamp.seq.get().to_le_bytes());
        seen.extend_from_slice(&stamp.time.unix_nanos().to_le_bytes());
        event.encode(&mut seen);
        self.trail = Digest::of_state(&seen);
        match event.account {
            4 => vec![],
            odd if odd % 2 == 1 => vec![(odd, balance), (odd, -balance)],
            even => vec![(even, balance)],
        }
    }

    fn state_hash(&self) -> Digest {
        Digest::of_state(&self.snapshot())
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut out = self.trail.bytes().to_vec();
        for (account, balance) in &self.balances {
            out.push(*account);
            out.extend_from_slice(&balance.to_le_bytes());
        }
        out
    }

    fn restore(&self, bytes: &[u8]) -> Result<Self, String> {
        let (trail, rest) = bytes.split_first_chunk::<32>().ok_or("a trail of 32 bytes")?;
        let rows = rest.chunks_exact(9);
        if !rows.remainder().is_empty() {
            return Err("rows of nine bytes".to_owned());
        }
        let row = |row: &[u8]| (row[0], i64::from_le_bytes(row[1..].try_into().unwrap()));
        Ok(Self { trail: Digest::new(*trail), balances: rows.map(row).collect() })
    }
}

/// What should have happened: every event that was taken, applied by nothing but the machine.
#[derive(Debug, Default)]
pub struct Oracle {
    pub events: Vec<Move>,
}

impl Oracle {
    pub fn take(&mut self, event: Move) -> Seq {
        self.events.push(event);
        self.last()
    }

    pub fn last(&self) -> Seq {
        Seq::new(self.events.len() as u64)
    }

    /// State and outputs after the first `seq` events.
    pub fn after(&self, seq: Seq) -> (Ledger, Vec<Released<(u8, i64)>>) {
        let mut machine = Ledger::default();
        let mut released = Vec::new();
        for (number, event) in (1..=seq.get()).zip(&self.events) {
            let seq = Seq::new(number);
            let outputs = machine.step(Stamp { seq, time: time(number) }, event);
            released.extend(
                (0..).zip(outputs).map(|(index, output)| Released { id: OutputId { seq, index }, output }),
            );
        }
        (machine, released)
    }
}

/// Segments of two blocks, so that a few events fill one.
pub fn small() -> Config {
    Config {
        segment_bytes: 8192,
        batching: Batching { max_records: 16, max_bytes: 2048 },
        retention: Retention::Everything,
        snapshot_every: 20,
    }
}

pub fn open(disk: &SimDisk, config: Config) -> Runner<Ledger, SimDisk> {
    Runner::open(disk.clone(), ID, config, &Ledger::default(), time(0), Rederive::Nothing).unwrap().0
}

/// A move without zeros in its text, so that none of it looks like a lost sector.
pub fn plain(number: u64) -> Move {
    let text = format!("move number {number} of many, at some length to fill a segment; ")
        .repeat(1 + number as usize % 5);
    Move { account: (number % 5) as u8, amount: number as i32 * 7 + 1, text: text.into_bytes() }
}

/// A journal of `commits` commits of three records, with a snapshot after the one numbered so, and what is in it.
pub fn journal(commits: u64, snapshots: &[u64]) -> (SimDisk, Oracle) {
    let disk = SimDisk::new(1);
    let mut oracle = Oracle::default();
    let mut runner = open(&disk, small());
    for commit in 1..=commits {
        for _ in 0..3 {
            let event = plain(oracle.last().get() + 1);
            runner.submit(time(oracle.last().get() + 1), &event).unwrap();
            oracle.take(event);
        }
        runner.commit().unwrap();
        if snapshots.contains(&commit) {
            runner.write_snapshot().unwrap();
        }
    }
    drop(runner);
    (disk, oracle)
}

/// Names of the segments.
pub fn segments(disk: &SimDisk) -> Vec<String> {
    disk.files().into_keys().filter(|name| name.ends_with(".seg")).collect()
}

/// Places of the frames of a segment with their types (1 record, 2 commit).
pub fn frames(bytes: &[u8]) -> Vec<(usize, usize, u16)> {
    let mut at = 4096;
    let mut found = Vec::new();
    while bytes[at..at + 4] != [0; 4] {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let whole = 32 + length.next_multiple_of(8);
        found.push((at, whole, u16::from_le_bytes([bytes[at + 28], bytes[at + 29]])));
        at += whole;
    }
    found
}

/// Contents of a file that is there.
pub fn bytes_of(disk: &SimDisk, name: &str) -> Vec<u8> {
    disk.contents(name).unwrap()
}
