//! How far a channel has got: a small file beside the journal, replaced as a whole and made durable.
//!
//! `alerts-CHANNEL.state` has JSON of schema `plimsoll.alert_state/1`. Everything up to `record` and `index` was delivered or has finally failed; `index` is null
//! where that is all of the record. The journal takes no notice of the file.

use super::alert::id_text;
use journal::{OutputId, Seq};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const SCHEMA: &str = "plimsoll.alert_state/1";

/// Everything that was said up to here is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Done(OutputId);

impl Done {
    /// All of a record and of those before it.
    pub(super) const fn through(seq: Seq) -> Self {
        Self(OutputId { seq, index: u32::MAX })
    }

    /// An output and all before it.
    pub(super) const fn up_to(id: OutputId) -> Self {
        Self(id)
    }

    pub(super) fn has(self, id: OutputId) -> bool {
        id <= self.0
    }

    /// The last record of which nothing is left.
    pub(super) const fn whole(self) -> Seq {
        match self.0 {
            OutputId { seq, index: u32::MAX } => seq,
            OutputId { seq, .. } => Seq::new(seq.get().saturating_sub(1)),
        }
    }

    /// The record that it is in.
    pub(super) const fn record(self) -> Seq {
        self.0.seq
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgressJson {
    schema: String,
    channel: String,
    sender: String,
    record: u64,
    index: Option<u32>,
}

/// How far one channel has got, and its file.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    path: PathBuf,
    channel: String,
    /// Which journal's alerts, as the receiver is told.
    pub(super) sender: String,
    pub(super) done: Done,
}

/// A state that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "{file}: {why}: a channel that has lost its place would lose alerts or repeat them all; remove the file, and it begins with the present"
)]
pub(super) struct Unreadable {
    file: String,
    why: String,
}

impl Progress {
    fn path(folder: &Path, channel: &str) -> PathBuf {
        folder.join(format!("alerts-{channel}.state"))
    }

    /// What the file says; none when there is no file.
    pub(super) fn read(folder: &Path, channel: &str) -> Result<Option<Self>, Unreadable> {
        let path = Self::path(folder, channel);
        let unreadable = |why: String| Unreadable { file: path.display().to_string(), why };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(format!("cannot read: {error}"))),
        };
        let json: ProgressJson = serde_json::from_str(&text)
            .map_err(|error| unreadable(format!("is no state of a channel: {error}")))?;
        if json.schema != SCHEMA || json.channel != channel {
            return Err(unreadable(format!("is of schema {}, channel {}", json.schema, json.channel)));
        }
        if json.sender.len() != 16 || !json.sender.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unreadable("has a sender that is not of sixteen hexadecimal digits".into()));
        }
        let done = Done(OutputId { seq: Seq::new(json.record), index: json.index.unwrap_or(u32::MAX) });
        Ok(Some(Self { path, channel: json.channel, sender: json.sender, done }))
    }

    /// Of a channel that begins here, and its file.
    pub(super) fn begin(folder: &Path, channel: &str, done: Done) -> Result<Self, String> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
        let sender = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut progress =
            Self { path: Self::path(folder, channel), channel: channel.to_owned(), sender, done };
        progress
            .advance(done)
            .map_err(|error| format!("{}: cannot write: {error}", progress.path.display()))?;
        Ok(progress)
    }

    /// Goes on to here, durably.
    pub(super) fn advance(&mut self, done: Done) -> std::io::Result<()> {
        self.done = done;
        let OutputId { seq, index } = done.0;
        let json = ProgressJson {
            schema: SCHEMA.into(),
            channel: self.channel.clone(),
            sender: self.sender.clone(),
            record: seq.get(),
            index: (index < u32::MAX).then_some(index),
        };
        let text = serde_json::to_string(&json)?;
        // An unfinished file ends like those that the journal's next writer removes.
        let unfinished = self.path.with_extension("tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(format!("{text}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &self.path)
    }

    /// For messages.
    pub(super) fn said(&self) -> String {
        match self.done.0 {
            OutputId { seq, index: u32::MAX } => format!("record {seq}"),
            id => id_text(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("plimsoll-progress-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const fn id(record: u64, index: u32) -> OutputId {
        OutputId { seq: Seq::new(record), index }
    }

    #[test]
    fn a_place_within_a_record_leaves_the_rest_of_it() {
        let done = Done::up_to(id(7, 2));
        assert!(done.has(id(6, 9)) && done.has(id(7, 2)) && !done.has(id(7, 3)));
        assert_eq!(done.whole(), Seq::new(6), "record 7 is derived again");
        let through = Done::through(Seq::new(7));
        assert!(through.has(id(7, 9)) && !through.has(id(8, 0)));
        assert_eq!(through.whole(), Seq::new(7));
    }

    #[test]
    fn what_was_written_is_read_and_who_sends_stays() {
        let folder = Folder::new("read");
        assert!(Progress::read(&folder.0, "desk").unwrap().is_none());
        let mut progress = Progress::begin(&folder.0, "desk", Done::through(Seq::ZERO)).unwrap();
        let done = Done::up_to(id(12, 3));
        progress.advance(done).unwrap();
        let again = Progress::read(&folder.0, "desk").unwrap().unwrap();
        assert_eq!((again.done, again.sender), (done, progress.sender));
        let other = Progress::begin(&folder.0, "other", done).unwrap();
        assert_ne!(other.sender.len(), 0);
    }

    #[test]
    fn a_spoilt_state_stops_and_says_how_to_go_on() {
        let folder = Folder::new("spoilt");
        for text in [
            "",
            "{}",
            "{\"schema\":\"plimsoll.alert_state/2\",\"channel\":\"desk\",\"sender\":\"\",\"record\":1,\"index\":null}",
        ] {
            std::fs::write(folder.0.join("alerts-desk.state"), text).unwrap();
            let error = Progress::read(&folder.0, "desk").unwrap_err().to_string();
            assert!(error.contains("alerts-desk.state") && error.contains("remove the file"), "{error}");
        }
    }
}
