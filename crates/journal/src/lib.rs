//! The journal: a hash-chained log of events on disk, and the one runner that makes a deterministic machine durable,
//! recoverable and replayable with it.
//!
//! | what | where |
//! |---|---|
//! | write: batches durable with one write and one sync | [`Journal`], [`Config`] |
//! | run a machine over it | [`Runner`], the traits [`Machine`] and [`Event`] |
//! | read records, replay everything | [`Reader`], [`replay_all`] |
//! | check it, prove one record | [`verify`], [`verify_watched`], [`prove`], [`check_proof`] |
//! | disks | trait [`Disk`]: [`RealDisk`], and [`sim::SimDisk`] that fails on purpose |
//!
//! A record is bytes with a kind, a version, a time and a number ([`Seq`]: 1, 2, 3, ...). Records are committed in batches.
//! Each frame has a CRC32C against torn writes and flipped bits; each commit has a Merkle root over its records and a BLAKE3
//! link to the commit before it, so that one hash, the [`Head`], stands for everything up to it. The bytes are in
//! `docs/formats.md`, the reasons in `docs/adr/0010-journal-format.md`.
//!
//! **Durability.** [`Journal::commit`] returns when the device says that the batch is on it. A failed sync ends the writer:
//! after one, what reads back may not be on the device. On opening, the last commit is written and synced once more before
//! anyone relies on it.
//!
//! **Recovery.** An unfinished write at the end is cut off, and [`Opened::cut`] says what it was; it was never acknowledged. Damage
//! that no crash can have caused ends in [`JournalError::Damaged`] and nothing is touched. A snapshot is a cache: one that does not fit
//! is refused and said to be, and an older one or the first record takes its place.
//!
//! **Errors** name the file, the byte where there is one, the rule, and how to mend it ([`JournalError`]); the writer halts at its first.
//!
//! **Units.** Sizes are bytes, times are [`units::Timestamp`] and come in with the event: there is no clock here.
//!
//! **Left out.** Signatures and publication of heads, replication, encryption, compression. A chain alone proves nothing against whoever can
//! rewrite all files, and taking away the newest commits shows only against a kept head or a snapshot. The chain is over events:
//! a snapshot with a false state and all its hashes right is found by [`replay_all`], not on opening. Times are stored as given and
//! need not rise; the order is that of the seqs. The real disk needs a Unix file system: directories are synced.
//!
//! ```
//! use journal::sim::SimDisk;
//! use journal::{check_proof, prove, verify};
//! use journal::{Config, Digest, Durable, Event, JournalId, Machine, Rederive, Runner, Seq, Stamp, Tag};
//! use units::Timestamp;
//!
//! /// An event: add a number. The machine: their sum.
//! struct Add(u32);
//! #[derive(Clone)]
//! struct Sum(u64);
//!
//! impl Event for Add {
//!     fn encode(&self, payload: &mut Vec<u8>) -> Tag {
//!         payload.extend_from_slice(&self.0.to_le_bytes());
//!         Tag { kind: 1, version: 1 }
//!     }
//!     fn decode(tag: Tag, payload: &[u8]) -> Result<Self, String> {
//!         match (tag, payload.try_into()) {
//!             (Tag { kind: 1, version: 1 }, Ok(bytes)) => Ok(Self(u32::from_le_bytes(bytes))),
//!             _ => Err("kind 1, version 1 is a u32".to_owned()),
//!         }
//!     }
//! }
//!
//! impl Machine for Sum {
//!     type Event = Add;
//!     type Output = String;
//!     fn step(&mut self, _: Stamp, event: &Add) -> Vec<String> {
//!         self.0 += u64::from(event.0);
//!         vec![format!("sum {}", self.0)]
//!     }
//!     fn state_hash(&self) -> Digest {
//!         Digest::of_state(&self.0.to_le_bytes())
//!     }
//!     fn snapshot(&self) -> Vec<u8> {
//!         self.0.to_le_bytes().to_vec()
//!     }
//!     fn restore(&self, bytes: &[u8]) -> Result<Self, String> {
//!         bytes.try_into().map(u64::from_le_bytes).map(Self).map_err(|_| "eight bytes".to_owned())
//!     }
//! }
//!
//! let disk = SimDisk::new(1); // RealDisk::create(folder)? in earnest
//! let id = JournalId::new(*b"a journal's name");
//! let config = Config { segment_bytes: 1 << 21, ..Config::default() };
//! let now = Timestamp::from_utc_date(2026, 11, 25, 12)?;
//! let (mut runner, _) = Runner::open(disk.clone(), id, config, &Sum(0), now, Rederive::Nothing)?;
//! runner.submit(now, &Add(3))?;
//! runner.submit(now, &Add(4))?;
//! let Durable { committed, outputs } = runner.commit()?; // durable from here on
//! assert_eq!(outputs[1].output, "sum 7");
//!
//! disk.cut_power();
//! let disk = disk.restarted();
//! let (runner, recovered) = Runner::open(disk.clone(), id, config, &Sum(0), now, Rederive::After(Seq::ZERO))?;
//! assert_eq!((runner.machine().0, recovered.outputs == outputs), (7, true));
//!
//! // Somebody who kept the head can check a record without the journal, and the journal as a whole.
//! let proof = prove(&disk, outputs[0].id.seq, None)?.to_string();
//! assert_eq!(check_proof(&proof, committed.head)?.record().payload, 3u32.to_le_bytes());
//! assert!(verify(&disk, &[committed.head])?.is_sound());
//!
//! // Damage is found and named.
//! disk.flip("journal-00000000000000000001.seg", (4096 + 33) * 8);
//! let report = verify(&disk, &[committed.head])?;
//! assert_eq!(report.damage.map(|damage| damage.offset), Some(4096));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod digest;
mod disk;
mod error;
mod format;
mod journal;
mod machine;
mod proof;
mod reader;
mod real;
mod record;
mod runner;
mod scan;
pub mod sim;
mod snapshot;
mod verify;
mod walk;

pub use config::{Batching, Config, Retention};
pub use digest::{Digest, DigestError};
pub use disk::{Disk, DiskFile};
pub use error::{Damage, JournalError};
pub use journal::{Committed, Cut, Journal, NewRecord, Opened};
pub use machine::{Event, Machine};
pub use proof::{InclusionProof, ProofError, check_proof, prove};
pub use reader::Reader;
pub use real::{RealDisk, RealFile};
pub use record::{Head, JournalId, NameError, Record, Seq, Stamp, Tag};
pub use runner::{Durable, OutputId, Recovered, Rederive, Released, Replayed, Runner, replay_all};
pub use verify::{
    HeadVerdict, SegmentReport, SnapshotReport, SnapshotVerdict, VerifyReport, verify, verify_watched,
};
