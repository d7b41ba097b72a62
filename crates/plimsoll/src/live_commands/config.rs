//! The file that `plimsoll run` is told by.
//!
//! ```toml
//! journal = "journal"                 # folder, beside this file; created if it is not there
//! policy = "policy.toml"              # limits; without it there are none
//! book = ["book.csv"]                 # what is held at the start of an empty journal
//! market = ["chain.parquet"]          # recorded chains with several snapshots, in the order of time
//! fills = "fills.csv"                 # fills and cash, in the order of time
//! alerts = "alerts.toml"              # routes by which alerts leave; without it they stay
//! from = "2026-02-01"
//! to = "2026-02-08"
//! snapshot_every = 1000               # events between snapshots of the state
//! [rates]
//! USDC = 1.0
//! ```

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use units::{Asset, Spot, Timestamp};

/// What is run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunConfig {
    pub(crate) journal: PathBuf,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) book: Vec<PathBuf>,
    pub(crate) market: Vec<PathBuf>,
    pub(crate) fills: Option<PathBuf>,
    pub(crate) alerts: Option<PathBuf>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) snapshot_every: u64,
    pub(crate) rates: BTreeMap<Asset, Spot>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigToml {
    journal: PathBuf,
    policy: Option<PathBuf>,
    #[serde(default)]
    book: Vec<PathBuf>,
    market: Vec<PathBuf>,
    fills: Option<PathBuf>,
    alerts: Option<PathBuf>,
    from: Option<String>,
    to: Option<String>,
    #[serde(default = "often")]
    snapshot_every: u64,
    #[serde(default)]
    rates: BTreeMap<String, f64>,
}

const fn often() -> u64 {
    1000
}

impl RunConfig {
    /// Reads and checks a file; every mistake is named.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Input(format!("{}: cannot read: {error}", path.display())))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, folder).map_err(|mistakes| {
            let list: Vec<String> = mistakes.iter().map(|m| format!("{}: {m}", path.display())).collect();
            Failure::Input(list.join("\n"))
        })
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, Vec<String>> {
        let raw: ConfigToml = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let mut mistakes = Vec::new();
        let mut time = |key: &str, text: &Option<String>| {
            let parsed = text.as_ref().map(|text| text.parse::<Timestamp>()).transpose();
            parsed.unwrap_or_else(|error| {
                mistakes.push(format!("{key}: {error}"));
                None
            })
        };
        let (from, to) = (time("from", &raw.from), time("to", &raw.to));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            mistakes.push(format!("from {from} is not before to {to}"));
        }
        if raw.market.is_empty() {
            mistakes.push("market: name at least one recorded chain".into());
        }
        if raw.snapshot_every == 0 {
            mistakes.push("snapshot_every: at least 1".into());
        }
        let mut rates = BTreeMap::new();
        for (asset, usd) in &raw.rates {
            match Asset::new(asset).and_then(|asset| Ok((asset, Spot::new(*usd)?))) {
                Ok((asset, usd)) => drop(rates.insert(asset, usd)),
                Err(error) => mistakes.push(format!("rates.{asset}: {error}")),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let at = |path: PathBuf| folder.join(path);
        Ok(Self {
            journal: at(raw.journal),
            policy: raw.policy.map(at),
            book: raw.book.into_iter().map(at).collect(),
            market: raw.market.into_iter().map(at).collect(),
            fills: raw.fills.map(at),
            alerts: raw.alerts.map(at),
            from,
            to,
            snapshot_every: raw.snapshot_every,
            rates,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_beside_the_file() {
        let text = "journal = 'j'\nmarket = ['/abs/c.parquet']\nbook = ['b.csv']\n[rates]\nUSDC = 1.0\n";
        let config = RunConfig::parse(text, Path::new("desk")).unwrap();
        assert_eq!(config.journal, Path::new("desk/j"));
        assert_eq!(config.market, [Path::new("/abs/c.parquet")]);
        assert_eq!(config.book, [Path::new("desk/b.csv")]);
        assert_eq!(config.snapshot_every, 1000);
    }

    #[test]
    fn every_mistake_is_named() {
        let text = "journal = 'j'\nmarket = []\nfrom = '2026-02-08'\nto = '2026-02-01'\nsnapshot_every = 0\n[rates]\nUSDC = -1.0\n";
        let mistakes = RunConfig::parse(text, Path::new("")).unwrap_err().join("\n");
        for expected in ["not before", "at least one recorded chain", "snapshot_every", "rates.USDC"] {
            assert!(mistakes.contains(expected), "{expected} not in:\n{mistakes}");
        }
        let unknown = RunConfig::parse("journal = 'j'\nmarkets = ['x']\n", Path::new("")).unwrap_err();
        assert!(unknown[0].contains("unknown field `markets`"), "{unknown:?}");
    }
}
