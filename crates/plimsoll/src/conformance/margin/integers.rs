//! What suites of integer protocols share: exact numbers in JSON, and a folder of vector files run one after the other.

use crate::conformance::result::{ExactComparison, Group, GroupResult};
use crate::conformance::vectors::{self, CaseError, FileError};
use crate::conformance::{Progress, Report, Sources};
use num_bigint::BigInt;
use serde_json::Value;

/// Why exact cases have no tolerance.
pub(in crate::conformance) const NO_TOLERANCE: &str = "none: the protocol computes in integers, and so do we";
/// A field that the file leaves empty.
pub(super) const NO_EXPECTED_VALUE: &str = "the file has no expected value here";

/// A folder of vectors and the suite that reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder {
    pub(super) suite: &'static str,
    pub(super) files: &'static [VectorFile],
}

/// One file and how its cases are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct VectorFile {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) tolerance_reason: &'static str,
    pub(super) compare: fn(&Case<'_>, &mut Group) -> Result<(), CaseError>,
}

/// One case of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    /// Its place and name.
    pub(super) name: &'a str,
    /// Its fields.
    pub(super) row: &'a Value,
}

impl Folder {
    /// Runs every file; one that is absent is a group that did not run, one that cannot be read is a failure.
    pub(super) fn run(self, sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
        let folder = sources.vectors.join(self.suite);
        let bytes =
            |file: &VectorFile| std::fs::metadata(folder.join(file.name)).map_or(0, |data| data.len());
        let bytes_total = self.files.iter().map(bytes).sum();
        let mut bytes_done = 0;
        let mut groups = Vec::new();
        for file in self.files {
            let mut group = Group::checked(file.name, file.unit, file.tolerance_reason);
            groups.push(match vectors::read(&folder.join(file.name)) {
                Ok(value) => {
                    vectors::each_row(&value, "cases", &mut group, |place, row, group| {
                        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
                        let name = format!("{place} {name}");
                        (file.compare)(&Case { name: name.trim_end(), row }, group)
                    });
                    group.finish()
                }
                Err(error @ FileError::Absent(_)) => group.not_run(error.to_string()),
                Err(error @ (FileError::Io(_) | FileError::Json(_))) => {
                    group.fault(file.name, error.to_string());
                    group.finish()
                }
            });
            bytes_done += bytes(file);
            progress(Progress { suite: self.suite, item: file.name, bytes_done, bytes_total });
        }
        groups
    }
}

/// A field that is not null.
pub(in crate::conformance) fn present<'a>(row: &'a Value, key: &str) -> Option<&'a Value> {
    row.get(key).filter(|value| !value.is_null())
}

/// A whole number of any size.
pub(super) fn integer(row: &Value, key: &str) -> Result<BigInt, CaseError> {
    let number = row.get(key).and_then(Value::as_number).map(ToString::to_string);
    number.and_then(|text| text.parse().ok()).ok_or_else(|| CaseError::Number(key.to_owned()))
}

/// A whole number of a machine's size.
pub(in crate::conformance) fn whole<T: TryFrom<BigInt>>(row: &Value, key: &str) -> Result<T, CaseError> {
    T::try_from(integer(row, key)?).map_err(|_| CaseError::Number(key.to_owned()))
}

/// The same, with a value for a field that is absent.
pub(in crate::conformance) fn whole_or<T: TryFrom<BigInt>>(
    row: &Value,
    key: &str,
    absent: T,
) -> Result<T, CaseError> {
    if present(row, key).is_some() { whole(row, key) } else { Ok(absent) }
}

/// A list; empty when absent.
pub(in crate::conformance) fn list<'a>(row: &'a Value, key: &str) -> &'a [Value] {
    row.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Two whole numbers.
pub(in crate::conformance) fn integers(ours: &BigInt, theirs: &BigInt) -> ExactComparison {
    // A difference of at least one stays above zero as f64; beyond its range it is infinite.
    let difference = (ours - theirs).to_string().parse::<f64>().map_or(f64::NAN, f64::abs);
    ExactComparison { ours: ours.to_string(), theirs: theirs.to_string(), difference }
}

/// Two texts: errors by name.
pub(in crate::conformance) fn texts(ours: String, theirs: &str) -> ExactComparison {
    let difference = if ours == theirs { 0.0 } else { 1.0 };
    ExactComparison { ours, theirs: theirs.to_owned(), difference }
}
