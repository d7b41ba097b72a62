//! What a deterministic machine is.

use crate::digest::Digest;
use crate::record::{Record, Stamp, Tag};

/// An event with its encoding. The encoding is a contract for as long as journals are kept: a change of it is a new
/// version in the [`Tag`], and old versions stay readable.
pub trait Event: Sized {
    /// Appends the payload and says what it is.
    fn encode(&self, payload: &mut Vec<u8>) -> Tag;

    /// Reads a payload.
    ///
    /// # Errors
    /// In words, when the kind or version is unknown or the payload is not of it.
    fn decode(tag: Tag, payload: &[u8]) -> Result<Self, String>;
}

/// A state that changes by events and by nothing else: same events, same state, same outputs, on every machine. So a
/// `step` has no clock (the time is in the stamp), no random numbers without a seed in an event, no files, no unordered maps.
pub trait Machine: Sized {
    /// What goes in.
    type Event: Event;
    /// What comes out.
    type Output;

    /// Applies one event. Total: an event that breaks a rule of the machine gives an output that says so.
    fn step(&mut self, stamp: Stamp, event: &Self::Event) -> Vec<Self::Output>;

    /// Hash of the whole state in a canonical encoding.
    fn state_hash(&self) -> Digest;

    /// The whole state as bytes.
    fn snapshot(&self) -> Vec<u8>;

    /// The machine of a snapshot; what is no state (tables, parameters given at start) it takes from `self`.
    ///
    /// # Errors
    /// In words, when the bytes are not such a snapshot.
    fn restore(&self, bytes: &[u8]) -> Result<Self, String>;
}

/// Decodes and applies one record.
pub(crate) fn apply<M: Machine>(machine: &mut M, record: &Record<'_>) -> Result<Vec<M::Output>, String> {
    let event = M::Event::decode(record.tag, record.payload)?;
    Ok(machine.step(record.stamp, &event))
}
