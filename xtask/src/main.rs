//! Checks on the source tree itself: `cargo xtask check`. The same checks are tests of this package, so that
//! `cargo test --workspace` runs them.
//!
//! | module | fails on |
//! |---|---|
//! | `deps` | an arrow between crates that the table in ARCHITECTURE.md does not allow; a crate without a row, a row without a crate; a clock, a file, the network or a hash map in the pure layers |
//! | `tidy` | long files, leftover marks, machine paths, words of private tooling, a library without module docs, broken links, big files, `unsafe` outside its one module |
//! | `docs` | a crate or a document that nothing mentions; a dependency without its row; a map that has grown too long |
//!
//! What is checked is what git would commit: tracked files and new ones that are not ignored. Each check is a pure function of
//! a [`Tree`] and a [`Workspace`]; its tests show on small trees in memory that it can fail. Left out: anything that
//! rustfmt, clippy or rustdoc already say.

mod deps;
mod docs;
mod fault;
mod links;
mod table;
mod tidy;
mod tree;
mod workspace;

use fault::{CheckError, Fault};
use std::path::Path;
use std::process::ExitCode;
use tree::Tree;
use workspace::Workspace;

const USAGE: &str = "usage: cargo xtask check";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["check"] {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match check(root()) {
        Ok(faults) if faults.is_empty() => {
            println!("xtask check: nothing to report");
            ExitCode::SUCCESS
        }
        Ok(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("xtask check: {} to mend", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("xtask check: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace that this package was built in.
fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

fn check(root: &Path) -> Result<Vec<Fault>, CheckError> {
    let tree = Tree::of_work_tree(root)?;
    let workspace = Workspace::of_manifests(root)?;
    let mut faults = deps::check(&tree, &workspace);
    faults.extend(tidy::check(&tree));
    faults.extend(docs::check(&tree, &workspace));
    faults.sort();
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_tree_has_nothing_to_report() {
        if !root().join(".git").exists() && std::env::var_os("CI").is_none() {
            // Straight to standard error: the test harness swallows what a passing test prints.
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("the checks of the source tree did not run: this is no git work tree\n"),
            );
            return;
        }
        let faults = check(root()).unwrap();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "\n{}\n", lines.join("\n"));
    }
}
