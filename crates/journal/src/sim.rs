//! A disk in memory that does what real ones do on a bad day, the same way for the same seed.
//!
//! Writes are visible at once but durable only after `sync`, in sectors of 512 bytes; names after `sync_directory`.
//! [`SimDisk::cut_power`] keeps what is durable and of the rest a random subset, sector by sector; [`SimDisk::kill`] ends the
//! process only, and what was written stays visible. After a failed sync the written sectors count as clean, as on Linux:
//! they read back, no later sync writes them, and a power cut may lose them. A plan makes any call fail or crash. Left out: two
//! writes to one sector between syncs, of which the older could survive, and reads that fail.
//!
//! ```
//! use journal::sim::{Fault, SimDisk};
//! use journal::{Disk, DiskFile};
//! let disk = SimDisk::new(7);
//! let mut file = disk.create("a")?;
//! file.write_at(0, b"durable")?;
//! file.sync()?;
//! disk.sync_directory()?;
//! disk.plan(Fault::Power { call: 1 });
//! assert!(file.write_at(0, b"forgot?").is_err());
//! let disk = disk.restarted();
//! assert_eq!(disk.contents("a").map(|bytes| bytes.len()), Some(7));
//! # Ok::<(), std::io::Error>(())
//! ```

use crate::disk::{Disk, DiskFile};
use crate::format::SECTOR;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is going to happen. Calls are counted from 1 from the moment of planning: writes, syncs, creations, renames, removals
/// and directory syncs, one each, unless the fault counts its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power fails during that call, of which any part may have happened; every later call fails too.
    Power {
        /// Which call.
        call: u64,
    },
    /// The process dies during that call; what was written stays visible.
    Kill {
        /// Which call.
        call: u64,
    },
    /// That sync (of a file or of the directory, counted alone) fails, once.
    Sync {
        /// Which sync.
        sync: u64,
    },
    /// That write (counted alone) fails after a random part of it, once.
    Write {
        /// Which write.
        write: u64,
    },
    /// The disk holds no more than so many bytes from now on.
    Full {
        /// Bytes of all files together.
        bytes: u64,
    },
    /// Nothing can be written any more.
    ReadOnly,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    visible: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors written since the last sync.
    dirty: BTreeSet<usize>,
    /// Sectors that a failed sync left behind as clean.
    forgotten: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(String, u64),
    /// From, to, and which file: a rename never moves another one that had the name earlier.
    Rename(String, String, u64),
    Remove(String),
}

#[derive(Debug)]
struct State {
    random: u64,
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    changes: Vec<NameChange>,
    next_inode: u64,
    locked: bool,
    down: bool,
    power_lost: bool,
    calls: u64,
    syncs: u64,
    writes: u64,
    faults: Vec<Fault>,
}

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

/// A file on it.
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    inode: u64,
}

/// The lock of the one writer.
#[derive(Debug)]
pub struct SimLock(SimDisk);

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

impl State {
    /// SplitMix64: one seed, one history.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// How much of what is not durable survives: often nothing or everything, else a share of 256.
    fn survival(&mut self) -> u64 {
        match self.random() % 5 {
            0 => 0,
            1 => 256,
            _ => self.random() % 256,
        }
    }

    fn survives(&mut self, share: u64) -> bool {
        self.random() % 256 < share
    }

    /// Counts a call and says how it ends: normally, or by dying in its middle.
    fn call(&mut self) -> io::Result<bool> {
        if self.down {
            return Err(io::Error::other("the simulated machine is down"));
        }
        self.calls += 1;
        let calls = self.calls;
        let power = self.faults.contains(&Fault::Power { call: calls });
        let dies = power || self.faults.contains(&Fault::Kill { call: calls });
        if dies {
            self.down = true;
            self.power_lost = power;
        } else if self.faults.contains(&Fault::ReadOnly) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(dies)
    }

    fn died() -> io::Error {
        io::Error::other("the simulated machine died during this call")
    }

    fn used(&self) -> u64 {
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        named
            .iter()
            .filter_map(|number| self.inodes.get(number))
            .map(|inode| inode.visible.len() as u64)
            .sum()
    }

