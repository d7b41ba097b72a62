//! Feeds as JSON, schema `plimsoll.feeds/1` (docs/formats.md).

use crate::document::InputFile;
use crate::feeds_command::{Feed, FeedsDocument};
use crate::render::json::pretty;
use market::feed::{FeedReport, Moves};
use serde::Serialize;
use units::Issue;

#[derive(Serialize)]
struct FeedsJson<'a> {
    schema: &'static str,
    partial: bool,
    version: &'static str,
    inputs: &'a [InputFile],
    bad_rows: u64,
    bad_rows_listed: &'a [Issue],
    feeds: Vec<FeedJson<'a>>,
}

#[derive(Serialize)]
struct FeedJson<'a> {
    file: &'a str,
    feed: &'a str,
    main_figure: &'static str,
    moves: Moves,
    #[serde(flatten)]
    report: &'a FeedReport,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &FeedsDocument) -> Result<String, serde_json::Error> {
    pretty(&FeedsJson {
        schema: "plimsoll.feeds/1",
        partial: !document.issues.is_empty(),
        version: env!("CARGO_PKG_VERSION"),
        inputs: &document.inputs,
        bad_rows: document.issues.rows(),
        bad_rows_listed: document.issues.kept(),
        feeds: document.feeds.iter().map(feed).collect(),
    })
}

fn feed(feed: &Feed) -> FeedJson<'_> {
    let Feed { file, name, main_figure, moves, report } = feed;
    FeedJson { file, feed: name, main_figure, moves: *moves, report }
}
