//! The arrows between crates, and what the pure layers must not touch.
//!
//! The table of crates in ARCHITECTURE.md is the rule; `cargo metadata` is the fact. Dev-dependencies are exempt: what a
//! test imports is in no shipped library.

use crate::fault::Fault;
use crate::table::{self, Row};
use crate::tree::{Tree, extension};
use crate::workspace::{Crate, Workspace};
use std::collections::{BTreeMap, BTreeSet};

/// The map of the project.
pub(crate) const MAP: &str = "ARCHITECTURE.md";
const HEADER: [&str; 4] = ["layer", "crate", "what lives there", "may import"];

/// Layers up to this one are pure; from here on files are allowed, and the edge alone has a clock.
const LAST_PURE_LAYER: u8 = 6;
/// The binary and the server: the edge may look at the clock, and listen.
const EDGE: [&str; 2] = ["plimsoll", "server"];
/// Modules of the standard library that reach outside.
const WORLD: [&str; 5] = ["fs", "net", "env", "process", "time"];
/// Of these, what the layers above the pure ones still leave alone.
const CLOCK_AND_NET: [&str; 2] = ["net", "time"];
/// The one file of the pure layers that may touch files: the journal's disk.
const JOURNAL_DISK: &str = "crates/journal/src/real.rs";
/// Containers whose order of iteration changes from run to run.
const UNORDERED: [&str; 2] = ["HashMap", "HashSet"];

#[derive(Debug)]
struct Entry {
    line: usize,
    /// None for tools that belong to no layer.
    layer: Option<u8>,
    may_import: BTreeSet<String>,
}

/// Every broken rule.
pub(crate) fn check(tree: &Tree, workspace: &Workspace) -> Vec<Fault> {
    let Some(text) = tree.text(MAP) else {
        return vec![Fault::of_file(MAP, "the map of the project is missing")];
    };
    let mut faults = Vec::new();
    let table = match table::rows(MAP, text, &HEADER) {
        Ok(rows) => entries(&rows, &mut faults),
        Err(fault) => return vec![fault],
    };
    faults.extend(table_faults(&table, workspace));
    for (name, found) in &workspace.crates {
        let Some(entry) = table.get(name) else {
            faults.push(Fault::of_file(MAP, format!("crate `{name}` has no row in the table of crates")));
            continue;
        };
        for import in found.imports.difference(&entry.may_import) {
            let rule = format!("`{name}` imports `{import}`: the table of crates does not allow that arrow");
            faults.push(Fault::of_file(&format!("{}/Cargo.toml", found.folder), rule));
        }
        faults.extend(purity(tree, name, found, entry));
    }
    faults
}

fn entries(rows: &[Row<'_>], faults: &mut Vec<Fault>) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for row in rows {
        match entry(row) {
            Ok((name, entry)) => {
                if entries.insert(name.to_owned(), entry).is_some() {
                    faults.push(Fault::of_line(MAP, row.line, format!("`{name}` has two rows")));
                }
            }
            Err(rule) => faults.push(Fault::of_line(MAP, row.line, rule)),
        }
    }
    entries
}

