//! Tables in Markdown files, found by their header.

use crate::fault::Fault;

/// One row of a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    /// One text a column, blanks cut.
    pub(crate) cells: Vec<&'a str>,
}

/// The rows of the one table that has this header.
pub(crate) fn rows<'a>(path: &str, text: &'a str, header: &[&str]) -> Result<Vec<Row<'a>>, Fault> {
    let lines = || text.lines().zip(1..);
    let mut starts = lines().filter(|(line, _)| cells(line).is_some_and(|found| found == header));
    let shown = header.join(" | ");
    let (Some((_, start)), None) = (starts.next(), starts.next()) else {
        return Err(Fault::of_file(path, format!("exactly one table has the header '{shown}'")));
    };
    let mut rows = Vec::new();
    // The line after the header holds only dashes.
    for (line, number) in lines().skip(start + 1) {
        let Some(cells) = cells(line) else { break };
        if cells.len() != header.len() {
            return Err(Fault::of_line(
                path,
                number,
                format!("a row has the {} cells '{shown}'", header.len()),
            ));
        }
        rows.push(Row { line: number, cells });
    }
    Ok(rows)
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// The name between two backticks, when the cell holds just that.
pub(crate) fn name(cell: &str) -> Option<&str> {
    let name = cell.strip_prefix('`')?.strip_suffix('`')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [&str; 2] = ["crate", "why"];

    #[test]
    fn rows_end_where_the_table_ends() {
        let text = "# Map\n\n| crate | why |\n|---|---|\n| `a` | x |\n|  `b`|y|\n\n| `c` | z |\n";
        let rows = rows("A.md", text, &HEADER).unwrap();
        let found: Vec<(usize, &str, &str)> = rows.iter().map(|r| (r.line, r.cells[0], r.cells[1])).collect();
        assert_eq!(found, [(5, "`a`", "x"), (6, "`b`", "y")]);
    }

    #[test]
    fn no_table_two_tables_and_a_short_row_are_faults() {
        let table = "| crate | why |\n|---|---|\n| `a` | x |\n";
        assert!(rows("A.md", "nothing", &HEADER).is_err());
        assert!(rows("A.md", &format!("{table}\n{table}"), &HEADER).is_err());
        assert_eq!(rows("A.md", &format!("{table}| `b` |\n"), &HEADER).unwrap_err().line, 4);
    }

    #[test]
    fn a_name_stands_alone_between_backticks() {
        assert_eq!(name("`implied-vol`"), Some("implied-vol"));
        for other in ["units", "``", "`a`, `b`", "-"] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
