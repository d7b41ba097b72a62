//! Opens a file, finds its format by content and counts what is read. Text may be packed with gzip, in one member or several.
//!
//! The meter has a ceiling that the row loops raise after every row, so that one endless row (an unclosed quote in a huge
//! file) is an error instead of a process without memory.

use crate::LakeError;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{Chain, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

/// How far a read has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, unpacked; for Parquet the share of rows read, in bytes of the file.
    pub bytes_done: u64,
    /// Bytes in the file; 0 when nobody knows (a pipe, a packed file).
    pub bytes_total: u64,
}

/// One row, one JSON key or one JSON row may take up to this many bytes.
pub(crate) const LONGEST_ROW: u64 = 16 << 20;
const PROGRESS_STEP: u64 = 1 << 20;
const HEAD: u64 = 256;
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// The error inside `io::Error` when the ceiling is hit.
#[derive(Debug, thiserror::Error)]
#[error("one row is longer than 16 MiB: a quote or bracket is not closed")]
pub(crate) struct RowTooLong;

/// Bytes read so far, and how far the row at hand may go.
#[derive(Debug)]
pub(crate) struct Meter {
    done: Cell<u64>,
    ceiling: Cell<u64>,
    reported: Cell<u64>,
    total: u64,
}

impl Meter {
    /// A row has ended: the next may be as long again. Reports progress now and then.
    pub(crate) fn row_done(&self, progress: &mut dyn FnMut(Progress)) {
        let done = self.done.get();
        self.ceiling.set(done.saturating_add(LONGEST_ROW));
        if done.saturating_sub(self.reported.get()) >= PROGRESS_STEP {
            self.report(progress);
        }
    }

    /// Reports where the read stands.
    pub(crate) fn report(&self, progress: &mut dyn FnMut(Progress)) {
        self.reported.set(self.done.get());
        progress(Progress { bytes_done: self.done.get(), bytes_total: self.total });
    }
}

/// The text of a file, counted.
#[derive(Debug)]
pub(crate) struct Text {
    inner: Chain<Cursor<Vec<u8>>, Input>,
    meter: Rc<Meter>,
}

/// What follows the head.
#[derive(Debug)]
enum Input {
    Plain(File),
    Packed(Box<MultiGzDecoder<Chain<Cursor<Vec<u8>>, File>>>),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Packed(packed) => packed.read(buffer),
        }
    }
}

impl Text {
    /// The counter, which outlives the move of the text into a parser.
    pub(crate) fn meter(&self) -> Rc<Meter> {
        Rc::clone(&self.meter)
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.meter.done.get() > self.meter.ceiling.get() {
            return Err(std::io::Error::other(RowTooLong));
        }
        let count = self.inner.read(buffer)?;
        self.meter.done.set(self.meter.done.get().saturating_add(count as u64));
        Ok(count)
    }
}

/// A file whose format is known.
#[derive(Debug)]
pub(crate) enum Source {
    Csv(Text),
    Json(Text),
    Parquet { input: File, bytes: u64 },
}

/// The file as the user named it.
pub(crate) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// Opens a file and looks at its first bytes.
pub(crate) fn open(path: &Path) -> Result<Source, LakeError> {
    let file = name(path);
    let io = |doing| {
        let file = file.clone();
        move |source| LakeError::Io { file, doing, source }
    };
    let mut plain = File::open(path).map_err(io("open"))?;
    let kind = plain.metadata().map_err(io("open"))?;
    if kind.is_dir() {
        return Err(LakeError::format(&file, 0, "this is a folder; name one file in it"));
    }
    let mut head = Vec::new();
    plain.by_ref().take(HEAD).read_to_end(&mut head).map_err(io("read"))?;
    refuse_unreadable(&file, &head)?;
    if head.starts_with(b"PAR1") {
        if !kind.is_file() {
            return Err(LakeError::format(
                &file,
                0,
                "Parquet is read from its end; name a regular file, not a pipe",
            ));
        }
        return Ok(Source::Parquet { input: plain, bytes: kind.len() });
    }
    let is_packed = head.starts_with(&GZIP);
    let input = if is_packed {
        let mut packed = MultiGzDecoder::new(Cursor::new(std::mem::take(&mut head)).chain(plain));
        packed.by_ref().take(HEAD).read_to_end(&mut head).map_err(io("unpack"))?;
        refuse_packed(&file, &head)?;
        Input::Packed(Box::new(packed))
    } else {
        Input::Plain(plain)
    };
    let body = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).to_vec();
    let first = body.iter().find(|b| !b.is_ascii_whitespace()).copied();
    let meter = Meter {
        done: Cell::new(0),
        ceiling: Cell::new(LONGEST_ROW),
        reported: Cell::new(0),
        total: if kind.is_file() && !is_packed { kind.len() } else { 0 },
    };
    let text = Text { inner: Cursor::new(body).chain(input), meter: Rc::new(meter) };
    Ok(if matches!(first, Some(b'[' | b'{')) { Source::Json(text) } else { Source::Csv(text) })
}

/// Only text is read out of a packed file.
fn refuse_packed(file: &str, head: &[u8]) -> Result<(), LakeError> {
    let rule = match head {
        [] => "packed with gzip, and nothing is inside",
        [b'P', b'A', b'R', b'1', ..] => "Parquet packed with gzip: it is read from its end; unpack it first",
        [0x1F, 0x8B, ..] => "packed with gzip twice; unpack it once",
        _ => return refuse_unreadable(file, head),
    };
    Err(LakeError::format(file, 0, rule))
}

/// Names the formats that people do have and this program does not read.
fn refuse_unreadable(file: &str, head: &[u8]) -> Result<(), LakeError> {
    let rule = match head {
        [] => "the file is empty",
        // What is packed is looked at once it is unpacked.
        [b'P', b'A', b'R', b'1', ..] | [0x1F, 0x8B, ..] => return Ok(()),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            "compressed with zstd; unpack it first, or pipe the output of zstdcat"
        }
        [b'P', b'K', 3, 4, ..] => "a spreadsheet or zip archive; save the sheet as CSV (UTF-8)",
        [b'P', b'A', b'R', b'E', ..] => "an encrypted Parquet file; write it without encryption",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "text in UTF-16; save it as UTF-8",
        _ if head.contains(&0) => "neither Parquet nor text in UTF-8: it has zero bytes",
        _ => return Ok(()),
    };
    Err(LakeError::format(file, 0, rule))
}
