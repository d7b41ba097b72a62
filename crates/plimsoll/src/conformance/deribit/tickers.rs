//! Full tickers: every published greek of every row, from what the row itself prints.
//!
//! Inputs are printed numbers: the vol to 0.01 point, the forward to 0.01 USD, greeks to 5 decimals, marks to 8 or 6. The
//! tolerance of a row is what that rounding can do: the largest change of our number over the corners of the input box, and
//! half a unit of the published last digit. Marks are refreshed at another instant than the forward beside them, so they
//! have an allowance for its move between the two. This holds for any recording, in any market.
//!
//! Two facts about the venue come out of the recordings and are built in. Greeks count time to the whole minute: at the
//! row's millisecond, vega and rho miss by up to half a minute of time, at the nearest minute by rounding only. And theta is
//! limited by the mark that the row prints, which may be older than its forward; [`venue::deribit`] uses its own value.
//!
//! Two recordings have published error maxima at the millisecond; for those the maxima are checked as well.

use super::super::result::{Comparison, Group, GroupResult};
use super::{half_mark_digit, refused};
use instrument::{Settlement, Specs};
use market::{OptionQuote, RawQuote, RawSnapshot, Snapshot};
use pricing::{Black76, venue};
use std::collections::BTreeSet;
use units::{Discount, Forward, Issues, Timestamp, Vol, YearFraction};

/// Half of 0.01 vol point, as a fraction.
const HALF_VOL_DIGIT: f64 = 0.5e-4;
/// Half of 0.01 USD.
const HALF_FORWARD_DIGIT: f64 = 0.5e-2;
/// Half of the fifth decimal of a greek.
const HALF_GREEK_DIGIT: f64 = 0.5e-5;
/// How far the forward behind a mark may differ from the printed one, relative: 10 basis points.
const MARK_ASYNCHRONY: f64 = 10e-4;
/// Greeks are at most this much older than their row.
const REFRESH_MILLIS: i64 = 1_000;
const NANOS_PER_MINUTE: i64 = 60_000_000_000;

const GREEK_REASON: &str = "rounding of the printed vol, forward and greek, row by row";
const MARK_REASON: &str = "rounding of the printed vol, forward and mark, and 10 bp of forward between the refresh of mark and forward";

/// What is compared, in the order of `Measures`.
const QUANTITIES: [(&str, &str); 6] = [
    ("delta", "coin per coin"),
    ("gamma", "per USD"),
    ("vega", "USD per point"),
    ("theta", "USD per day"),
    ("rho", "USD per 1 %"),
    ("mark", "coin"),
];
/// Where the mark stands among them.
const MARK: usize = 5;

type Measures = [f64; 6];

/// One row: the option at three readings of the clock, and its mark.
#[derive(Debug, Clone, Copy)]
struct Row {
    at_millisecond: Black76,
    at_minute: Black76,
    /// The minute that was nearest one second before.
    at_earlier_minute: Black76,
    mark: Mark,
}

/// A mark as printed, in coin.
#[derive(Debug, Clone, Copy)]
struct Mark {
    coin: f64,
    half_digit: f64,
}

/// Our numbers; the cap of theta is moved from our value to the printed mark.
fn measures(option: &Black76, mark_coin: f64) -> Measures {
    let greeks = venue::deribit(option);
    // The same rule without the cap.
    let uncapped = venue::bybit(option).theta_per_day;
    let value = option.price();
    let cap_moved = uncapped.max(-mark_coin * option.forward.get()) - uncapped.max(-value);
    [
        greeks.delta,
        greeks.gamma,
        greeks.vega_per_point,
        greeks.theta_per_day + cap_moved,
        greeks.rho_per_1pct,
        value / option.forward.get(),
    ]
}