    fn write(&mut self, inode: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let dies = self.call()?;
        self.writes += 1;
        let fails = self.faults.contains(&Fault::Write { write: self.writes });
        let too_big = || io::Error::other("the simulated disk addresses memory");
        let start = usize::try_from(offset).map_err(|_| too_big())?;
        let end = start.checked_add(bytes.len()).ok_or_else(too_big)?;
        let limit =
            self.faults.iter().find_map(|f| if let Fault::Full { bytes } = f { Some(*bytes) } else { None });
        let grows = self.inodes.get(&inode).map_or(0, |i| end.saturating_sub(i.visible.len())) as u64;
        let full = limit.is_some_and(|limit| grows > 0 && self.used() + grows > limit);
        // Of a call that does not succeed a part is done: whole sectors, or whole pages, from the front.
        let mut done = bytes.len();
        if dies || fails || full {
            let cut = start + usize::try_from(self.random() % (bytes.len() as u64 + 1)).unwrap_or_default();
            done = (cut / SECTOR * SECTOR).saturating_sub(start).min(bytes.len());
        }
        if let Some(inode) = self.inodes.get_mut(&inode).filter(|_| !full) {
            let end = start + done;
            if inode.visible.len() < end {
                inode.visible.resize(end, 0);
            }
            inode.visible[start..end].copy_from_slice(&bytes[..done]);
            if done > 0 {
                inode.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
            }
        }
        match (dies, full, fails) {
            (true, ..) => Err(Self::died()),
            (_, true, _) => Err(io::ErrorKind::StorageFull.into()),
            (_, _, true) => Err(io::Error::other("simulated write error")),
            _ => Ok(()),
        }
    }

    /// True when this sync fails by plan.
    fn sync_fails(&mut self) -> bool {
        self.syncs += 1;
        self.faults.contains(&Fault::Sync { sync: self.syncs })
    }

    fn sync(&mut self, number: u64) -> io::Result<()> {
        let dies = self.call()?;
        let fails = self.sync_fails();
        let share = if dies || fails { self.survival() } else { 256 };
        let dirty =
            self.inodes.get_mut(&number).map(|inode| std::mem::take(&mut inode.dirty)).unwrap_or_default();
        for sector in dirty {
            let kept = self.survives(share);
            let Some(inode) = self.inodes.get_mut(&number) else { continue };
            if kept {
                inode.keep(sector);
                inode.forgotten.remove(&sector);
            } else if fails && !dies {
                inode.forgotten.insert(sector);
            } else {
                inode.dirty.insert(sector);
            }
        }
        if dies {
            return Err(Self::died());
        }
        if fails { Err(io::Error::other("simulated sync error")) } else { Ok(()) }
    }

    fn change(&mut self, change: NameChange) -> io::Result<()> {
        let dies = self.call()?;
        let happens = !dies || self.random().is_multiple_of(2);
        if happens {
            apply(&mut self.names, &change)?;
            self.changes.push(change);
        }
        if dies { Err(Self::died()) } else { Ok(()) }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let dies = self.call()?;
        let fails = self.sync_fails();
        if dies {
            return Err(Self::died());
        }
        if fails {
            return Err(io::Error::other("simulated sync error"));
        }
        self.durable_names = self.names.clone();
        self.changes.clear();
        Ok(())
    }

    fn lose(&mut self) {
        let share = self.survival();
        for change in std::mem::take(&mut self.changes) {
            if self.survives(share) {
                // To remove a name whose creation was lost changes nothing.
                let _ = apply(&mut self.durable_names, &change);
            }
        }
        self.names = self.durable_names.clone();
        let numbers: Vec<u64> = self.inodes.keys().copied().collect();
        for number in numbers {
            let share = self.survival();
            let Some(mut inode) = self.inodes.remove(&number) else { continue };
            let mut unsynced = std::mem::take(&mut inode.dirty);
            unsynced.append(&mut inode.forgotten);
            for sector in unsynced {
                if self.survives(share) {
                    inode.keep(sector);
                }
            }
            inode.visible = inode.durable.clone();
            if self.names.values().any(|named| *named == number) {
                self.inodes.insert(number, inode);
            }
        }
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &NameChange) -> io::Result<()> {
    match change {
        NameChange::Set(name, inode) => drop(names.insert(name.clone(), *inode)),
        NameChange::Rename(from, to, inode) => {
            if names.get(from) == Some(inode) {
                names.remove(from);
            }
            names.insert(to.clone(), *inode);
        }
        NameChange::Remove(name) => drop(names.remove(name).ok_or(io::ErrorKind::NotFound)?),
    }
    Ok(())
}

impl Inode {
    /// Makes one sector durable as it is visible now.
    fn keep(&mut self, sector: usize) {
        let start = sector * SECTOR;
        let end = (start + SECTOR).min(self.visible.len());
        if start >= end {
            return;
        }
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
        self.durable[start..end].copy_from_slice(&self.visible[start..end]);
    }
}

impl SimDisk {
    /// An empty disk with its own sequence of chances.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: seed,
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            next_inode: 0,
            locked: false,
            down: false,
            power_lost: false,
            calls: 0,
            syncs: 0,
            writes: 0,
            faults: Vec::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault, besides those that are planned; counting begins here.
    pub fn plan(&self, fault: Fault) {
        let mut state = self.state();
        (state.calls, state.syncs, state.writes) = (0, 0, 0);
        state.faults.push(fault);
    }

