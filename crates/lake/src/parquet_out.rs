//! Tables to Parquet, the same bytes for the same table: no clock, a fixed writer's name, zstd at a fixed level.
//!
//! | kind | Parquet type |
//! |---|---|
//! | text | UTF-8 string |
//! | fixed | decimal(38, 12), exact |
//! | float | double |
//! | integer | int64 |
//!
//! Every column may hold nulls.

use crate::LakeError;
use crate::table::{Cell, Column, ColumnKind, Table};
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::Write;
use std::sync::Arc;

const BLOCK_ROWS: usize = 16_384;
const WRITER: &str = "plimsoll";
const ZSTD_LEVEL: i32 = 3;

/// Writes a table.
///
/// # Errors
/// [`LakeError::Table`] before anything is written when a cell is not of its column's kind; [`LakeError::Io`].
pub fn write_parquet(table: &Table, output: impl Write + Send) -> Result<(), LakeError> {
    table.check()?;
    write(table, output).map_err(|error| LakeError::Io {
        file: table.name.to_owned(),
        doing: "write",
        source: std::io::Error::other(error.to_string()),
    })
}

fn write(table: &Table, output: impl Write + Send) -> Result<(), ParquetError> {
    let fields: Vec<Field> =
        table.columns.iter().map(|column| Field::new(&column.name, arrow_type(column.kind), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder()
        .set_created_by(WRITER.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .build();
    let mut writer = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties))?;
    for block in table.rows.chunks(BLOCK_ROWS) {
        let arrays: Result<Vec<ArrayRef>, ArrowError> =
            table.columns.iter().enumerate().map(|(place, column)| array(column, block, place)).collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), arrays?)?)?;
    }
    writer.close().map(|_| ())
}

const fn arrow_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text => DataType::Utf8,
        ColumnKind::Fixed => DataType::Decimal128(38, 12),
        ColumnKind::Float => DataType::Float64,
        ColumnKind::Integer => DataType::Int64,
    }
}

/// The cells of one column; their kinds have been checked.
fn array(column: &Column, rows: &[Vec<Cell>], place: usize) -> Result<ArrayRef, ArrowError> {
    let cells = rows.iter().map(|row| row.get(place));
    Ok(match column.kind {
        ColumnKind::Text => Arc::new(StringArray::from_iter(cells.map(|cell| match cell {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        }))),
        ColumnKind::Fixed => {
            let array = PrimitiveArray::<Decimal128Type>::from_iter(cells.map(|cell| match cell {
                Some(Cell::Fixed(fixed)) => Some(fixed.raw()),
                _ => None,
            }));
            Arc::new(array.with_precision_and_scale(38, 12)?)
        }
        ColumnKind::Float => {
            Arc::new(PrimitiveArray::<Float64Type>::from_iter(cells.map(|cell| match cell {
                Some(Cell::Float(number)) => Some(*number),
                _ => None,
            })))
        }
        ColumnKind::Integer => {
            Arc::new(PrimitiveArray::<Int64Type>::from_iter(cells.map(|cell| match cell {
                Some(Cell::Integer(number)) => Some(*number),
                _ => None,
            })))
        }
    })
}