/// Compares every row with itself.
pub(super) fn compare(name: &str, raw: &RawSnapshot, specs: &Specs) -> Vec<GroupResult> {
    let mut table = Table {
        groups: QUANTITIES.map(|(quantity, unit)| {
            let reason = if quantity == "mark" { MARK_REASON } else { GREEK_REASON };
            Group::checked(format!("{name}: {quantity}"), unit, reason)
        }),
        maxima_at_millisecond: Measures::default(),
    };
    let mut unread = BTreeSet::new();
    for issue in raw.issues.kept() {
        if unread.insert(issue.row) {
            table.skip(&format!("refused, {}: {}", issue.field, issue.rule));
        }
    }
    for row in &raw.rows {
        match admit(row, raw, specs).and_then(|quote| Ok((printed_row(&quote)?, quote))) {
            Ok((row, quote)) => table.compare(&row, &quote),
            Err(reason) => table.skip(&reason),
        }
    }
    let maxima = published_maxima(name, &table);
    table.groups.into_iter().map(Group::finish).chain(maxima).collect()
}

/// Admits one row alone, because each row has its own time and an instrument may be refreshed within the file.
fn admit(row: &RawQuote, file: &RawSnapshot, specs: &Specs) -> Result<OptionQuote, String> {
    let alone = RawSnapshot {
        file: file.file.clone(),
        layout: file.layout,
        asof: row.timestamp.unwrap_or(file.asof),
        snapshots_in_file: 1,
        rows: vec![row.clone()],
        issues: Issues::default(),
    };
    let admitted = Snapshot::admit(std::slice::from_ref(&alone), specs);
    let (snapshot, issues) = admitted.map_err(|error| error.to_string())?;
    if let Some((reason, _)) = refused(&alone, &snapshot, &issues).by_reason.pop_first() {
        return Err(reason);
    }
    snapshot.options.into_values().next().ok_or_else(|| "not an option".to_owned())
}

/// The option as the row prints it.
fn printed_row(quote: &OptionQuote) -> Result<Row, String> {
    if quote.listing.venue.as_str() != "deribit" {
        return Err("another venue's convention".to_owned());
    }
    let years = |from: Timestamp| from.years_until(quote.expiry).map_err(|error| error.to_string());
    let forward = quote.underlying_price.ok_or("no forward printed")?;
    let option = |expiry: YearFraction| -> Result<Black76, String> {
        Ok(Black76 {
            forward,
            strike: quote.strike,
            vol: quote.mark_vol.ok_or("no mark vol above zero")?,
            expiry,
            discount: Discount::new(1.0).map_err(|error| error.to_string())?,
            kind: quote.kind,
        })
    };
    let inverse = quote.listing.contract.settlement == Settlement::Inverse;
    Ok(Row {
        at_millisecond: option(years(quote.source_time)?)?,
        at_minute: option(years(nearest_minute(quote.source_time))?)?,
        at_earlier_minute: option(years(nearest_minute(quote.source_time.plus_millis(-REFRESH_MILLIS)))?)?,
        mark: Mark {
            coin: if inverse { quote.mark_price } else { quote.mark_price / forward.get() },
            half_digit: half_mark_digit(quote),
        },
    })
}

fn nearest_minute(time: Timestamp) -> Timestamp {
    let nanos = time.unix_nanos();
    let into = nanos.rem_euclid(NANOS_PER_MINUTE);
    let up = if into >= NANOS_PER_MINUTE / 2 { NANOS_PER_MINUTE } else { 0 };
    Timestamp::from_unix_nanos((nanos - into).saturating_add(up))
}

/// One group per quantity.
struct Table {
    groups: [Group; 6],
    maxima_at_millisecond: Measures,
}

impl Table {
    fn skip(&mut self, reason: &str) {
        for group in &mut self.groups {
            group.not_compared(reason, 1);
        }
    }

