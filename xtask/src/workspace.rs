//! What the manifests say: crates, the arrows between them, and what they take from outside.

use crate::fault::CheckError;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The crates of the workspace by name.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) crates: BTreeMap<String, Crate>,
}

/// One crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Its folder, relative to the root.
    pub(crate) folder: String,
    /// Workspace crates that it imports, dev-dependencies left out.
    pub(crate) imports: BTreeSet<String>,
    /// External crates with the requirement as the manifest writes it, dev-dependencies included.
    pub(crate) external: BTreeMap<String, String>,
}

impl Workspace {
    /// Asks cargo, which reads the manifests and nothing else (`--no-deps` resolves nothing and needs no network).
    pub(crate) fn of_manifests(root: &Path) -> Result<Self, CheckError> {
        const COMMAND: &str = "cargo metadata";
        let failed = |message: String| CheckError::Command { command: COMMAND, message };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(root)
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Self::parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// Reads the answer of `cargo metadata`.
    pub(crate) fn parse(json: &str) -> Result<Self, CheckError> {
        let json: Value =
            serde_json::from_str(json).map_err(|error| CheckError::Metadata { rule: error.to_string() })?;
        let root = text(&json, "workspace_root")?;
        let mut crates = BTreeMap::new();
        for package in list(&json, "packages")? {
            crates.insert(text(package, "name")?.to_owned(), one_crate(package, root)?);
        }
        Ok(Self { crates })
    }
}

fn one_crate(package: &Value, root: &str) -> Result<Crate, CheckError> {
    let manifest = Path::new(text(package, "manifest_path")?);
    let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok()).ok_or_else(|| {
        CheckError::Metadata { rule: format!("{} lies outside the workspace", manifest.display()) }
    })?;
    let mut found = Crate { folder: folder.to_string_lossy().replace('\\', "/"), ..Crate::default() };
    for dependency in list(package, "dependencies")? {
        let name = text(dependency, "name")?.to_owned();
        let is_external = dependency.get("source").is_some_and(Value::is_string);
        // Tests may look sideways: what a test imports is in no shipped library, and cargo itself admits such circles.
        let is_dev = dependency.get("kind").and_then(Value::as_str) == Some("dev");
        if is_external {
            let requirement = text(dependency, "req")?;
            found.external.insert(name, requirement.strip_prefix('^').unwrap_or(requirement).to_owned());
        } else if !is_dev {
            found.imports.insert(name);
        }
    }
    Ok(found)
}

fn text<'a>(json: &'a Value, key: &str) -> Result<&'a str, CheckError> {
    json.get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| CheckError::Metadata { rule: format!("no text under '{key}'") })
}

fn list<'a>(json: &'a Value, key: &str) -> Result<&'a Vec<Value>, CheckError> {
    json.get(key)
        .and_then(Value::as_array)
        .ok_or_else(|| CheckError::Metadata { rule: format!("no list under '{key}'") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_dependencies_are_no_arrows_but_count_as_external() {
        let json = r#"{"workspace_root": "/w", "packages": [{
            "name": "risk", "manifest_path": "/w/crates/risk/Cargo.toml", "dependencies": [
                {"name": "book", "source": null, "kind": null, "req": "*"},
                {"name": "market", "source": null, "kind": "build", "req": "*"},
                {"name": "plimsoll", "source": null, "kind": "dev", "req": "*"},
                {"name": "rayon", "source": "registry", "kind": null, "req": "^1.12"},
                {"name": "libm", "source": "registry", "kind": "dev", "req": "=0.2.16"}
            ]}]}"#;
        let workspace = Workspace::parse(json).unwrap();
        let risk = &workspace.crates["risk"];
        assert_eq!(risk.folder, "crates/risk");
        assert_eq!(risk.imports, ["book", "market"].map(String::from).into());
        let external = [("rayon", "1.12"), ("libm", "=0.2.16")].map(|(n, r)| (n.to_owned(), r.to_owned()));
        assert_eq!(risk.external, external.into());
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error() {
        for json in ["", "{}", r#"{"workspace_root": "/w", "packages": [{}]}"#] {
            assert!(Workspace::parse(json).is_err(), "{json}");
        }
    }
}
