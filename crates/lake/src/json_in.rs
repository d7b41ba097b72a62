//! Rows of a JSON file, one at a time: a list of objects, an object that holds such lists (`positions`, `balances`,
//! `result`), or JSON Lines.
//!
//! Numbers stay text, digit for digit. An object inside a row is flattened by one level: `greeks` with `delta` becomes
//! `greeks.delta`. A key that appears twice in a row makes the row an issue, because no rule could say which one counts.

use crate::LakeError;
use crate::csv_in::normal;
use crate::record::{Body, Refusal, Row, Section, Value};
use crate::rows::{Ask, Finished, Watch};
use crate::source::{Meter, RowTooLong, Text};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fmt;
use std::io::BufReader;
use std::rc::Rc;

const NOT_A_ROW: &str = "a row is an object such as {\"account\": \"desk\", ...}";
const TWICE: &str = "the key appears twice in this row; keep one";
/// serde_json hands a number that is no 64-bit integer over as a map with this key.
const NUMBER_KEY: &str = "$serde_json::private::";
/// So many unknown keys are remembered.
const UNKNOWN_KEPT: usize = 64;

/// A JSON file from its first bracket on.
#[derive(Debug)]
pub(crate) struct JsonRows {
    file: String,
    text: Text,
}

/// The wanted cells of one object.
#[derive(Debug)]
pub(crate) struct JsonRow<'a> {
    cells: &'a [Option<Json>],
}

impl JsonRow<'_> {
    pub(crate) fn value(&self, index: usize) -> Value<'_> {
        match self.cells.get(index) {
            None | Some(None | Some(Json::Null)) => Value::Empty,
            Some(Some(Json::Bool(flag))) => Value::Flag(*flag),
            Some(Some(Json::Number(number))) => Value::Text(number.as_str()),
            Some(Some(Json::String(text))) => Value::Text(text),
            Some(Some(Json::Array(_))) => Value::Nested("a list"),
            Some(Some(Json::Object(_))) => Value::Nested("an object"),
        }
    }
}

impl JsonRows {
    pub(crate) const fn new(file: String, text: Text) -> Self {
        Self { file, text }
    }

    pub(crate) fn for_each(self, ask: &Ask<'_>, watch: &mut Watch<'_>) -> Result<Finished, LakeError> {
        let Self { file, text } = self;
        let meter = text.meter();
        let mut parser = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, text));
        let mut stream = Stream {
            ask,
            watch,
            meter: Rc::clone(&meter),
            counts: [0; 3],
            unknown: BTreeSet::new(),
            shape: Shape::Lines,
            fault: None,
            stopped: false,
        };
        loop {
            let read = Seed { stream: &mut stream, place: Place::Document }.deserialize(&mut parser);
            if let Some(rule) = stream.fault.take() {
                return Err(LakeError::format(&file, 0, rule));
            }
            if stream.stopped {
                break;
            }
            read.map_err(|error| broken(&file, stream.rows() + 1, &error))?;
            match (parser.end(), stream.shape) {
                (Ok(()), _) => break,
                (Err(error), _) if error.is_io() => return Err(broken(&file, stream.rows() + 1, &error)),
                (Err(_), Shape::Lines) => {}
                (Err(error), Shape::One) => {
                    return Err(LakeError::format(
                        &file,
                        0,
                        format!("more text after the closing bracket: {error}"),
                    ));
                }
            }
        }
        meter.report(stream.watch.progress);
        Ok(Finished { rows: stream.rows(), unknown_columns: stream.unknown.into_iter().collect() })
    }
}

/// What the file has turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One object a row, as many as there are.
    Lines,
    /// One list, or one object with lists.
    One,
}

struct Stream<'a, 'w> {
    ask: &'a Ask<'a>,
    watch: &'a mut Watch<'w>,
    meter: Rc<Meter>,
    counts: [u64; 3],
    unknown: BTreeSet<String>,
    shape: Shape,
    fault: Option<String>,
    stopped: bool,
}

impl Stream<'_, '_> {
    fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn list(&self, key: &str) -> Option<Section> {
        self.ask.lists.iter().find(|(name, _)| *name == key).map(|(_, section)| *section)
    }

    fn emit<E: Error>(&mut self, section: Section, body: Body<'_>) -> Result<(), E> {
        let [table, positions, balances] = &mut self.counts;
        let count = match section {
            Section::Table => table,
            Section::Positions => positions,
            Section::Balances => balances,
        };
        *count += 1;
        self.meter.row_done(self.watch.progress);
        if (self.watch.visit)(&Row { number: *count, section, body }).is_break() {
            self.stopped = true;
            return Err(E::custom("stopped"));
        }
        Ok(())
    }

    fn emit_fields<E: Error>(&mut self, section: Section, fields: Fields) -> Result<(), E> {
        match fields.twice {
            Some(key) => self.emit(section, Body::Broken(Refusal::new(key, TWICE))),
            None => self.emit(section, Body::Json(JsonRow { cells: &fields.cells })),
        }
    }

    fn broken<E: Error>(&mut self, section: Section, found: impl Into<String>) -> Result<(), E> {
        self.emit(section, Body::Broken(Refusal::new(found, NOT_A_ROW)))
    }

