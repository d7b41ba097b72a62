//! Whose rules: the embedded rulebooks, the user's own files, and which account goes by which.

use crate::cli::{Override, RulesArgs};
use crate::document::InputFile;
use crate::failure::Failure;
use book::Book;
use margin::{AccountState, NoRulebook, Rulebook, Rulebooks};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use units::{Account, Issue, Issues, Venue};

/// Rulebooks by account: a rulebook named for the account wins over one named for the venue, that over the venue's usual one.
pub(crate) struct Rules {
    pub(crate) rulebooks: Rulebooks,
    by_venue: BTreeMap<Venue, String>,
    by_account: BTreeMap<(Account, Venue), String>,
    /// Ids of the user's own files, with the option and the file that brought them.
    own: BTreeMap<String, String>,
}

/// A parameter file as read.
pub(crate) struct RuleFile {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Rules {
    /// Reads the user's files over the embedded ones and checks every override against the book.
    pub(crate) fn load(args: &RulesArgs, book: &Book) -> Result<(Self, Vec<InputFile>), Failure> {
        let embedded = Rulebooks::embedded().map_err(|issues| Failure::Rulebooks { issues })?;
        let mut inputs = Vec::new();
        let mut own = BTreeMap::new();
        let rulebooks = with_files(embedded, ("--rules", &args.rules), (&mut inputs, &mut own))?;
        let rules = Self { rulebooks, by_venue: BTreeMap::new(), by_account: BTreeMap::new(), own };
        let places: Vec<(Account, Venue)> =
            places(book).map(|(account, venue)| (account.clone(), venue.clone())).collect();
        Ok((rules.with("--rulebook", &args.rulebook, &places)?, inputs))
    }

    /// The same with files of the user over them.
    pub(crate) fn after(&self, paths: &[PathBuf], inputs: &mut Vec<InputFile>) -> Result<Self, Failure> {
        let mut own = BTreeMap::new();
        let rulebooks = with_files(self.rulebooks.clone(), ("--rules-after", paths), (inputs, &mut own))?;
        let (by_venue, by_account) = (self.by_venue.clone(), self.by_account.clone());
        Ok(Self { rulebooks, by_venue, by_account, own })
    }

    /// A note for every file of the user that margins no account: most likely its rulebook was to be named.
    ///
    /// `used` has ids with parameter hashes.
    pub(crate) fn unused(&self, used: &BTreeSet<(&str, &str)>) -> Vec<String> {
        let is_used = |id: &str| {
            self.rulebooks
                .get(id)
                .is_some_and(|rulebook| used.contains(&(id, rulebook.parameter_hash.as_str())))
        };
        let unused = self.own.iter().filter(|(id, _)| !is_used(id));
        unused
            .map(|(id, file)| {
                let word = if file.starts_with("--rules-after") { "--rulebook-after" } else { "--rulebook" };
                format!("{file}: rulebook '{id}' margins no account; name it by {word} VENUE={id}")
            })
            .collect()
    }

    /// The same with overrides of one option of the command line.
    pub(crate) fn with(
        mut self,
        option: &'static str,
        overrides: &[Override],
        places: &[(Account, Venue)],
    ) -> Result<Self, Failure> {
        let places: BTreeSet<(&Account, &Venue)> = places.iter().map(|(a, v)| (a, v)).collect();
        let mut seen = BTreeSet::new();
        for chosen in overrides {
            let Override { account, venue, id } = chosen;
            if self.rulebooks.get(id).is_none() {
                let ids: Vec<&str> = self.rulebooks.iter().map(|b| b.header.id.as_str()).collect();
                return Err(Failure::Usage(format!(
                    "{option} {chosen}: there is no rulebook '{id}'; there are: {}",
                    ids.join(", ")
                )));
            }
            let is_held = |(a, v): &(&Account, &Venue)| {
                *v == venue && account.as_ref().is_none_or(|account| account == *a)
            };
            if !places.iter().any(is_held) {
                let held: Vec<String> = places.iter().map(|(a, v)| format!("{a}@{v}")).collect();
                return Err(Failure::Usage(format!(
                    "{option} {chosen}: the book holds nothing there; it holds: {}",
                    held.join(", ")
                )));
            }
            if !seen.insert((account, venue)) {
                return Err(Failure::Usage(format!(
                    "{option} {chosen}: a rulebook for this place is given twice"
                )));
            }
            match account {
                Some(account) => self.by_account.insert((account.clone(), venue.clone()), id.clone()),
                None => self.by_venue.insert(venue.clone(), id.clone()),
            };
        }
        Ok(self)
    }

