//! Full tickers: every published greek of every row, from what the row itself prints.
//!
//! Inputs are printed numbers: the vol to 0.01 point, the forward to 0.01 USD, greeks to 5 decimals, marks to 8. The
//! tolerance of a row is what that rounding can do: the largest change of our greek over the corners of the input box, half
//! a unit of the published last digit, and a small share of the greek's own sensitivity for the moment between the refresh
//! of the printed forward and that of the greek (see [`ASYNCHRONY`]). So it holds for any recording, in any market.
//!
//! Two recordings have published error maxima; for those the maxima are checked as well.

use super::super::result::{Comparison, Group, GroupResult};
use super::refused;
use instrument::{Settlement, Specs};
use market::{OptionQuote, RawQuote, RawSnapshot, Snapshot};
use pricing::{Black76, venue};
use units::{Discount, Forward, Vol};

/// Half of 0.01 vol point, as a fraction.
const HALF_VOL_DIGIT: f64 = 0.5e-4;
/// Half of 0.01 USD.
const HALF_FORWARD_DIGIT: f64 = 0.5e-2;
/// Half of the fifth decimal of a greek.
const HALF_GREEK_DIGIT: f64 = 0.5e-5;
/// Half of the eighth decimal of a mark.
const HALF_MARK_DIGIT: f64 = 0.5e-8;
/// How far the forward behind a greek may differ from the printed one, relative.
const ASYNCHRONY: f64 = 0.0;
/// How far the forward behind a mark may differ from the printed one, relative.
const MARK_ASYNCHRONY: f64 = 0.0;

const GREEK_REASON: &str = "rounding of the printed vol, forward and greek";
const MARK_REASON: &str = "rounding of the printed vol, forward and mark";

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

fn measures(option: &Black76) -> Measures {
    let greeks = venue::deribit(option);
    [
        greeks.delta,
        greeks.gamma,
        greeks.vega_per_point,
        greeks.theta_per_day,
        greeks.rho_per_1pct,
        option.price() / option.forward.get(),
    ]
}

/// Compares every row with itself.
pub(super) fn compare(name: &str, raw: &RawSnapshot, specs: &Specs) -> Vec<GroupResult> {
    let mut groups = QUANTITIES.map(|(quantity, unit)| {
        let reason = if quantity == "mark" { MARK_REASON } else { GREEK_REASON };
        Group::checked(format!("{name}: {quantity}"), unit, reason)
    });
    let mut unread = std::collections::BTreeSet::new();
    for issue in raw.issues.kept() {
        if unread.insert(issue.row) {
            skip(&mut groups, &format!("refused, {}: {}", issue.field, issue.rule));
        }
    }
    for row in &raw.rows {
        match admit(row, raw, specs) {
            Ok(quote) => compare_row(&quote, &mut groups),
            Err(reason) => skip(&mut groups, &reason),
        }
    }
    let maxima = published_maxima(name, &groups);
    groups.into_iter().map(Group::finish).chain(maxima).collect()
}

fn skip(groups: &mut [Group; 6], reason: &str) {
    for group in groups {
        group.not_compared(reason, 1);
    }
}

/// Admits one row alone, because each row has its own time and an instrument may be refreshed within the file.
fn admit(row: &RawQuote, file: &RawSnapshot, specs: &Specs) -> Result<OptionQuote, String> {
    let alone = RawSnapshot {
        file: file.file.clone(),
        layout: file.layout,
        asof: row.timestamp.unwrap_or(file.asof),
        snapshots_in_file: 1,
        rows: vec![row.clone()],
        issues: units::Issues::default(),
    };
    let (snapshot, issues) = Snapshot::admit(std::slice::from_ref(&alone), specs).map_err(|error| error.to_string())?;
    if let Some((reason, _)) = refused(&alone, &snapshot, &issues).by_reason.pop_first() {
        return Err(reason);
    }
    snapshot.options.into_values().next().ok_or_else(|| "not an option".to_owned())
}