    fn fail<E: Error>(&mut self, rule: impl Into<String>) -> Result<(), E> {
        self.fault = Some(rule.into());
        Err(E::custom("fault"))
    }
}

/// The cells of the object at hand.
struct Fields {
    cells: Vec<Option<Json>>,
    twice: Option<String>,
}

impl Fields {
    fn new(ask: &Ask<'_>) -> Self {
        Self { cells: vec![None; ask.names.len()], twice: None }
    }

    fn is_empty(&self) -> bool {
        self.cells.iter().all(Option::is_none)
    }

    fn put(&mut self, stream: &mut Stream<'_, '_>, key: &str, value: Json) {
        match value {
            Json::Object(inner) if !stream.ask.names.contains(&key) => {
                for (name, value) in inner {
                    self.put_cell(stream, &format!("{key}.{}", normal(&name)), value);
                }
            }
            value => self.put_cell(stream, key, value),
        }
    }

    fn put_cell(&mut self, stream: &mut Stream<'_, '_>, key: &str, value: Json) {
        let place = stream.ask.names.iter().position(|name| *name == key);
        match place.and_then(|place| self.cells.get_mut(place)) {
            Some(cell) if cell.is_none() => *cell = Some(value),
            Some(_) => self.twice = Some(key.to_owned()),
            None if stream.unknown.len() < UNKNOWN_KEPT => drop(stream.unknown.insert(key.to_owned())),
            None => {}
        }
    }
}

/// Where in the document the parser stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Document,
    List(Section),
    Element(Section),
}

struct Seed<'s, 'a, 'w> {
    stream: &'s mut Stream<'a, 'w>,
    place: Place,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_, '_, '_> {
    /// Anything but an object or a list.
    fn scalar<E: Error>(self, found: &str) -> Result<(), E> {
        match self.place {
            Place::Element(section) => self.stream.broken(section, found),
            Place::Document => self.stream.fail(format!("found {found} between rows; {NOT_A_ROW}")),
            Place::List(_) => self.stream.fail(format!("found {found} where a list of rows belongs")),
        }
    }

    fn document<'de, A: MapAccess<'de>>(self, key: String, mut map: A) -> Result<(), A::Error> {
        let stream = self.stream;
        let mut fields = Fields::new(stream.ask);
        let mut lists = false;
        let mut next = Some(key);
        while let Some(key) = next {
            let key = normal(&key);
            if let Some(section) = stream.list(&key) {
                (lists, stream.shape) = (true, Shape::One);
                map.next_value_seed(Seed { stream, place: Place::List(section) })?;
            } else if key == "error" {
                let answer: Json = map.next_value()?;
                if !answer.is_null() {
                    return stream.fail(format!("the exchange answered with an error: {answer}"));
                }
            } else {
                fields.put(stream, &key, map.next_value()?);
            }
            next = map.next_key()?;
        }
        let names: Vec<&str> = stream.ask.lists.iter().map(|(name, _)| *name).collect();
        match (lists, fields.is_empty() && fields.twice.is_none()) {
            (true, true) => Ok(()),
            (true, false) => stream.fail("columns of rows stand beside the lists; write them into each row"),
            (false, false) => stream.emit_fields(Section::Table, fields),
            (false, true) => {
                stream.fail(format!("the object is no row and has no list '{}'", names.join("' or '")))
            }
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let section = match self.place {
            Place::Document if self.stream.rows() > 0 => {
                return self.stream.fail("a list after a row; a file is one list, or one object a line");
            }
            Place::Document => Section::Table,
            Place::List(section) => section,
            Place::Element(section) => {
                while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                return self.stream.broken(section, "a list");
            }
        };
        self.stream.shape = Shape::One;
        while list
            .next_element_seed(Seed { stream: &mut *self.stream, place: Place::Element(section) })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let first: Option<String> = map.next_key()?;
        if first.as_ref().is_some_and(|key| key.starts_with(NUMBER_KEY)) {
            let digits: String = map.next_value()?;
            return self.scalar(&format!("the number {digits}"));
        }
        match self.place {
            Place::Document => self.document(first.unwrap_or_default(), map),
            Place::List(_) => self.scalar("an object"),
            Place::Element(section) => {
                let mut fields = Fields::new(self.stream.ask);
                let mut next = first;
                while let Some(key) = next {
                    fields.put(self.stream, &normal(&key), map.next_value()?);
                    next = map.next_key()?;
                }
                self.stream.emit_fields(section, fields)
            }
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.scalar(&format!("the text '{text}'"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.scalar(&format!("the number {number}"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.scalar(&format!("the number {number}"))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.scalar(if flag { "true" } else { "false" })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.place {
            Place::List(_) => Ok(()),
            _ => self.scalar("null"),
        }
    }
}

fn broken(file: &str, row: u64, error: &serde_json::Error) -> LakeError {
    let text = error.to_string();
    if text.starts_with(&RowTooLong.to_string()) {
        return LakeError::format(file, row, RowTooLong.to_string());
    }
    match error.io_error_kind() {
        Some(kind) => {
            LakeError::Io { file: file.to_owned(), doing: "read", source: std::io::Error::new(kind, text) }
        }
        None if error.is_eof() => LakeError::format(file, row, format!("the JSON ends too early: {text}")),
        None => LakeError::format(file, row, format!("not valid JSON: {text}")),
    }
}
