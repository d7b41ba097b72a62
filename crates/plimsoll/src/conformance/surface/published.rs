//! A published benchmark on the same recordings: its filter's counts and its models, beside ours.
//!
//! Source: the thesis "Pricing and Hedging Deribit Inverse Options under Affine Stochastic Volatility Models with Jumps",
//! repository znmahbub/SVCJ-Deribit-Inverse-Options-Pricer, docs/main.tex: table `eda_summary` (counts of the filtered sample),
//! section 3.1.4 (the filter), table `fit_summary_reg100` (means over snapshots of the out-of-sample errors of each snapshot); raw
//! counts from the recordings that it names.

use super::super::result::{ExactComparison, Group, GroupResult};
use super::held::{Held, Misses};
use std::collections::BTreeMap;
use units::Timestamp;

/// Its snapshots: from 30 December 2025 on, and before eight in the morning of 8 April 2026, UTC.
const SNAPSHOTS: usize = 388;
const FROM: Timestamp = Timestamp::from_unix_nanos(1_767_052_800_000_000_000);
const BEFORE: Timestamp = Timestamp::from_unix_nanos(1_775_635_200_000_000_000);
/// How many snapshots are shown of those with the lowest share inside.
const WORST: usize = 10;

/// What the benchmark says of one coin.
pub(super) struct Published {
    coin: &'static str,
    raw: u64,
    calls: u64,
    puts: u64,
    median_kept: f64,
    models: [Model; 3],
}

/// Means over snapshots.
struct Model {
    name: &'static str,
    rmse: f64,
    mae: f64,
    inside: f64,
}

const PUBLISHED: [Published; 2] = [
    Published {
        coin: "BTC",
        raw: 316_560,
        calls: 95_682,
        puts: 95_351,
        median_kept: 480.5,
        models: [
            Model { name: "Black", rmse: 0.005_330, mae: 0.003_565, inside: 0.257 },
            Model { name: "Heston", rmse: 0.002_892, mae: 0.001_482, inside: 0.452 },
            Model { name: "SVCJ", rmse: 0.002_546, mae: 0.001_004, inside: 0.619 },
        ],
    },
    Published {
        coin: "ETH",
        raw: 298_310,
        calls: 83_738,
        puts: 80_781,
        median_kept: 427.0,
        models: [
            Model { name: "Black", rmse: 0.006_151, mae: 0.003_929, inside: 0.321 },
            Model { name: "Heston", rmse: 0.004_485, mae: 0.002_112, inside: 0.491 },
            Model { name: "SVCJ", rmse: 0.004_227, mae: 0.001_626, inside: 0.631 },
        ],
    },
];

/// One snapshot of one coin.
#[derive(Debug, Clone, Default)]
pub(super) struct Judged {
    pub(super) raw: u64,
    pub(super) calls: u64,
    pub(super) puts: u64,
    pub(super) held: Held,
    pub(super) misses: Misses,
    /// Lowest and highest index printed beside its rows, which are fetched one after the other.
    pub(super) index: Option<(f64, f64)>,
}

impl Judged {
    const fn kept(&self) -> u64 {
        self.calls + self.puts
    }
}

/// By time: a snapshot that is recorded in two files counts once.
pub(super) type ByTime = BTreeMap<Timestamp, Judged>;

pub(super) fn of(coin: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|published| published.coin == coin)
}

impl Published {
    /// Share inside the spread of its best model.
    pub(super) const fn best_inside(&self) -> f64 {
        self.models[2].inside
    }

    /// Counts and errors on its snapshots.
    pub(super) fn groups(&self, snapshots: &ByTime) -> Vec<GroupResult> {
        let own: Vec<&Judged> = snapshots.range(FROM..BEFORE).map(|(_, own)| own).collect();
        vec![self.counts(&own), self.errors(&own)]
    }