fn compare_row(quote: &OptionQuote, groups: &mut [Group; 6]) {
    let option = match printed_option(quote) {
        Ok(option) => option,
        Err(reason) => return skip(groups, reason),
    };
    let ours = measures(&option);
    let inverse = quote.listing.contract.settlement == Settlement::Inverse;
    let published = quote.published;
    let theirs = [
        published.delta,
        published.gamma,
        published.vega_per_point,
        published.theta_per_day,
        published.rho_per_1pct,
        Some(if inverse { quote.mark_price } else { quote.mark_price / option.forward.get() }),
    ];
    let rounding = largest_change(&option, &ours, HALF_FORWARD_DIGIT / option.forward.get());
    let greek_drift = largest_change(&option, &ours, ASYNCHRONY);
    let mark_drift = largest_change(&option, &ours, MARK_ASYNCHRONY);
    for (index, group) in groups.iter_mut().enumerate() {
        let is_mark = index == MARK;
        let (digit, drift) =
            if is_mark { (HALF_MARK_DIGIT, mark_drift) } else { (HALF_GREEK_DIGIT, greek_drift) };
        let at = |values: &Measures| values.get(index).copied().unwrap_or(f64::NAN);
        match theirs.get(index).copied().flatten() {
            None => group.not_compared("this greek is not published", 1),
            Some(theirs) => {
                let tolerance = at(&rounding) + digit + at(&drift);
                let comparison = Comparison { ours: at(&ours), theirs, tolerance, scale: 1.0 };
                group.compare(comparison, || format!("row {} {}", quote.row, quote.listing.symbol));
            }
        }
    }
}

/// The option as the row prints it.
fn printed_option(quote: &OptionQuote) -> Result<Black76, &'static str> {
    if quote.listing.venue.as_str() != "deribit" {
        return Err("another venue's convention");
    }
    let expiry = quote.source_time.years_until(quote.expiry).map_err(|_| "expires in over 100 years")?;
    Ok(Black76 {
        forward: quote.underlying_price.ok_or("no forward printed")?,
        strike: quote.strike,
        vol: quote.mark_vol.ok_or("no mark vol above zero")?,
        expiry,
        discount: Discount::new(1.0).map_err(|_| "no discount factor of one")?,
        kind: quote.kind,
    })
}

/// The largest change of each measure over the corners of half a vol digit and a relative move of the forward.
fn largest_change(option: &Black76, centre: &Measures, forward_move: f64) -> Measures {
    let mut largest = Measures::default();
    for vol_move in [-HALF_VOL_DIGIT, HALF_VOL_DIGIT] {
        for forward_move in [-forward_move, forward_move] {
            let moved = Black76 {
                // Neither can leave its range by so little, except a vol next to zero, which stays.
                vol: Vol::new(option.vol.get() + vol_move).unwrap_or(option.vol),
                forward: Forward::new(option.forward.get() * (1.0 + forward_move)).unwrap_or(option.forward),
                ..*option
            };
            for ((largest, moved), centre) in largest.iter_mut().zip(measures(&moved)).zip(centre) {
                *largest = largest.max((moved - centre).abs());
            }
        }
    }
    largest
}

/// Error maxima measured independently on two recordings: file, then one per quantity.
const PUBLISHED_MAXIMA: [(&str, [&str; 6]); 2] = [
    ("bottama_20210211_btc_tickers.csv", ["9.4e-5", "5.0e-6", "1.0e-2", "0.143", "3.6e-3", "5.8e-4"]),
    ("bottama_20210211_eth_tickers.csv", ["9.1e-5", "5.4e-6", "1.1e-4", "3.8e-3", "4.3e-5", "2.7e-4"]),
];

/// The largest error of each quantity against the published one, for the recordings that have them.
fn published_maxima(name: &str, groups: &[Group; 6]) -> Option<GroupResult> {
    let (_, maxima) = PUBLISHED_MAXIMA.iter().find(|(file, _)| *file == name)?;
    let mut result = Group::checked(
        format!("{name}: maxima"),
        "of the published maximum",
        "an independent check of the same rows published these maxima; half a unit of its last digit is allowed",
    );
    for ((group, (quantity, _)), text) in groups.iter().zip(QUANTITIES).zip(maxima) {
        let scale = text.parse().unwrap_or(f64::NAN);
        let Some(largest) = group.largest() else {
            result.fault(quantity, "no row was compared");
            continue;
        };
        let excess = (largest / scale - 1.0).max(0.0);
        let comparison = Comparison { ours: excess, theirs: 0.0, tolerance: half_last_digit(text) / scale, scale: 1.0 };
        result.compare(comparison, || format!("{quantity}: largest error {largest:.4e}, published {text}"));
    }
    Some(result.finish())
}

/// Half a unit of the last digit of a decimal such as `0.143` or `9.4e-5`.
fn half_last_digit(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    format!("0.5e-{decimals}").parse::<f64>().unwrap_or(f64::NAN) * format!("1e{exponent}").parse::<f64>().unwrap_or(f64::NAN)
}
