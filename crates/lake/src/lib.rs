//! Files in and out: market snapshots and books from CSV, JSON and Parquet; report tables to CSV and Parquet.
//!
//! | function | reads or writes | memory |
//! |---|---|---|
//! | [`read_snapshot`] | one snapshot of a market file | the snapshot |
//! | [`for_each_snapshot`] | every snapshot of a market file, in order of time | one snapshot |
//! | [`for_each_row`] | every row of a market file or series in file order | one row |
//! | [`snapshots`] | the times of a market file and the rows of each | one entry per snapshot |
//! | [`read_book`] | positions and balances, row by row | one row |
//! | [`read_history`] | levels of one factor over time, plain or gzip | the file |
//! | [`read_prices`] | prices of several sources, for an oracle | one row |
//! | [`write_csv`], [`write_parquet`] | a [`Table`] | one block of rows |
//!
//! Nothing is believed here: readers turn bytes into [`market::RawQuote`] and [`book::RawRow`], and report each cell that
//! is not of its column's type as an issue with file, row, field and rule. Ranges, cross-checks and arithmetic come later,
//! in `market` and `book`. The only conversions are of units that a layout fixes: vols in percent become fractions.
//!
//! The format is found by content (Parquet magic, first byte of JSON, else CSV), never by the file's name. Text files may
//! be pipes and may be packed with gzip; Parquet needs a regular file. Layouts, columns and units: `docs/formats.md`.
//!
//! Errors: [`LakeError`] when a file as a whole cannot be used; [`units::Issues`] for single rows. Left out: text
//! that is compressed otherwise than with gzip, other separators than the comma, other encodings than UTF-8: each is refused by name.
//!
//! ```
//! use lake::{Progress, Select, read_snapshot};
//! let path = std::env::temp_dir().join(format!("lake-doc-{}.csv", std::process::id()));
//! std::fs::write(&path, "timestamp,currency,instrument_name,perpetual_price\n\
//!     2026-04-15T10:24:47.955964+00:00,ETH,ETH-PERPETUAL,2316.55\n")?;
//! let snapshot = read_snapshot(&path, Select::Last, &mut |_: Progress| {})?;
//! assert_eq!(snapshot.rows[0].mark_price, Some(2316.55));
//! // Nothing was recorded before that instant: the error says what there is.
//! let early = Select::AtOrBefore("2026-01-01".parse()?);
//! assert!(read_snapshot(&path, early, &mut |_| {}).unwrap_err().to_string().contains("2026-04-15T10:24:47.955964Z"));
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod books;
mod chain;
mod csv_in;
mod csv_out;
mod error;
mod feed;
mod history;
mod json_in;
mod layout;
mod parquet_in;
mod parquet_out;
mod prices;
mod record;
mod rows;
mod source;
mod table;

pub use books::{BookRead, read_book};
pub use chain::{Listing, Select, SnapshotRows, for_each_snapshot, read_snapshot, snapshots};
pub use csv_out::write_csv;
pub use error::LakeError;
pub use feed::{FeedLayout, FeedRead, FeedRow, SeriesPoint, for_each_row};
pub use history::{HistoryRead, LevelKind, read_history};
pub use parquet_out::write_parquet;
pub use prices::{PriceRow, PricesRead, read_prices};
pub use source::Progress;
pub use table::{Cell, Column, ColumnKind, Table};
