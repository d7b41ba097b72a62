//! Rows of a Parquet file, in batches, only the columns that are asked for.
//!
//! Types come from the Parquet schema alone (an embedded Arrow schema is skipped), so a pandas category is plain text here.
//! A timestamp without a zone is taken as UTC.

use crate::LakeError;
use crate::csv_in::normal;
use crate::record::{Body, Row, Section, Value};
use crate::rows::{Ask, Finished, Watch, places};
use crate::source::Progress;
use arrow_array::types::{
    Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use units::Timestamp;

const BATCH_ROWS: usize = 4096;
const DAMAGED: &str = "the Parquet file is damaged or cut short; write or copy it again";

/// A Parquet file past its footer.
#[derive(Debug)]
pub(crate) struct ParquetRows {
    file: String,
    input: File,
    bytes: u64,
    metadata: ArrowReaderMetadata,
    header: Vec<String>,
    rows: u64,
}

impl ParquetRows {
    pub(crate) fn open(file: String, input: File, bytes: u64) -> Result<Self, LakeError> {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guarded(&file, 0, || ArrowReaderMetadata::load(&input, options))?;
        let footer = metadata.metadata();
        // The decoder would panic on offsets outside the file; those can be told from here.
        let inside = |chunk: &ColumnChunkMetaData| {
            let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let bounds = (u64::try_from(start), u64::try_from(chunk.compressed_size()));
            matches!(bounds, (Ok(start), Ok(length)) if start.checked_add(length).is_some_and(|end| end <= bytes))
        };
        let sane = footer.row_groups().iter().flat_map(RowGroupMetaData::columns).all(inside);
        let count: Option<i64> =
            footer.row_groups().iter().try_fold(0i64, |sum, group| sum.checked_add(group.num_rows()));
        let rows = count
            .filter(|count| *count == footer.file_metadata().num_rows())
            .and_then(|n| u64::try_from(n).ok());
        let Some(rows) = rows.filter(|_| sane) else {
            return Err(LakeError::format(&file, 0, DAMAGED));
        };
        let header = metadata.schema().fields().iter().map(|field| normal(field.name())).collect();
        Ok(Self { file, input, bytes, metadata, header, rows })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Visits all rows, or those of a range counted from 0.
    pub(crate) fn for_each(
        &self,
        ask: &Ask<'_>,
        range: Option<Range<u64>>,
        watch: &mut Watch<'_>,
    ) -> Result<Finished, LakeError> {
        let (places, unknown_columns) = places(&self.file, &self.header, ask)?;
        self.check_types(&places)?;
        let range = range.unwrap_or(0..self.rows);
        let mut roots: Vec<usize> = places.iter().copied().flatten().collect();
        roots.sort_unstable();
        // Where each wanted column stands among the projected ones.
        let projected: Vec<Option<usize>> =
            places.iter().map(|place| place.and_then(|place| roots.binary_search(&place).ok())).collect();
        let io = |source| LakeError::Io { file: self.file.clone(), doing: "read", source };
        let input = self.input.try_clone().map_err(io)?;
        let mut reader = guarded(&self.file, 0, || {
            let count = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
            let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone());
            let builder = builder.with_batch_size(BATCH_ROWS).with_projection(mask);
            builder.with_offset(usize::try_from(range.start).unwrap_or(usize::MAX)).with_limit(count).build()
        })?;
        let mut number = range.start;
        while let Some(batch) = guarded(&self.file, number + 1, || reader.next().transpose())? {
            let columns: Vec<Option<Cells>> =
                projected.iter().map(|place| place.and_then(|place| Cells::new(&batch, place))).collect();
            for index in 0..batch.num_rows() {
                number += 1;
                let body = Body::Parquet(ParquetRow { columns: &columns, index });
                if (watch.visit)(&Row { number, section: Section::Table, body }).is_break() {
                    return Ok(Finished { rows: number - range.start, unknown_columns });
                }
            }
            self.report(number, watch);
        }
        if number != range.end {
            return Err(LakeError::format(&self.file, number + 1, DAMAGED));
        }
        self.report(number, watch);
        Ok(Finished { rows: number - range.start, unknown_columns })
    }

    fn report(&self, number: u64, watch: &mut Watch<'_>) {
        let share = u128::from(self.bytes) * u128::from(number) / u128::from(self.rows.max(1));
        let bytes_done = u64::try_from(share).unwrap_or(self.bytes);
        (watch.progress)(Progress { bytes_done, bytes_total: self.bytes });
    }

    fn check_types(&self, places: &[Option<usize>]) -> Result<(), LakeError> {
        for place in places.iter().copied().flatten() {
            let field = self.metadata.schema().fields().get(place);
            if let Some(field) = field.filter(|field| !readable(field.data_type())) {
                let (column, found) = (field.name().clone(), field.data_type().to_string());
                return Err(LakeError::ColumnType { file: self.file.clone(), column, found });
            }
        }
        Ok(())
    }
}

/// Runs the decoder and turns each of its failures into data.
///
/// The decoder panics on some damaged files (asserts and slice ranges on lengths that the file itself states); bytes from
/// outside must never end the program, and no check from outside can repeat the decoder's own, so its panics are caught
/// here, at the one place where it is called. Nothing of the decoder is used again after a panic.
fn guarded<T, E: Into<Failure>>(
    file: &str,
    row: u64,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, LakeError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let Failure(text) = error.into();
            Err(LakeError::format(file, row, format!("{DAMAGED} ({text})")))
        }
        Err(_) => Err(LakeError::format(file, row, DAMAGED)),
    }
}

