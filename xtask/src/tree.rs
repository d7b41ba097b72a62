//! The files that git would commit, by path.

use crate::fault::CheckError;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Files by path relative to the root, `/` between the parts.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// Tracked files, and new ones that are not ignored, as they are on disk now.
    pub(crate) fn of_work_tree(root: &Path) -> Result<Self, CheckError> {
        const COMMAND: &str = "git ls-files";
        let failed = |message: String| CheckError::Command { command: COMMAND, message };
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !listed.status.success() {
            return Err(failed(String::from_utf8_lossy(&listed.stderr).into_owned()));
        }
        let names = String::from_utf8(listed.stdout)
            .map_err(|_| failed("a file name is not UTF-8: rename it".into()))?;
        let mut files = BTreeMap::new();
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let path = root.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => {
                    files.insert(name.to_owned(), bytes);
                }
                // Deleted in the work tree and not yet in the index.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(CheckError::Read { path, source }),
            }
        }
        Ok(Self { files })
    }

    /// A tree in memory, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Self { files: files.collect() }
    }

    /// Path and bytes of every file, in the order of paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// Path and text of every file that is text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter_map(|(path, bytes)| Some((path, std::str::from_utf8(bytes).ok()?)))
    }

    /// Text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }

    /// True for a file, for a folder with a file in it, and for the root (the empty path).
    pub(crate) fn has(&self, path: &str) -> bool {
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// The part after the last point of the file name.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_a_file_is_in_it() {
        let tree = Tree::of(&[("docs/adr/0001.md", "")]);
        let cases =
            [("", true), ("docs", true), ("docs/adr", true), ("docs/adr/0001.md", true), ("doc", false)];
        for (path, there) in cases {
            assert_eq!(tree.has(path), there, "{path}");
        }
    }

    #[test]
    fn an_extension_belongs_to_the_file_and_not_to_its_folder() {
        assert_eq!(
            (extension("a.d/b.rs"), extension("a.d/b"), extension(".gitignore")),
            ("rs", "", "gitignore")
        );
    }
}
