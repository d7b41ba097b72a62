//! What a suite found, as plain data. The names of the fields are those of the JSON schema `plimsoll.conformance/1`.

use serde::Serialize;
use std::collections::BTreeMap;

/// Failures of a group that are kept word for word; all are counted.
const FAILURES_KEPT: usize = 50;

/// All groups of one suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SuiteResult {
    /// Its word.
    pub(crate) suite: &'static str,
    /// What is compared with what.
    pub(crate) summary: &'static str,
    /// In the order of the files.
    pub(crate) groups: Vec<GroupResult>,
}

/// Cases that share a source, a unit and a tolerance rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GroupResult {
    /// File and quantity.
    pub(crate) name: String,
    /// Whether a large error is a failure.
    pub(crate) role: Role,
    /// Unit of `error`, `tolerance` and the distribution.
    pub(crate) unit: &'static str,
    /// Comparisons made.
    pub(crate) cases: u64,
    /// Comparisons beyond their tolerance, and faults of the file.
    pub(crate) failed: u64,
    /// The first fifty of them.
    pub(crate) failures: Vec<Failure>,
    /// All files with a failure, in the order met; only in groups of several files or of files under any name.
    pub(crate) failing_files: Vec<String>,
    /// The case that comes nearest to its tolerance or lies farthest beyond; without tolerances, the largest error.
    pub(crate) worst: Option<Worst>,
    /// How the errors are spread.
    pub(crate) errors: Option<Distribution>,
    /// Rows that were read and not compared, by reason.
    pub(crate) not_compared: BTreeMap<String, u64>,
    /// Why the whole group did not run.
    pub(crate) not_run: Option<String>,
    /// Why the tolerance is what it is, or why there is none.
    pub(crate) tolerance_reason: &'static str,
    /// Figures that explain the result.
    pub(crate) notes: Vec<String>,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Beyond the tolerance it fails the suite.
    Checked,
    /// It is measured and shown.
    Informative,
}

/// One case that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Failure {
    /// Which case.
    pub(crate) name: String,
    /// Ours against theirs, or what is wrong with the file.
    pub(crate) detail: String,
    /// Absolute error in the group's unit; none when nothing could be compared.
    pub(crate) error: Option<f64>,
    /// What it may be.
    pub(crate) tolerance: Option<f64>,
}

/// The worst case of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Worst {
    /// Which case.
    pub(crate) case: String,
    /// Absolute error in the group's unit.
    pub(crate) error: f64,
    /// What it may be; none in an informative group.
    pub(crate) tolerance: Option<f64>,
}

/// Order statistics of the absolute errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Distribution {
    /// Lower median.
    pub(crate) median: f64,
    /// Smallest error that at least 99 % do not exceed.
    pub(crate) p99: f64,
    /// Largest.
    pub(crate) max: f64,
}

/// Ours against theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison {
    /// Our number.
    pub(crate) ours: f64,
    /// The other number.
    pub(crate) theirs: f64,
    /// Largest absolute error allowed, in the unit of both divided by `scale`.
    pub(crate) tolerance: f64,
    /// What errors are stated relative to; 1 leaves them in the unit of both.
    pub(crate) scale: f64,
}

/// Ours against theirs where both are exact: integers, fractions, errors by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExactComparison {
    /// Ours, as it is shown.
    pub(crate) ours: String,
    /// The other, as it is shown.
    pub(crate) theirs: String,
    /// Zero when they are the same; otherwise how far apart, or one where that is not a number.
    pub(crate) difference: f64,
}

impl SuiteResult {
    /// True when at least one checked case ran and none failed.
    pub(crate) fn passed(&self) -> bool {
        self.cases() > 0 && self.failed() == 0
    }

    /// Comparisons that could have failed.
    pub(crate) fn cases(&self) -> u64 {
        self.groups.iter().filter(|group| group.role == Role::Checked).map(|group| group.cases).sum()
    }

    /// Failures of all groups.
    pub(crate) fn failed(&self) -> u64 {
        self.groups.iter().map(|group| group.failed).sum()
    }
}

/// A group while its cases arrive. It holds eight bytes a case.
#[derive(Debug)]
pub(crate) struct Group {
    result: GroupResult,
    errors: Vec<f64>,
    worst_strain: f64,
    file: Option<String>,
}

impl Group {
    /// A group whose errors have a tolerance.
    pub(crate) fn checked(
        name: impl Into<String>,
        unit: &'static str,
        tolerance_reason: &'static str,
    ) -> Self {
        Self::new(name.into(), Role::Checked, unit, tolerance_reason)
    }