struct Failure(String);

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Self(error.to_string())
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self(error.to_string())
    }
}

/// One row of a batch.
#[derive(Debug)]
pub(crate) struct ParquetRow<'a> {
    columns: &'a [Option<Cells>],
    index: usize,
}

impl ParquetRow<'_> {
    pub(crate) fn value(&self, index: usize) -> Value<'_> {
        match self.columns.get(index) {
            Some(Some(cells)) => cells.value(self.index),
            _ => Value::Empty,
        }
    }
}

macro_rules! cells {
    ($($name:ident($array:ty) if $pattern:pat => |$found:ident| $value:expr),+ $(,)?) => {
        /// One column of a batch by its type.
        #[derive(Debug)]
        enum Cells {
            $($name($array),)+
        }

        /// Whether there is a way to read cells of this type.
        fn readable(kind: &DataType) -> bool {
            match kind {
                DataType::Null => true,
                $($pattern => true,)+
                _ => false,
            }
        }

        impl Cells {
            fn new(batch: &RecordBatch, place: usize) -> Option<Self> {
                let column = batch.columns().get(place)?;
                match column.data_type() {
                    $($pattern => column.as_any().downcast_ref::<$array>().cloned().map(Self::$name),)+
                    _ => None,
                }
            }

            fn value(&self, index: usize) -> Value<'_> {
                match self {
                    $(Self::$name(cells) => {
                        if index >= cells.len() || cells.is_null(index) {
                            return Value::Empty;
                        }
                        let $found = (cells, index);
                        $value
                    })+
                }
            }
        }
    };
}

cells! {
    Text(StringArray) if DataType::Utf8 => |at| Value::Text(at.0.value(at.1)),
    Bytes(BinaryArray) if DataType::Binary =>
        |at| std::str::from_utf8(at.0.value(at.1)).map_or(Value::NotUtf8, Value::Text),
    Flag(BooleanArray) if DataType::Boolean => |at| Value::Flag(at.0.value(at.1)),
    I8(PrimitiveArray<Int8Type>) if DataType::Int8 => |at| Value::Integer(at.0.value(at.1).into()),
    I16(PrimitiveArray<Int16Type>) if DataType::Int16 => |at| Value::Integer(at.0.value(at.1).into()),
    I32(PrimitiveArray<Int32Type>) if DataType::Int32 => |at| Value::Integer(at.0.value(at.1).into()),
    I64(PrimitiveArray<Int64Type>) if DataType::Int64 => |at| Value::Integer(at.0.value(at.1).into()),
    U8(PrimitiveArray<UInt8Type>) if DataType::UInt8 => |at| Value::Integer(at.0.value(at.1).into()),
    U16(PrimitiveArray<UInt16Type>) if DataType::UInt16 => |at| Value::Integer(at.0.value(at.1).into()),
    U32(PrimitiveArray<UInt32Type>) if DataType::UInt32 => |at| Value::Integer(at.0.value(at.1).into()),
    U64(PrimitiveArray<UInt64Type>) if DataType::UInt64 => |at| Value::Integer(at.0.value(at.1).into()),
    F32(PrimitiveArray<Float32Type>) if DataType::Float32 => |at| Value::Single(at.0.value(at.1)),
    F64(PrimitiveArray<Float64Type>) if DataType::Float64 => |at| Value::Double(at.0.value(at.1)),
    Decimal(PrimitiveArray<Decimal128Type>) if DataType::Decimal128(..) =>
        |at| Value::Decimal { unscaled: at.0.value(at.1), scale: at.0.scale() },
    Seconds(PrimitiveArray<TimestampSecondType>) if DataType::Timestamp(TimeUnit::Second, _) =>
        |at| instant(at.0.value(at.1), 1_000_000_000),
    Millis(PrimitiveArray<TimestampMillisecondType>) if DataType::Timestamp(TimeUnit::Millisecond, _) =>
        |at| instant(at.0.value(at.1), 1_000_000),
    Micros(PrimitiveArray<TimestampMicrosecondType>) if DataType::Timestamp(TimeUnit::Microsecond, _) =>
        |at| instant(at.0.value(at.1), 1_000),
    Nanos(PrimitiveArray<TimestampNanosecondType>) if DataType::Timestamp(TimeUnit::Nanosecond, _) =>
        |at| instant(at.0.value(at.1), 1),
}

/// An instant outside the years 1678 to 2262 has no nanoseconds in 64 bits and is left as the raw count, which no reader
/// takes for an instant of its own.
fn instant(count: i64, nanos_each: i64) -> Value<'static> {
    let nanos = count.checked_mul(nanos_each).map(Timestamp::from_unix_nanos);
    nanos.map_or(Value::Nested("an instant outside the years 1678 to 2262"), Value::Instant)
}
