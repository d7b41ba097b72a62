//! Tables to CSV: header, commas, one row a line, `\n`, quotes only where they are needed.
//!
//! Numbers: ASCII minus, point, no grouping. A `Fixed` is exact, with trailing zeros cut; a float is the shortest text that
//! reads back to the same bits. No value is an empty cell.
//!
//! A text that a spreadsheet would run as a formula (it starts with `=`, `+`, `-`, `@`, tab or carriage return) gets an
//! apostrophe in front, as spreadsheets themselves write text: an account name comes from outside and must not execute on
//! a colleague's desk. A negative decimal number is no formula and stays as it is. Parquet has the text as it is.

use crate::LakeError;
use crate::table::{Cell, Table};
use std::borrow::Cow;
use std::io::Write;
use units::Fixed;

/// Writes a table.
///
/// # Errors
/// [`LakeError::Table`] before anything is written when a cell is not of its column's kind; [`LakeError::Io`].
pub fn write_csv(table: &Table, output: &mut dyn Write) -> Result<(), LakeError> {
    table.check()?;
    let io = |source: csv::Error| LakeError::Io {
        file: table.name.to_owned(),
        doing: "write",
        source: match source.into_kind() {
            csv::ErrorKind::Io(inner) => inner,
            other => std::io::Error::other(format!("{other:?}")),
        },
    };
    let mut writer = csv::WriterBuilder::new().from_writer(output);
    writer.write_record(table.columns.iter().map(|column| safe(&column.name).into_owned())).map_err(io)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| text(cell).into_owned())).map_err(io)?;
    }
    writer.flush().map_err(|source| io(source.into()))
}

fn text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) => safe(text),
        Cell::Fixed(fixed) => Cow::Owned(fixed_text(*fixed)),
        Cell::Float(number) => Cow::Owned(float_text(*number)),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Null => Cow::Borrowed(""),
    }
}

fn safe(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_negative_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Minus, digits, and perhaps a point and more digits.
fn is_negative_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('-').is_some_and(|rest| {
        rest.split_once('.').map_or_else(|| digits(rest), |(whole, places)| digits(whole) && digits(places))
    })
}

fn fixed_text(fixed: Fixed) -> String {
    let text = fixed.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Plain digits in the range where they are short, powers of ten elsewhere.
fn float_text(number: f64) -> String {
    let magnitude = number.abs();
    if !number.is_finite() || number == 0.0 || (1e-6..1e16).contains(&magnitude) {
        format!("{number}")
    } else {
        format!("{number:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, ColumnKind};
    use proptest::prelude::*;

    fn csv(kind: ColumnKind, cells: Vec<Cell>) -> String {
        let columns = vec![
            Column { name: "row".into(), kind: ColumnKind::Integer },
            Column { name: "cell".into(), kind },
        ];
        let rows = cells.into_iter().map(|cell| vec![Cell::Integer(1), cell]).collect();
        let mut bytes = Vec::new();
        write_csv(&Table { name: "t", columns, rows }, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn measures_are_exact_with_trailing_zeros_cut() {
        let cells = [-1.5e-12, 0.0, -20.5, 1e20].map(|value| Cell::Fixed(Fixed::quantise(value).unwrap()));
        let expected = "row,cell\n1,-0.000000000002\n1,0\n1,-20.5\n1,100000000000000000000\n";
        assert_eq!(csv(ColumnKind::Fixed, cells.to_vec()), expected);
    }

    #[test]
    fn text_that_a_spreadsheet_would_run_gets_an_apostrophe() {
        let cells = ["=1+1", "+a", "-desk", "@x", "\tx", "BTC-27MAR26-100000-C", "a\"b"];
        let expected =
            "row,cell\n1,'=1+1\n1,'+a\n1,'-desk\n1,'@x\n1,'\tx\n1,BTC-27MAR26-100000-C\n1,\"a\"\"b\"\n";
        assert_eq!(csv(ColumnKind::Text, cells.map(|text| Cell::Text(text.into())).to_vec()), expected);
    }

    #[test]
    fn a_negative_number_as_text_stays_a_number() {
        let cells = ["-20.7", "-5", "-", "-5-1", "-1.", "-.5", "-1.5.2", "+5"];
        let expected = "row,cell\n1,-20.7\n1,-5\n1,'-\n1,'-5-1\n1,'-1.\n1,'-.5\n1,'-1.5.2\n1,'+5\n";
        assert_eq!(csv(ColumnKind::Text, cells.map(|text| Cell::Text(text.into())).to_vec()), expected);
    }

    #[test]
    fn nothing_is_written_when_the_table_is_wrong() {
        let columns = vec![Column { name: "cell".into(), kind: ColumnKind::Integer }];
        let rows = vec![vec![Cell::Integer(1)], vec![Cell::Text("one".into())]];
        let mut bytes = Vec::new();
        assert!(write_csv(&Table { name: "t", columns, rows }, &mut bytes).is_err());
        assert!(bytes.is_empty());
    }

    proptest! {
        #[test]
        fn floats_read_back_to_the_same_bits(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            let back: f64 = float_text(number).parse().unwrap();
            prop_assert!(back.to_bits() == bits || number.is_nan() && back.is_nan());
            // Longest at 1e-6: sign, "0.00000" and 17 digits.
            prop_assert!(float_text(number).len() <= 25, "{}", float_text(number));
        }
    }
}