    fn compare(&mut self, row: &Row, quote: &OptionQuote) {
        let published = quote.published;
        let theirs = [
            published.delta,
            published.gamma,
            published.vega_per_point,
            published.theta_per_day,
            published.rho_per_1pct,
            Some(row.mark.coin),
        ];
        let exact = measures(&row.at_millisecond, row.mark.coin);
        let mut ours = measures(&row.at_minute, row.mark.coin);
        let earlier = measures(&row.at_earlier_minute, row.mark.coin);
        let mut tolerance = largest_change(&row.at_minute, row.mark, 0.0);
        for (tolerance, (ours, earlier)) in tolerance.iter_mut().zip(ours.iter().zip(earlier)) {
            *tolerance += HALF_GREEK_DIGIT + (ours - earlier).abs();
        }
        // Marks do not wait for the minute.
        ours[MARK] = exact[MARK];
        tolerance[MARK] =
            largest_change(&row.at_millisecond, row.mark, MARK_ASYNCHRONY)[MARK] + row.mark.half_digit;
        for (index, group) in self.groups.iter_mut().enumerate() {
            let Some(theirs) = theirs[index] else {
                group.not_compared("not published", 1);
                continue;
            };
            let comparison =
                Comparison { ours: ours[index], theirs, tolerance: tolerance[index], scale: 1.0 };
            group.compare(comparison, || format!("row {} {}", quote.row, quote.listing.symbol));
            let largest = &mut self.maxima_at_millisecond[index];
            *largest = largest.max((exact[index] - theirs).abs());
        }
    }
}

/// The largest change of each measure over half a digit of vol, forward and mark, and a relative move of the forward.
fn largest_change(option: &Black76, mark: Mark, forward_move: f64) -> Measures {
    let centre = measures(option, mark.coin);
    let forward_move = forward_move + HALF_FORWARD_DIGIT / option.forward.get();
    let mut largest = Measures::default();
    for corner in 0..8_u8 {
        let sign = |bit: u8| if corner & bit == 0 { -1.0 } else { 1.0 };
        let forward = option.forward.get() * (1.0 + sign(1) * forward_move);
        let moved = Black76 {
            // Neither can leave its range by so little, except a vol next to zero, which stays.
            vol: Vol::new(option.vol.get() + sign(2) * HALF_VOL_DIGIT).unwrap_or(option.vol),
            forward: Forward::new(forward).unwrap_or(option.forward),
            ..*option
        };
        let moved = measures(&moved, mark.coin + sign(4) * mark.half_digit);
        for ((largest, moved), centre) in largest.iter_mut().zip(moved).zip(centre) {
            *largest = largest.max((moved - centre).abs());
        }
    }
    largest
}

/// Error maxima at the millisecond, measured independently on two recordings: file, then one per quantity.
const PUBLISHED_MAXIMA: [(&str, [&str; 6]); 2] = [
    ("bottama_20210211_btc_tickers.csv", ["9.4e-5", "5.0e-6", "1.0e-2", "0.143", "3.6e-3", "5.8e-4"]),
    ("bottama_20210211_eth_tickers.csv", ["9.1e-5", "5.4e-6", "1.1e-4", "3.8e-3", "4.3e-5", "2.7e-4"]),
];

/// The largest error of each quantity against the published one, for the recordings that have them.
fn published_maxima(name: &str, table: &Table) -> Option<GroupResult> {
    let (_, maxima) = PUBLISHED_MAXIMA.iter().find(|(file, _)| *file == name)?;
    let mut result = Group::checked(
        format!("{name}: maxima at the millisecond"),
        "of the published maximum",
        "an independent check of the same rows published its largest errors, to the digits printed",
    );
    for ((largest, (quantity, _)), text) in table.maxima_at_millisecond.iter().zip(QUANTITIES).zip(maxima) {
        let limit = text.parse::<f64>().unwrap_or(f64::NAN) + half_last_digit(text);
        let comparison = Comparison { ours: *largest, theirs: 0.0, tolerance: 1.0, scale: limit };
        let text = format!("{quantity}: largest error {largest:.3e}, published {text}");
        result.note(text.clone());
        result.compare(comparison, || text);
    }
    Some(result.finish())
}

/// Half a unit of the last digit of a decimal such as `0.143` or `9.4e-5`.
fn half_last_digit(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = |text: String| text.parse::<f64>().unwrap_or(f64::NAN);
    unit(format!("0.5e-{decimals}")) * unit(format!("1e{exponent}"))
}