    /// A group whose errors are only measured.
    pub(crate) fn informative(
        name: impl Into<String>,
        unit: &'static str,
        reason_for_none: &'static str,
    ) -> Self {
        Self::new(name.into(), Role::Informative, unit, reason_for_none)
    }

    fn new(name: String, role: Role, unit: &'static str, tolerance_reason: &'static str) -> Self {
        let result = GroupResult {
            name,
            role,
            unit,
            cases: 0,
            failed: 0,
            failures: Vec::new(),
            failing_files: Vec::new(),
            worst: None,
            errors: None,
            not_compared: BTreeMap::new(),
            not_run: None,
            tolerance_reason,
            notes: Vec::new(),
        };
        Self { result, errors: Vec::new(), worst_strain: f64::NEG_INFINITY, file: None }
    }

    /// Counts one comparison; the name is made only when it is needed. An error that is not a number has failed.
    pub(crate) fn compare(&mut self, comparison: Comparison, name: impl FnOnce() -> String) {
        let Comparison { ours, theirs, tolerance, scale } = comparison;
        let error = (ours - theirs).abs() / scale;
        let checked = self.result.role == Role::Checked;
        let strain = if checked { error / tolerance } else { error };
        let strain = if strain.is_nan() { f64::INFINITY } else { strain };
        let tolerance = checked.then_some(tolerance);
        let within = tolerance.is_none_or(|tolerance| error <= tolerance);
        self.result.cases += 1;
        self.errors.push(error);
        let is_worst = strain > self.worst_strain;
        if within && !is_worst {
            return;
        }
        let name = name();
        if is_worst {
            self.worst_strain = strain;
            self.result.worst = Some(Worst { case: name.clone(), error, tolerance });
        }
        if !within {
            let detail = format!("ours {ours}, theirs {theirs}");
            self.push(Failure { name, detail, error: Some(error), tolerance });
        }
    }

    /// Counts one comparison without a tolerance: any difference has failed.
    pub(crate) fn compare_exact(&mut self, comparison: ExactComparison, name: impl FnOnce() -> String) {
        let ExactComparison { ours, theirs, difference } = comparison;
        let same = difference == 0.0;
        self.result.cases += 1;
        self.errors.push(difference);
        let is_worst = difference > self.worst_strain;
        if same && !is_worst {
            return;
        }
        let name = name();
        let (error, tolerance) = (difference, Some(0.0));
        if is_worst {
            self.worst_strain = difference;
            self.result.worst = Some(Worst { case: name.clone(), error, tolerance });
        }
        if !same {
            let detail = format!("ours {ours}, theirs {theirs}");
            self.push(Failure { name, detail, error: Some(error), tolerance });
        }
    }

    /// Counts a case that could not be compared because its file is at fault.
    pub(crate) fn fault(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.push(Failure { name: name.into(), detail: detail.into(), error: None, tolerance: None });
    }

    /// What follows is of this file.
    pub(crate) fn enter(&mut self, file: &str) {
        self.file = Some(file.to_owned());
    }

    fn push(&mut self, failure: Failure) {
        self.result.failed += 1;
        if let Some(file) = self.file.as_ref().filter(|file| self.result.failing_files.last() != Some(file)) {
            self.result.failing_files.push(file.clone());
        }
        if self.result.failures.len() < FAILURES_KEPT {
            self.result.failures.push(failure);
        }
    }

    /// Counts a row that is not compared.
    pub(crate) fn not_compared(&mut self, reason: &str, rows: u64) {
        if let Some(count) = self.result.not_compared.get_mut(reason) {
            *count += rows;
        } else {
            self.result.not_compared.insert(reason.to_owned(), rows);
        }
    }

    /// Adds a figure that explains the result.
    pub(crate) fn note(&mut self, note: String) {
        self.result.notes.push(note);
    }

    /// The group did not run.
    pub(crate) fn not_run(mut self, reason: impl Into<String>) -> GroupResult {
        self.result.not_run = Some(reason.into());
        self.result
    }

    /// True when nothing has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.result.cases == 0 && self.result.failed == 0
    }

    /// The result, once all cases are in.
    pub(crate) fn finish(mut self) -> GroupResult {
        self.result.errors = distribution(&mut self.errors);
        self.result
    }
}

/// Order statistics; sorts its input.
pub(crate) fn distribution(errors: &mut [f64]) -> Option<Distribution> {
    errors.sort_by(f64::total_cmp);
    let rank = |numerator: usize, denominator: usize| {
        let rank = (errors.len() * numerator).div_ceil(denominator);
        errors.get(rank.max(1) - 1).copied()
    };
    Some(Distribution { median: rank(1, 2)?, p99: rank(99, 100)?, max: rank(1, 1)? })
}
