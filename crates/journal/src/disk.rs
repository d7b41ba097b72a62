//! What the journal asks of a disk, and nothing more: flat names in one directory.
//!
//! Two implementors: [`RealDisk`](crate::RealDisk) and [`SimDisk`](crate::sim::SimDisk), which fails, tears and forgets on purpose.

use std::fmt::Debug;
use std::io;

/// One directory of files.
pub trait Disk: Debug {
    /// An open file.
    type File: DiskFile + Debug;
    /// Held as long as the journal is open for writing; dropping it lets the next writer in.
    type Lock: Debug;

    /// Names of the files, in any order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading only.
    ///
    /// # Errors
    /// When it is absent or not readable.
    fn open_to_read(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    /// When it is absent or not writable.
    fn open_to_write(&self, name: &str) -> io::Result<Self::File>;

    /// Makes an empty file; one of that name is replaced.
    ///
    /// # Errors
    /// When the directory does not admit it.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, in one step; a file of that name is replaced. Durable after [`Disk::sync_directory`].
    ///
    /// # Errors
    /// When the file is absent or the directory does not admit it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_directory`].
    ///
    /// # Errors
    /// When the file is absent or the directory does not admit it.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    ///
    /// # Errors
    /// When the device says so; what is durable is then unknown.
    fn sync_directory(&self) -> io::Result<()>;

    /// Takes the lock of that name, for one holder in any process.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another holds it.
    fn lock(&self, name: &str) -> io::Result<Self::Lock>;

    /// How a message calls the file: with its folder.
    fn describe(&self, name: &str) -> String;
}

/// An open file.
pub trait DiskFile {
    /// Length in bytes.
    ///
    /// # Errors
    /// When the device says so.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file is shorter.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`. Not durable before [`DiskFile::sync`].
    ///
    /// # Errors
    /// When the device says so; any part may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable, length included.
    ///
    /// # Errors
    /// When the device says so. What was written since the last success may then be lost although it still reads back, and a
    /// second call may succeed without having written it: the file must not be written any further.
    fn sync(&self) -> io::Result<()>;
}
