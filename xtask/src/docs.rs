//! The documents keep up with the tree: everything is mentioned somewhere, and every dependency has its reason.

use crate::deps::MAP;
use crate::fault::Fault;
use crate::table;
use crate::tree::{Tree, extension};
use crate::workspace::Workspace;
use std::collections::BTreeMap;

const MAP_MAX_LINES: usize = 200;
const DEPENDENCIES: &str = "docs/dependencies.md";
const HEADER: [&str; 6] =
    ["crate", "requirement", "licence", "brings", "why, and what else there was", "upkeep"];

/// Every broken rule.
pub(crate) fn check(tree: &Tree, workspace: &Workspace) -> Vec<Fault> {
    let mut faults = mentions(tree, workspace);
    faults.extend(dependencies(tree, workspace));
    let lines = tree.text(MAP).map_or(0, |text| text.lines().count());
    if lines > MAP_MAX_LINES {
        faults.push(Fault::of_file(MAP, format!("{lines} lines: a map has at most {MAP_MAX_LINES}")));
    }
    faults
}

/// A crate is named in ARCHITECTURE.md or a page of `docs/`; a page of `docs/` is named in one of these other than itself.
fn mentions(tree: &Tree, workspace: &Workspace) -> Vec<Fault> {
    let is_page = |path: &str| path.starts_with("docs/") && extension(path) == "md";
    let pages: Vec<(&str, &str)> = tree.texts().filter(|(path, _)| *path == MAP || is_page(path)).collect();
    let mut faults = Vec::new();
    for (name, found) in &workspace.crates {
        let word = format!("`{name}`");
        if !pages.iter().any(|(_, text)| text.contains(&word)) {
            let manifest = format!("{}/Cargo.toml", found.folder);
            faults.push(Fault::of_file(&manifest, format!("neither {MAP} nor docs/ mentions crate {word}")));
        }
    }
    for (path, _) in tree.files().filter(|(path, _)| is_page(path)) {
        let below_docs = path.strip_prefix("docs/").unwrap_or(path);
        if !pages.iter().any(|(other, text)| *other != path && text.contains(below_docs)) {
            faults.push(Fault::of_file(path, format!("neither {MAP} nor another page of docs/ mentions it")));
        }
    }
    faults
}

/// One row per external dependency of the workspace, with the requirement of the manifests.
fn dependencies(tree: &Tree, workspace: &Workspace) -> Vec<Fault> {
    let Some(text) = tree.text(DEPENDENCIES) else {
        return vec![Fault::of_file(DEPENDENCIES, "the list of dependencies is missing")];
    };
    let rows = match table::rows(DEPENDENCIES, text, &HEADER) {
        Ok(rows) => rows,
        Err(fault) => return vec![fault],
    };
    let used: BTreeMap<&str, &str> = workspace
        .crates
        .values()
        .flat_map(|found| {
            found.external.iter().map(|(name, requirement)| (name.as_str(), requirement.as_str()))
        })
        .collect();
    let mut listed = BTreeMap::new();
    let mut faults = Vec::new();
    for row in &rows {
        let &[name, requirement, ..] = row.cells.as_slice() else { continue };
        let rule = match table::name(name).map(|name| (name, used.get(name))) {
            None => Some("the crate stands between backticks".to_owned()),
            Some((name, _)) if listed.insert(name, row.line).is_some() => {
                Some(format!("`{name}` has two rows"))
            }
            Some((name, None)) => Some(format!("no crate of the workspace uses `{name}`: remove the row")),
            Some((name, Some(needed))) if *needed != requirement => {
                Some(format!("the manifests ask for {name} {needed}, the row says {requirement}"))
            }
            Some(_) => None,
        };
        faults.extend(rule.map(|rule| Fault::of_line(DEPENDENCIES, row.line, rule)));
    }
    for name in used.keys().filter(|name| !listed.contains_key(**name)) {
        faults.push(Fault::of_file(DEPENDENCIES, format!("`{name}` has no row: say why it is needed")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Crate;

    const LIST: &str = "\
| crate | requirement | licence | brings | why, and what else there was | upkeep |
|---|---|---|---|---|---|
| `rayon` | 1.12 | MIT | 5 | threads | alive |
";
    const MAP_TEXT: &str = "`risk` computes; docs/dependencies.md lists; docs/models/black76.md explains";

    fn workspace() -> Workspace {
        let external = [("rayon".to_owned(), "1.12".to_owned())].into();
        let risk = Crate { folder: "crates/risk".into(), external, ..Crate::default() };
        Workspace { crates: [("risk".to_owned(), risk)].into() }
    }

    fn rules(map: &str, list: &str) -> Vec<String> {
        let files =
            [(MAP, map), (DEPENDENCIES, list), ("docs/models/black76.md", "itself: models/black76.md")];
        check(&Tree::of(&files), &workspace()).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn documents_that_keep_up_have_no_fault() {
        assert_eq!(rules(MAP_TEXT, LIST), Vec::<String>::new());
    }

    #[test]
    fn a_crate_and_a_model_card_must_be_mentioned_by_another_page() {
        let without = |word: &str| rules(&MAP_TEXT.replace(word, "?"), LIST);
        assert_eq!(without("`risk`"), ["neither ARCHITECTURE.md nor docs/ mentions crate `risk`"]);
        assert_eq!(
            without("models/black76.md"),
            ["neither ARCHITECTURE.md nor another page of docs/ mentions it"]
        );
    }

    #[test]
    fn dependencies_and_their_rows_match_both_ways() {
        let cases = [
            (
                "| `rayon` | 1.12 |",
                "| `rayon` | 1.11 |",
                "the manifests ask for rayon 1.12, the row says 1.11",
            ),
            ("| `rayon` |", "| rayon |", "the crate stands between backticks"),
            ("`rayon`", "`tokio`", "no crate of the workspace uses `tokio`: remove the row"),
            ("`rayon`", "`tokio`", "`rayon` has no row: say why it is needed"),
            ("| crate |", "| name |", "exactly one table has the header"),
        ];
        for (sound, broken, rule) in cases {
            let found = rules(MAP_TEXT, &LIST.replace(sound, broken));
            assert!(found.iter().any(|f| f.starts_with(rule)), "{broken}: {found:?}");
        }
        let twice = format!("{LIST}| `rayon` | 1.12 | MIT | 5 | threads | alive |\n");
        assert_eq!(rules(MAP_TEXT, &twice), ["`rayon` has two rows"]);
    }

    #[test]
    fn a_map_of_more_than_200_lines_is_too_long() {
        let long = |lines: usize| format!("{MAP_TEXT}{}", "\n.".repeat(lines - 1));
        assert_eq!(rules(&long(200), LIST), Vec::<String>::new());
        assert_eq!(rules(&long(201), LIST), ["201 lines: a map has at most 200"]);
    }
}
