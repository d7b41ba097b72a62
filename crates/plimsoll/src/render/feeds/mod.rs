//! Renderings of `plimsoll feeds`.

pub(crate) mod json;
pub(crate) mod table;
pub(crate) mod tables;

use crate::feeds_command::Feed;
use crate::render::number;
use market::feed::{Place, Seen};

/// A length of time in its natural unit.
pub(crate) fn duration(millis: i64) -> String {
    #[allow(clippy::cast_precision_loss)] // shown with one decimal
    let seconds = millis as f64 / 1000.0;
    if millis < 1000 {
        format!("{millis} ms")
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{:.1} min", seconds / 60.0)
    } else if seconds < 172_800.0 {
        format!("{:.1} h", seconds / 3600.0)
    } else {
        format!("{:.1} d", seconds / 86_400.0)
    }
}

/// What stands out, with an example of each; nothing for a sound feed.
pub(crate) fn remarks(feed: &Feed) -> Vec<String> {
    let report = &feed.report;
    let mut found = Vec::new();
    if let Some(gap) = report.gaps.longest.as_ref().filter(|_| report.gaps.count > 0) {
        found.push(format!("longest gap {}, ended by {}", duration(gap.millis), at(&gap.place)));
    }
    let seen: [(&str, &Seen); 7] = [
        ("repeated", &report.duplicates),
        ("at one time with other figures", &report.conflicts),
        ("out of order", &report.out_of_order),
        ("crossed", &report.crossed),
        ("one-sided", &report.one_sided),
        ("without main figure", &report.missing),
        ("not a price", &report.not_a_price),
    ];
    for (word, seen) in seen {
        found.extend(seen.first.as_ref().map(|first| format!("first {word}: {}", at(first))));
    }
    if let Some(run) = &report.frozen.longest {
        let (observations, time) = (run.observations, duration(run.millis));
        found.push(format!("longest frozen: {observations} observations over {time}, to {}", at(&run.place)));
    }
    if let Some(worst) = &report.outliers.worst {
        let back = if worst.is_spike { ", taken back at once" } else { "" };
        found.push(format!(
            "worst outlier: {} from {} to {}, {} deviations{back}: {}",
            feed.main_figure,
            number::figure(worst.from, 5),
            number::figure(worst.to, 5),
            number::figure(worst.deviations, 3),
            at(&worst.place)
        ));
    }
    if report.not_followed > 0 {
        found.push(format!("{} rows of streams beyond {}", report.not_followed, market::feed::MOST_STREAMS));
    }
    if let Some(latency) = report.latency.as_ref().filter(|latency| latency.negative > 0) {
        found.push(format!("{} rows arrived before they were made: a clock is wrong", latency.negative));
    }
    found
}

fn at(place: &Place) -> String {
    format!("{} at {}, row {}", place.stream, place.time, place.row)
}
