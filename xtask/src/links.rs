//! Links of Markdown files to files of the tree.
//!
//! Inline links and reference definitions, outside code. Addresses (`https:`, `mailto:`) and anchors within a page are left alone.

use crate::fault::Fault;
use crate::tree::Tree;

/// Links of one file that lead nowhere.
pub(crate) fn check(tree: &Tree, path: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut in_fence = false;
    for (line, number) in text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if !in_fence && !line.starts_with("    ") {
            for target in targets(&without_code(line)) {
                if let Some(rule) = broken(tree, path, &target) {
                    faults.push(Fault::of_line(path, number, rule));
                }
            }
        }
    }
    faults
}

/// The line with every second stretch between backticks taken out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    // A title may follow the target after a blank.
    inline
        .chain(definition)
        .filter_map(|target| target.split_whitespace().next().map(str::to_owned))
        .collect()
}

fn broken(tree: &Tree, path: &str, target: &str) -> Option<String> {
    let file = target.split('#').next().unwrap_or(target);
    if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let mut place: Vec<&str> = path.split('/').collect();
    place.pop();
    for part in file.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                if place.pop().is_none() {
                    return Some(format!("the link '{target}' leaves the repository"));
                }
            }
            part => place.push(part),
        }
    }
    (!tree.has(&place.join("/"))).then(|| format!("the link '{target}' leads to no file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_or_folder_of_the_tree() {
        let tree = Tree::of(&[("README.md", ""), ("docs/formats.md", ""), ("docs/adr/0001.md", "")]);
        let cases = [
            ("docs/a.md", "see [formats](formats.md)", true),
            ("docs/a.md", "see [formats](./formats.md#limits \"title\")", true),
            ("docs/a.md", "up [home](../README.md), in [adr](adr/)", true),
            ("docs/a.md", "[out](https://example.org/a.md) and [here](#below)", true),
            ("docs/a.md", "[one](formats.md) and [two](gone.md)", false),
            ("docs/a.md", "![picture](gone.png)", false),
            ("docs/a.md", "[home]: ../gone.md", false),
            ("docs/a.md", "[out](../../shared/notes.md)", false),
            ("README.md", "[formats](formats.md)", false),
            ("README.md", "[absolute](/docs/formats.md)", false),
            ("README.md", "code `[a](gone.md)` is no link", true),
            ("README.md", "```\n[a](gone.md)\n```", true),
            ("README.md", "```\n```\n[a](gone.md)", false),
        ];
        for (path, text, is_sound) in cases {
            let found = check(&tree, path, text);
            assert_eq!(found.is_empty(), is_sound, "{path} {text}: {found:?}");
        }
    }
}
