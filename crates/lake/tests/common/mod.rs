//! Shared by the tests: scratch files that remove themselves, and the way to the recorded data.
#![allow(dead_code)] // each test file uses its share

use lake::{LakeError, Select, read_book, read_snapshot};
use market::RawSnapshot;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file in the folder for temporary files, gone when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(suffix: &str, bytes: &[u8]) -> Self {
        let scratch = Self::path_only(suffix);
        std::fs::write(&scratch.0, bytes).unwrap();
        scratch
    }

    pub(crate) fn path_only(suffix: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("lake-test-{}-{count}{suffix}", std::process::id())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file of the shared data, or `None` after saying which suite does not run; under CI its absence is a failure.
pub(crate) fn recorded(suite: &str, name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PLIMSOLL_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join("data/chains").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{suite}: {name} is absent from the shared data");
    // Straight to standard error: the test harness swallows what a passing test prints.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("{suite}: not run, {name} is absent (set PLIMSOLL_SHARED)\n"),
    );
    None
}

pub(crate) fn snapshot(path: &Path, select: Select) -> Result<RawSnapshot, LakeError> {
    read_snapshot(path, select, &mut |_| {})
}

/// Rows, issues and unknown columns of a book.
pub(crate) fn book(path: &Path) -> Result<(Vec<book::RawRow>, lake::BookRead), LakeError> {
    let mut rows = Vec::new();
    let read = read_book(path, &mut |row| rows.push(row), &mut |_| {})?;
    Ok((rows, read))
}