    /// Forgets all planned faults.
    pub fn mend(&self) {
        self.state().faults.clear();
    }

    /// Calls since the last plan, or since the disk was made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// True after a planned power cut or kill.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.state().down
    }

    /// Ends the process now: what was written stays visible. Handles that are still held fail from now on.
    pub fn kill(&self) {
        let mut state = self.state();
        state.down = true;
        state.power_lost = false;
    }

    /// Cuts the power now.
    pub fn cut_power(&self) {
        let mut state = self.state();
        state.down = true;
        state.power_lost = true;
    }

    /// The disk as the next process finds it, without faults: after a power cut with a random part of what was not durable,
    /// else with all that was written. Old handles keep pointing at the dead machine.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let mut old = self.state();
        let mut state = State {
            random: old.random,
            inodes: old.inodes.clone(),
            names: old.names.clone(),
            durable_names: old.durable_names.clone(),
            changes: old.changes.clone(),
            next_inode: old.next_inode,
            locked: false,
            down: false,
            power_lost: false,
            calls: 0,
            syncs: 0,
            writes: 0,
            faults: Vec::new(),
        };
        if old.power_lost {
            state.lose();
        }
        old.down = true;
        Self(Arc::new(Mutex::new(state)))
    }

    /// A separate disk with the same contents, all of it durable.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new(self.state().random);
        for (name, bytes) in self.files() {
            copy.put(&name, bytes);
        }
        copy
    }

    /// All files with their contents.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let contents =
            |number: &u64| state.inodes.get(number).map(|inode| inode.visible.clone()).unwrap_or_default();
        state.names.iter().map(|(name, number)| (name.clone(), contents(number))).collect()
    }

    /// Contents of a file.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.files().remove(name)
    }

    /// Puts a file there, durably, in place of one of that name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let number = state.next_inode;
        state.next_inode += 1;
        let inode = Inode { durable: bytes.clone(), visible: bytes, ..Inode::default() };
        state.inodes.insert(number, inode);
        state.names.insert(name.to_owned(), number);
        state.durable_names.insert(name.to_owned(), number);
    }

    /// Takes a file away, durably.
    pub fn take(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.durable_names.remove(name);
    }

    /// Flips one bit of a file where it is durable.
    pub fn flip(&self, name: &str, bit: usize) {
        if let Some(mut bytes) = self.contents(name)
            && let Some(byte) = bytes.get_mut(bit / 8)
        {
            *byte ^= 1 << (bit % 8);
            self.put(name, bytes);
        }
    }

    /// Cuts a file to a length.
    pub fn truncate(&self, name: &str, length: usize) {
        if let Some(mut bytes) = self.contents(name) {
            bytes.truncate(length);
            self.put(name, bytes);
        }
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let state = self.state();
        if state.down {
            return Err(State::died());
        }
        let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile { disk: self.clone(), inode })
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn open_to_read(&self, name: &str) -> io::Result<SimFile> {
        self.open(name)
    }

    fn open_to_write(&self, name: &str) -> io::Result<SimFile> {
        if self.state().faults.contains(&Fault::ReadOnly) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        self.open(name)
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        let inode = state.next_inode;
        state.next_inode += 1;
        state.change(NameChange::Set(name.to_owned(), inode))?;
        state.inodes.insert(inode, Inode::default());
        Ok(SimFile { disk: self.clone(), inode })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change(NameChange::Rename(from.to_owned(), to.to_owned(), inode))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().change(NameChange::Remove(name.to_owned()))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.state().sync_names()
    }

    fn lock(&self, _name: &str) -> io::Result<SimLock> {
        let mut state = self.state();
        if state.down {
            return Err(State::died());
        }
        if state.faults.contains(&Fault::ReadOnly) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if std::mem::replace(&mut state.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        drop(state);
        Ok(SimLock(self.clone()))
    }

    fn describe(&self, name: &str) -> String {
        format!("sim/{name}")
    }
}

impl DiskFile for SimFile {
    fn length(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state
            .inodes
            .get(&self.inode)
            .map(|inode| inode.visible.len() as u64)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let found =
            state.inodes.get(&self.inode).and_then(|inode| inode.visible.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.state().write(self.inode, offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state().sync(self.inode)
    }
}
