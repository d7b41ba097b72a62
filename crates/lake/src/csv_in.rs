//! Rows of a CSV file: commas, one header, quotes as in RFC 4180, a byte-order mark allowed.

use crate::LakeError;
use crate::record::{Body, Refusal, Row, Section, Value};
use crate::rows::{Ask, Finished, Watch, places};
use crate::source::{Meter, RowTooLong, Text};
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::rc::Rc;

const RAGGED: &str =
    "every row has as many cells as the header; look for a missing comma, or a comma inside a number";
const SPANS_LINES: &str = "a cell reaches over the end of the line: a quote is not closed";

/// A CSV file past its header.
#[derive(Debug)]
pub(crate) struct CsvRows {
    file: String,
    reader: Reader<Text>,
    meter: Rc<Meter>,
    header: Vec<String>,
}

/// One record and where the wanted cells stand in it.
#[derive(Debug)]
pub(crate) struct CsvRow<'a> {
    record: &'a ByteRecord,
    places: &'a [Option<usize>],
}

impl CsvRow<'_> {
    pub(crate) fn value(&self, index: usize) -> Value<'_> {
        let place = self.places.get(index).copied().flatten();
        match place.and_then(|place| self.record.get(place)) {
            None | Some([]) => Value::Empty,
            Some(bytes) => std::str::from_utf8(bytes).map_or(Value::NotUtf8, Value::Text),
        }
    }
}

impl CsvRows {
    pub(crate) fn open(file: String, text: Text) -> Result<Self, LakeError> {
        let meter = text.meter();
        let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 16).from_reader(text);
        let record = reader.byte_headers().map_err(|error| broken(&file, 0, &error))?;
        let header: Result<Vec<String>, _> =
            record.iter().map(|name| std::str::from_utf8(name).map(normal)).collect();
        let header = header
            .map_err(|_| LakeError::format(&file, 0, "the header is not text in UTF-8; save it as UTF-8"))?;
        if header.iter().all(String::is_empty) {
            return Err(LakeError::format(
                &file,
                0,
                "the file has no header; the first line names the columns",
            ));
        }
        Ok(Self { file, reader, meter, header })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn for_each(mut self, ask: &Ask<'_>, watch: &mut Watch<'_>) -> Result<Finished, LakeError> {
        let (places, unknown_columns) = places(&self.file, &self.header, ask)?;
        let mut record = ByteRecord::new();
        let mut number = 0;
        while self
            .reader
            .read_byte_record(&mut record)
            .map_err(|error| broken(&self.file, number + 1, &error))?
        {
            number += 1;
            let body = match self.refusal(&record) {
                Some(refusal) => Body::Broken(refusal),
                None => Body::Csv(CsvRow { record: &record, places: &places }),
            };
            self.meter.row_done(watch.progress);
            if (watch.visit)(&Row { number, section: Section::Table, body }).is_break() {
                break;
            }
        }
        self.meter.report(watch.progress);
        Ok(Finished { rows: number, unknown_columns })
    }

    fn refusal(&self, record: &ByteRecord) -> Option<Refusal> {
        // A lost quote can swallow whole rows into one cell, even one that nobody asked for: never let that pass.
        if record.as_slice().contains(&b'\n') {
            let start: String = String::from_utf8_lossy(record.as_slice()).chars().take(80).collect();
            return Some(Refusal::new(start, SPANS_LINES));
        }
        let (cells, columns) = (record.len(), self.header.len());
        (cells != columns).then(|| Refusal::new(format!("{cells} cells, the header has {columns}"), RAGGED))
    }
}

/// Column names are compared in lower case and without the blanks around them.
pub(crate) fn normal(name: &str) -> String {
    name.trim().to_lowercase()
}

fn broken(file: &str, row: u64, error: &csv::Error) -> LakeError {
    match error.kind() {
        csv::ErrorKind::Io(source)
            if source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<RowTooLong>) =>
        {
            LakeError::format(file, row, RowTooLong.to_string())
        }
        csv::ErrorKind::Io(source) => LakeError::Io {
            file: file.to_owned(),
            doing: "read",
            source: std::io::Error::new(source.kind(), source.to_string()),
        },
        _ => LakeError::format(file, row, error.to_string()),
    }
}
