//! The embedded sample: what a command without files shows.

use crate::cli::InputArgs;
use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// `examples/` holds the same bytes.
const SAMPLE_BOOK: &str = include_str!("../../../../examples/book.csv");
const SAMPLE_MARKET: &str = include_str!("../../../../examples/market.json");

/// The embedded sample, laid out as files so that it goes through the same readers as any other; removed afterwards.
pub(super) struct Sample {
    folder: Option<PathBuf>,
}

impl Sample {
    /// Files of the user only.
    pub(super) const fn none() -> Self {
        Self { folder: None }
    }

    pub(super) fn write_if_needed(args: &InputArgs) -> Result<Self, Failure> {
        match (args.book.is_empty(), args.market.is_empty()) {
            (false, false) => return Ok(Self { folder: None }),
            (false, true) => return Err(Failure::Usage("pass --market FILE beside the book".into())),
            (true, false) => {
                return Err(Failure::Usage(
                    "pass a book file beside --market, or neither for the sample".into(),
                ));
            }
            (true, true) => {}
        }
        Self::write(&[("book.csv", SAMPLE_BOOK), ("market.json", SAMPLE_MARKET)])
    }

    /// For a command that takes no book: the sample market when no file is named.
    pub(super) fn of_market(files: &[PathBuf]) -> Result<Self, Failure> {
        if files.is_empty() { Self::write(&[("market.json", SAMPLE_MARKET)]) } else { Ok(Self::none()) }
    }

    fn write(files: &[(&str, &str)]) -> Result<Self, Failure> {
        let folder = Self::new_folder()?;
        let failed = |source| Failure::Write { path: folder.clone(), source };
        for (name, text) in files {
            std::fs::write(folder.join(name), text).map_err(failed)?;
        }
        Ok(Self { folder: Some(folder) })
    }

    /// A folder that did not exist before: what somebody else put into the system's temporary folder is never read.
    fn new_folder() -> Result<PathBuf, Failure> {
        let mut attempt = 0;
        loop {
            let folder =
                std::env::temp_dir().join(format!("plimsoll-sample-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(source) => return Err(Failure::Write { path: folder, source }),
            }
        }
    }

    pub(super) fn paths(&self, args: &InputArgs) -> (Vec<PathBuf>, Vec<PathBuf>) {
        self.folder.as_ref().map_or_else(
            || (args.book.clone(), args.market.clone()),
            |folder| (vec![folder.join("book.csv")], vec![folder.join("market.json")]),
        )
    }

    /// The market files named, or the sample's.
    pub(super) fn markets(&self, named: &[PathBuf]) -> Vec<PathBuf> {
        self.folder.as_ref().map_or_else(|| named.to_vec(), |folder| vec![folder.join("market.json")])
    }

    /// The sample's place on disk is of no interest and would differ between runs.
    pub(super) fn shown(&self, path: &Path) -> String {
        match (&self.folder, path.file_name()) {
            (Some(folder), Some(name)) if path.starts_with(folder) => {
                format!("sample {}", name.to_string_lossy())
            }
            _ => path.display().to_string(),
        }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // A leftover in the system's folder for temporary files does no harm.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
