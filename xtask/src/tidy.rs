//! Order in the files: length, leftovers, machine paths, module docs, links, size, the one place of `unsafe`.

use crate::fault::Fault;
use crate::links;
use crate::tree::{Tree, extension};

const MAX_LINES: usize = 800;
const MAX_BYTES: usize = 1 << 20;
/// Files in which a leftover mark means unfinished work.
const SOURCES: [&str; 6] = ["rs", "toml", "py", "css", "js", "html"];
/// The module that may switch the lint on `unsafe` off.
const UNSAFE_MODULE: &str = "crates/pricing/src/dispatch.rs";

/// Every broken rule.
pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, bytes) in tree.files() {
        if bytes.len() > MAX_BYTES {
            faults.push(Fault::of_file(
                path,
                format!("{} bytes: a tracked file has at most 1 MiB", bytes.len()),
            ));
        }
    }
    let words = Words::new();
    for (path, text) in tree.texts() {
        faults.extend(whole_file(path, text));
        for (line, number) in text.lines().zip(1..) {
            faults.extend(words.broken_by(path, line).map(|rule| Fault::of_line(path, number, rule)));
        }
        if extension(path) == "md" {
            faults.extend(links::check(tree, path, text));
        }
    }
    faults
}

fn whole_file(path: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if extension(path) == "rs" && lines > MAX_LINES {
        faults.push(Fault::of_file(
            path,
            format!("{lines} lines: a source file has at most {MAX_LINES}; split it"),
        ));
    }
    if path.ends_with("src/lib.rs") && !text.starts_with("//!") {
        faults.push(Fault::of_file(
            path,
            "a library begins with //!: what it computes, units, errors, an example",
        ));
    }
    faults
}

/// What must not stand in a file. The words are put together from parts, so that this file does not name them.
struct Words {
    leftovers: Vec<String>,
    machine_paths: Vec<String>,
    private: Vec<String>,
    unsafe_switch: String,
}

impl Words {
    fn new() -> Self {
        let joined = |parts: &[(&str, &str)]| parts.iter().map(|(a, b)| format!("{a}{b}")).collect();
        Self {
            leftovers: joined(&[("TO", "DO"), ("FIX", "ME"), ("XX", "X")]),
            machine_paths: joined(&[("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")]),
            private: joined(&[
                ("clau", "de"),
                ("anth", "ropic"),
                ("chat", "gpt"),
                ("open", "ai"),
                ("co", "pilot"),
                (".lib", "rary/"),
            ]),
            unsafe_switch: format!("allow({}", "unsafe_code"),
        }
    }

    fn broken_by(&self, path: &str, line: &str) -> impl Iterator<Item = String> {
        let mut rules = Vec::new();
        if SOURCES.contains(&extension(path))
            && let Some(word) = self.leftovers.iter().find(|word| has_word(line, word))
        {
            rules.push(format!("'{word}': finish it, or open an issue and leave it out of the source"));
        }
        if let Some(place) = self.machine_paths.iter().find(|place| has_absolute(line, place)) {
            rules.push(format!("'{place}' is a path of one machine: name files relative to the repository"));
        }
        let lower = line.to_lowercase();
        if let Some(word) = self.private.iter().find(|word| lower.contains(word.as_str())) {
            rules.push(format!("'{word}' belongs to private tooling, which is no part of the project"));
        }
        if extension(path) == "rs" && path != UNSAFE_MODULE && line.contains(&self.unsafe_switch) {
            rules.push(format!("unsafe code has one place, {UNSAFE_MODULE}"));
        }
        rules.into_iter()
    }
}

/// The word with no letter or digit beside it.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        !joins(before.chars().next_back()) && !joins(rest.strip_prefix(word).and_then(|r| r.chars().next()))
    })
}

/// The path from the root of a machine, not the inside of a longer path or address.
fn has_absolute(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | ')'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn a_source_file_has_800_lines_and_not_one_more() {
        assert_eq!(rules("a/src/b.rs", &"\n".repeat(800)), Vec::<String>::new());
        assert_eq!(rules("a/src/b.rs", &"\n".repeat(801)).len(), 1);
        assert_eq!(rules("a/data.csv", &"\n".repeat(801)), Vec::<String>::new());
    }

    #[test]
    fn a_tracked_file_has_one_mebibyte_and_not_one_byte_more() {
        assert_eq!(rules("a.csv", &"x".repeat(MAX_BYTES)), Vec::<String>::new());
        assert_eq!(rules("a.csv", &"x".repeat(MAX_BYTES + 1)).len(), 1);
    }

    #[test]
    fn a_library_begins_with_its_docs() {
        assert_eq!(rules("crates/a/src/lib.rs", "//! What.\n"), Vec::<String>::new());
        assert_eq!(rules("crates/a/src/lib.rs", "mod a;\n").len(), 1);
        assert_eq!(rules("crates/a/src/other.rs", "mod a;\n"), Vec::<String>::new());
    }

    #[test]
    fn leftovers_are_found_as_words_in_sources() {
        for word in Words::new().leftovers {
            assert_eq!(
                rules("a/src/b.rs", &format!("\n// {word}: later")),
                [format!(
                    "a/src/b.rs:2: '{word}': finish it, or open an issue and leave it out of the source"
                )]
            );
            assert_eq!(rules("a/src/b.rs", &format!("let A{word} = {word}S;")), Vec::<String>::new());
            assert_eq!(rules("CONTRIBUTING.md", &format!("no {word} in sources")), Vec::<String>::new());
        }
    }

    #[test]
    fn machine_paths_are_found_when_they_are_absolute() {
        for place in Words::new().machine_paths {
            for (text, is_fault) in [
                (format!("{place}x"), true),
                (format!("at `{place}x`"), true),
                (format!("..{place}x"), false),
                (format!("a{place}x"), false),
            ] {
                assert_eq!(!rules("a.md", &text).is_empty(), is_fault, "{text}");
            }
        }
    }

    #[test]
    fn words_of_private_tooling_are_found_in_any_case() {
        for word in Words::new().private {
            assert_eq!(rules("a.md", &format!("by {}", word.to_uppercase())).len(), 1, "{word}");
        }
    }

    #[test]
    fn unsafe_code_has_one_place() {
        let line = format!("#![{})]", Words::new().unsafe_switch);
        assert_eq!(rules(UNSAFE_MODULE, &line), Vec::<String>::new());
        assert_eq!(rules("crates/risk/src/cube.rs", &line).len(), 1);
    }

    #[test]
    fn links_are_checked_in_markdown() {
        assert_eq!(rules("a.md", "[b](b.md)").len(), 1);
        assert_eq!(rules("a.rs", "[b](b.md)"), Vec::<String>::new());
    }
}