fn entry<'a>(row: &Row<'a>) -> Result<(&'a str, Entry), &'static str> {
    let &[layer, name, _, imports] = row.cells.as_slice() else { return Err("a row has four cells") };
    let name = table::name(name).ok_or("the crate stands between backticks")?;
    let layer = match layer {
        "-" => None,
        number => Some(number.parse().map_err(|_| "the layer is a number, or - for a tool")?),
    };
    let mut may_import = BTreeSet::new();
    for import in imports.split(',').map(str::trim).filter(|cell| *cell != "-") {
        let import = table::name(import).ok_or("imports are crates between backticks with commas, or -")?;
        may_import.insert(import.to_owned());
    }
    Ok((name, Entry { line: row.line, layer, may_import }))
}

fn table_faults(table: &BTreeMap<String, Entry>, workspace: &Workspace) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, entry) in table {
        let mut add = |rule: String| faults.push(Fault::of_line(MAP, entry.line, rule));
        if !workspace.crates.contains_key(name) {
            add(format!("the row of `{name}` has no crate: a crate is listed once it exists"));
        }
        for import in &entry.may_import {
            match table.get(import) {
                None => add(format!("`{name}` may import `{import}`, which has no row")),
                Some(other) if other.layer >= entry.layer => {
                    add(format!("`{name}` may import `{import}`, which is in no lower layer"));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

/// Clock, files, network and unordered containers in the sources of one crate; its `tests` folder is exempt.
fn purity(tree: &Tree, name: &str, found: &Crate, entry: &Entry) -> Vec<Fault> {
    let Some(layer) = entry.layer.filter(|_| !EDGE.contains(&name)) else { return Vec::new() };
    let is_pure = layer <= LAST_PURE_LAYER;
    let banned: &[&str] = if is_pure { &WORLD } else { &CLOCK_AND_NET };
    let sources = format!("{}/src/", found.folder);
    let mut faults = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.starts_with(&sources) && extension(path) == "rs")
    {
        for (line, number) in text.lines().zip(1..) {
            let is_banned =
                |module: &&&str| names_module(line, module) && !(path == JOURNAL_DISK && **module == "fs");
            if let Some(module) = banned.iter().find(is_banned) {
                let rule = format!("std::{module} in layer {layer}: take what it gives as an argument");
                faults.push(Fault::of_line(path, number, rule));
            }
            if let Some(container) = UNORDERED.iter().find(|c| is_pure && words(line).any(|w| w == **c)) {
                let rule =
                    format!("{container} in layer {layer}: its order is not the same twice; use BTreeMap");
                faults.push(Fault::of_line(path, number, rule));
            }
        }
    }
    faults
}

/// True for `std::fs` and for `use std::{collections, fs}`.
fn names_module(line: &str, module: &str) -> bool {
    line.split("std::").skip(1).any(|rest| match rest.strip_prefix('{') {
        Some(group) => words(group).any(|word| word == module),
        None => words(rest).next() == Some(module),
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| layer | crate | what lives there | may import |
|---|---|---|---|
| 0 | `units` | numbers | - |
| 2 | `book` | positions | `units` |
| 7 | `lake` | files | `units`, `book` |
| 9 | `plimsoll` | the binary | `units`, `book`, `lake` |
| - | `xtask` | checks | - |
";

    fn workspace(imports: &[(&str, &[&str])]) -> Workspace {
        let made = imports.iter().map(|(name, imports)| {
            let imports = imports.iter().map(|name| (*name).to_owned()).collect();
            ((*name).to_owned(), Crate { folder: format!("crates/{name}"), imports, ..Crate::default() })
        });
        Workspace { crates: made.collect() }
    }

    const SOUND: [(&str, &[&str]); 5] = [
        ("units", &[]),
        ("book", &["units"]),
        ("lake", &["units", "book"]),
        ("plimsoll", &["lake"]),
        ("xtask", &[]),
    ];

    fn rules(files: &[(&str, &str)], workspace: &Workspace) -> Vec<String> {
        check(&Tree::of(files), workspace).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn a_workspace_that_follows_its_table_has_no_fault() {
        assert_eq!(rules(&[(MAP, TABLE)], &workspace(&SOUND)), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_the_table_does_not_allow_is_named() {
        let mut crates = SOUND;
        crates[0] = ("units", &["book"]);
        let rule = "`units` imports `book`: the table of crates does not allow that arrow";
        assert_eq!(rules(&[(MAP, TABLE)], &workspace(&crates)), [rule]);
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_named() {
        let mut crates = SOUND;
        crates[1] = ("ledger", &["units"]);
        let found = rules(&[(MAP, TABLE)], &workspace(&crates));
        assert!(found.iter().any(|rule| rule.starts_with("crate `ledger` has no row")), "{found:?}");
        assert!(found.iter().any(|rule| rule.starts_with("the row of `book` has no crate")), "{found:?}");
    }

    #[test]
    fn the_table_itself_must_point_downwards_and_be_readable() {
        let cases = [
            ("| 0 | `units` | numbers | - |", "| 0 | `units` | numbers | `book` |", "in no lower layer"),
            ("| 0 | `units` | numbers | - |", "| 0 | `units` | numbers | `margin` |", "which has no row"),
            ("| 0 | `units` | numbers | - |", "| low | `units` | numbers | - |", "the layer is a number"),
            ("| 0 | `units` | numbers | - |", "| 0 | `units` | numbers | nothing |", "between backticks"),
            ("| 0 | `units` | numbers | - |", "| 0 | units | numbers | - |", "between backticks"),
            ("| - | `xtask` | checks | - |", "| - | `book` | checks | - |", "has two rows"),
            ("| layer |", "| level |", "exactly one table"),
        ];
        for (sound, broken, rule) in cases {
            let found = rules(&[(MAP, &TABLE.replace(sound, broken))], &workspace(&SOUND));
            assert!(found.iter().any(|f| f.contains(rule)), "{broken}: {found:?}");
        }
        assert_eq!(rules(&[], &workspace(&SOUND)), ["the map of the project is missing"]);
    }

    #[test]
    fn pure_layers_have_no_files_clock_environment_or_hash_order() {
        let cases = [
            ("crates/book/src/a.rs", "use std::fs::File;", true),
            ("crates/book/src/a.rs", "use std::{collections, env};", true),
            ("crates/book/src/a.rs", "let t = std::time::Instant::now();", true),
            ("crates/book/src/a.rs", "use std::collections::HashMap;", true),
            ("crates/book/src/a.rs", "use std::collections::BTreeMap;", false),
            ("crates/book/src/a.rs", "use std::fsx;", false),
            ("crates/book/tests/a.rs", "use std::fs::File;", false),
            ("crates/lake/src/a.rs", "use std::fs::File;", false),
            ("crates/lake/src/a.rs", "use std::time::SystemTime;", true),
            ("crates/plimsoll/src/a.rs", "use std::time::Instant;", false),
        ];
        for (path, line, is_fault) in cases {
            let found = rules(&[(MAP, TABLE), (path, line)], &workspace(&SOUND));
            assert_eq!(!found.is_empty(), is_fault, "{path} {line}: {found:?}");
        }
    }

    #[test]
    fn the_journal_has_one_file_that_opens_files_and_no_clock() {
        let table = format!("{TABLE}| 1 | `journal` | a log | `units` |\n");
        let mut crates = workspace(&SOUND).crates;
        let journal = Crate { folder: "crates/journal".into(), ..Crate::default() };
        crates.insert("journal".to_owned(), journal);
        let workspace = Workspace { crates };
        for (path, line, is_fault) in [
            (JOURNAL_DISK, "use std::fs::File;", false),
            (JOURNAL_DISK, "use std::time::Instant;", true),
            ("crates/journal/src/scan.rs", "use std::fs::File;", true),
        ] {
            let found = rules(&[(MAP, &table), (path, line)], &workspace);
            assert_eq!(!found.is_empty(), is_fault, "{path} {line}: {found:?}");
        }
    }
}