    fn counts(&self, own: &[&Judged]) -> GroupResult {
        let mut group = Group::checked(
            format!("all files: {}: rows of the published filter", self.coin),
            "rows",
            "none: the same rows by the same rules",
        );
        if own.len() != SNAPSHOTS {
            return group.not_run(format!("{} of its {SNAPSHOTS} snapshots were read", own.len()));
        }
        let sum = |of: fn(&Judged) -> u64| own.iter().map(|snapshot| of(snapshot)).sum::<u64>();
        let kept = self.calls + self.puts;
        for (name, ours, theirs) in [
            ("raw", sum(|s| s.raw), self.raw),
            ("kept", sum(Judged::kept), kept),
            ("calls kept", sum(|s| s.calls), self.calls),
            ("puts kept", sum(|s| s.puts), self.puts),
        ] {
            #[allow(clippy::cast_precision_loss)] // counts
            let difference = ours.abs_diff(theirs) as f64;
            let exact = ExactComparison { ours: ours.to_string(), theirs: theirs.to_string(), difference };
            group.compare_exact(exact, || name.to_owned());
            group.note(format!("{name}: {ours}, published {theirs}"));
        }
        #[allow(clippy::cast_precision_loss)] // counts
        let mut sizes: Vec<f64> = own.iter().map(|snapshot| snapshot.kept() as f64).collect();
        sizes.sort_by(f64::total_cmp);
        let middle = 0.5 * (sizes[(SNAPSHOTS - 1) / 2] + sizes[SNAPSHOTS / 2]);
        let exact = ExactComparison {
            ours: middle.to_string(),
            theirs: self.median_kept.to_string(),
            difference: (middle - self.median_kept).abs(),
        };
        group.compare_exact(exact, || "median kept a snapshot".to_owned());
        group.note(format!("median kept a snapshot: {middle}, published {}", self.median_kept));
        group.finish()
    }

    fn errors(&self, own: &[&Judged]) -> GroupResult {
        let mut group = Group::informative(
            format!("all files: {}: out of sample beside published models", self.coin),
            "",
            "another draw of the held-out 30 %: the models are compared, not numbers",
        );
        #[allow(clippy::cast_precision_loss)] // counts
        let mean = |of: fn(&Held) -> f64| own.iter().map(|s| of(&s.held)).sum::<f64>() / own.len() as f64;
        let mut line = |name: &str, rmse: f64, mae: f64, inside: f64| {
            group.note(format!("{name}: RMSE {rmse:.6}, MAE {mae:.6} coin, {:.1} % inside", 100.0 * inside));
        };
        for Model { name, rmse, mae, inside } in &self.models {
            line(name, *rmse, *mae, *inside);
        }
        let name = format!("surface of record, mean of {} snapshots", own.len());
        line(&name, mean(Held::rmse), mean(Held::mae), mean(Held::share));
        group.finish()
    }
}

/// The snapshots with the lowest share of held-out quotes inside the spread, and what is known of their misses.
pub(super) fn worst(name: &str, snapshots: &ByTime) -> GroupResult {
    let mut group =
        Group::informative(format!("{name}: worst snapshots"), "", "what lies outside and why, for a reader");
    let before = snapshots.values().map(|own| own.index);
    let moves = std::iter::once(None).chain(before);
    let mut found: Vec<(f64, String)> = Vec::new();
    for ((time, own), earlier) in snapshots.iter().zip(moves) {
        let moved = own.index.zip(earlier).map_or_else(String::new, |((low, high), (before, _))| {
            let (since, within) = (100.0 * (low / before - 1.0), 1e4 * (high / low - 1.0));
            format!(", index {since:+.1} % since the last one and {within:.0} bp while it was taken")
        });
        let share = own.held.share();
        found.push((
            share,
            format!(
                "{time}: {:.1} % of {} inside, RMSE {:.6}{moved}; {}",
                100.0 * share,
                own.held.quotes,
                own.held.rmse(),
                own.misses.note()
            ),
        ));
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, line) in found.into_iter().take(WORST) {
        group.note(line);
    }
    group.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All rows in the first of so many snapshots.
    fn snapshots(count: i64, first: Judged) -> ByTime {
        let mut found: ByTime =
            (0..count).map(|hour| (FROM.plus_millis(hour * 3_600_000), Judged::default())).collect();
        found.insert(FROM, first);
        found
    }

    fn failing(by_time: &ByTime) -> Vec<String> {
        let published = of("BTC").unwrap();
        let counts = published.groups(by_time).remove(0);
        counts.failures.into_iter().map(|failure| failure.name).collect()
    }

    #[test]
    fn a_row_too_many_fails_by_name() {
        let right = Judged { raw: 316_560, calls: 95_682, puts: 95_351, ..Judged::default() };
        // The median of 387 empty snapshots and a full one is none.
        assert_eq!(failing(&snapshots(388, right.clone())), ["median kept a snapshot"]);
        let wrong = Judged { calls: 95_683, ..right.clone() };
        assert_eq!(failing(&snapshots(388, wrong)), ["kept", "calls kept", "median kept a snapshot"]);
        let wrong = Judged { raw: 316_559, ..right };
        assert_eq!(failing(&snapshots(388, wrong)), ["raw", "median kept a snapshot"]);
    }

    #[test]
    fn other_snapshots_are_not_compared() {
        let counts = of("ETH").unwrap().groups(&snapshots(387, Judged::default())).remove(0);
        assert_eq!(counts.not_run.as_deref(), Some("387 of its 388 snapshots were read"));
    }
}