    /// The rulebook of an account, or why there is none.
    pub(crate) fn of(&self, state: &AccountState) -> Result<&Rulebook, NoRulebook> {
        let place = (state.account.clone(), state.venue.clone());
        let named = self.by_account.get(&place).or_else(|| self.by_venue.get(&state.venue));
        // Named ids were found when they were read.
        match named.and_then(|id| self.rulebooks.get(id)) {
            Some(rulebook) => Ok(rulebook),
            None => self.rulebooks.for_account(state),
        }
    }
}

/// Accounts and venues of a book, with repetitions.
pub(crate) fn places(book: &Book) -> impl Iterator<Item = (&Account, &Venue)> {
    let positions = book.positions.iter().map(|p| (&p.account, &p.venue));
    positions.chain(book.balances.iter().map(|b| (&b.account, &b.venue)))
}

/// These rulebooks and those of the files, each an input with its hash.
fn with_files(
    mut all: Rulebooks,
    (option, paths): (&'static str, &[PathBuf]),
    (inputs, own): (&mut Vec<InputFile>, &mut BTreeMap<String, String>),
) -> Result<Rulebooks, Failure> {
    let (files, mut issues) = rule_files(paths);
    for RuleFile { name, text } in checked(&files, &mut issues) {
        if let Err(found) = all.add(name, text) {
            issues.extend(found);
        }
        if let Ok(rulebook) = Rulebook::parse(name, text) {
            own.insert(rulebook.header.id, format!("{option} {name}"));
        }
        inputs.push(InputFile {
            blake3: blake3::hash(text.as_bytes()).to_hex().to_string(),
            path: name.clone(),
            role: "rulebook",
            rows: 1,
            asof: None,
        });
    }
    if issues.is_empty() { Ok(all) } else { Err(Failure::Rulebooks { issues }) }
}

/// The sound files among these; the mistakes of the others, and ids that two of them claim, become issues.
pub(crate) fn checked<'a>(files: &'a [RuleFile], issues: &mut Issues) -> Vec<&'a RuleFile> {
    let mut own: BTreeMap<String, &str> = BTreeMap::new();
    let mut sound = Vec::new();
    for file in files {
        match Rulebook::parse(&file.name, &file.text) {
            Ok(rulebook) => match own.get(&rulebook.header.id) {
                Some(other) => {
                    let rule = format!("is also the id of {other}: give one of them another");
                    issues.push(whole_file(&file.name, "id", &rulebook.header.id, rule));
                }
                None => {
                    own.insert(rulebook.header.id, &file.name);
                    sound.push(file);
                }
            },
            Err(found) => issues.extend(found),
        }
    }
    sound
}

/// Parameter files: those named, and all `*.toml` of the folders named, by name; what cannot be read is an issue.
pub(crate) fn rule_files(paths: &[PathBuf]) -> (Vec<RuleFile>, Issues) {
    let (mut files, mut issues) = (Vec::new(), Issues::default());
    for path in paths.iter().flat_map(|path| toml_files(path, &mut issues)).collect::<Vec<_>>() {
        let name = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push(RuleFile { name, text }),
            Err(e) => issues.push(whole_file(&name, "", "", format!("cannot be read: {e}"))),
        }
    }
    (files, issues)
}

/// The file itself, or the parameter files of a folder.
fn toml_files(path: &Path, issues: &mut Issues) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let name = path.display().to_string();
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) => {
            issues.push(whole_file(&name, "", "", format!("cannot be read: {e}")));
            return Vec::new();
        }
    };
    let all = entries.filter_map(|entry| match entry {
        Ok(entry) => Some(entry.path()),
        Err(e) => {
            issues.push(whole_file(&name, "", "", format!("cannot be read: {e}")));
            None
        }
    });
    let mut found: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    found.sort();
    if found.is_empty() {
        issues.push(whole_file(&name, "", "", "the folder has no *.toml file".into()));
    }
    found
}

fn whole_file(file: &str, field: &str, value: &str, rule: String) -> Issue {
    Issue { file: file.into(), row: 0, field: field.into(), value: value.into(), rule }
}
