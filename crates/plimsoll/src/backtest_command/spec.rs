//! A SPEC: which kind of backtest, with its keys checked.

use super::fields::{Fields, Need};
use super::intervals_spec::IntervalsSpec;
use super::monte_carlo_spec::MonteCarloSpec;
use backtest::chains::ChainsSpec;
use toml::Table;
use units::{Issue, Issues};

/// What is played.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spec {
    /// Options sold on recorded chains and hedged until they end.
    Chains(Box<ChainsSpec>),
    /// One short option over each interval between recorded snapshots.
    Intervals(IntervalsSpec),
    /// Policies over generated paths.
    MonteCarlo(Box<MonteCarloSpec>),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Chains,
    Intervals,
    MonteCarlo,
}

const KINDS: [(&str, Kind); 3] =
    [("intervals", Kind::Intervals), ("monte_carlo", Kind::MonteCarlo), ("chains", Kind::Chains)];

impl Spec {
    /// Parses and checks a file.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let mut issues = Issues::default();
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                let (field, value, rule) =
                    (String::new(), String::new(), error.to_string().trim().to_owned());
                issues.push(Issue { file: file.into(), row: 0, field, value, rule });
                return Err(issues);
            }
        };
        let mut fields = Fields::new(file, String::new(), table);
        let kind = fields.word(("kind", Need::Required), &KINDS, &mut issues);
        let spec = match kind {
            // Which keys are known depends on the kind.
            None => return Err(issues),
            Some(Kind::Chains) => {
                return ChainsSpec::parse(file, text).map(|spec| Self::Chains(Box::new(spec)));
            }
            Some(Kind::Intervals) => IntervalsSpec::read(fields, &mut issues).map(Self::Intervals),
            Some(Kind::MonteCarlo) => {
                MonteCarloSpec::read(fields, &mut issues).map(|spec| Self::MonteCarlo(Box::new(spec)))
            }
        };
        match spec {
            Some(spec) if issues.is_empty() => Ok(spec),
            _ => Err(issues),
        }
    }
}
