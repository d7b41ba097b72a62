//! A small book over two underlyings, rendered and searched as text.

use super::html;
use crate::document::{Document, InputFile};
use crate::render::number::MINUS;
use book::{BookBuilder, RawRow, RowKind};
use instrument::Specs;
use market::{Layout, Market, RawQuote, RawSnapshot, Snapshot};
use pricing::Black76;
use risk::{GroupBy, Inputs, Report, ScenarioFile};
use std::collections::BTreeMap;
use units::{Discount, Forward, Issue, Issues, OptionKind, Spot, Strike, Timestamp, Vol};

const LADDER: &str = include_str!("../../../../../scenarios/ladder.toml");
const STRESS: &str = include_str!("../../../../../scenarios/stress.toml");
const ASOF: &str = "2026-11-22T06:31:04Z";

fn row(row: u64, account: &str, kind: RowKind) -> RawRow {
    RawRow { row, account: account.into(), venue: "deribit".into(), chain: String::new(), kind }
}

fn position(account: &str, instrument: &str, quantity: &str, price: &str) -> RawRow {
    let kind = RowKind::Position {
        instrument: instrument.into(),
        quantity: quantity.into(),
        average_price: price.into(),
    };
    row(1, account, kind)
}

fn balance(account: &str, asset: &str, amount: &str) -> RawRow {
    row(1, account, RowKind::Balance { asset: asset.into(), amount: amount.into() })
}

/// A chain on a smile `0.5 + 0.4 ln(K/F)^2` near its forward, marked by the model itself.
fn chain(coin: &str, spot: f64, step: f64) -> Vec<RawQuote> {
    let asof: Timestamp = ASOF.parse().unwrap();
    let mut quotes = Vec::new();
    for (day, carry) in [("28NOV26", 1.001), ("26DEC26", 1.006), ("26MAR27", 1.02), ("25JUN27", 1.04)] {
        for strike in (-6..=6).map(|i| (spot / step).round() * step + f64::from(i) * step) {
            for (kind, letter) in [(OptionKind::Call, "C"), (OptionKind::Put, "P")] {
                let name = format!("{coin}-{day}-{strike}-{letter}");
                let expiry = expiry_of(&name);
                let forward = Forward::new(spot * carry).unwrap();
                let wing = strike / forward.get() - 1.0;
                let vol = Vol::new(0.5 + 0.4 * wing * wing).unwrap();
                let strike = Strike::new(strike).unwrap();
                let years = asof.years_until(expiry).unwrap();
                let black = Black76 {
                    forward,
                    strike,
                    vol,
                    expiry: years,
                    discount: Discount::new(1.0).unwrap(),
                    kind,
                };
                quotes.push(RawQuote {
                    instrument_name: name,
                    mark_price: Some(black.price() / forward.get()),
                    mark_vol: Some(vol.get()),
                    // A printed delta that is off by 0.03 on one expiry, so that there are breaks to show.
                    delta: Some(black.greeks().delta + if day == "25JUN27" { 0.03 } else { 0.0 }),
                    underlying_price: Some(forward.get()),
                    index_price: Some(spot),
                    ..RawQuote::default()
                });
            }
        }
    }
    let perpetual = format!("{coin}-PERPETUAL");
    quotes.push(RawQuote {
        instrument_name: perpetual,
        mark_price: Some(spot * 1.0002),
        index_price: Some(spot),
        ..RawQuote::default()
    });
    for (row, quote) in (1..).zip(&mut quotes) {
        quote.row = row;
    }
    quotes
}

fn expiry_of(name: &str) -> Timestamp {
    let (venue, symbol) = (units::Venue::new("deribit").unwrap(), units::Symbol::new(name).unwrap());
    let resolved = instrument::resolve(&venue, &symbol, &Specs::embedded()).unwrap();
    resolved.legs[0].listing.contract.expiry().unwrap()
}

fn desk() -> Vec<RawRow> {
    vec![
        position("desk", "BTC-28NOV26-92000-P", "-12.5", ""),
        position("desk", "BTC-26DEC26-80000-P", "-40", ""),
        position("desk", "BTC-26DEC26-104000-C", "25", ""),
        position("desk", "BTC-26MAR27-100000-C", "18", ""),
        position("desk", "BTC-PERPETUAL", "-1500000", "88000"),
        position("fund", "ETH-26DEC26-3200-C", "-400", ""),
        position("fund", "ETH-26MAR27-2800-P", "650", ""),
        position("fund", "ETH-PERPETUAL", "250000", "3100"),
        balance("desk", "BTC", "31.5"),
        balance("fund", "ETH", "420"),
        balance("fund", "USD", "-150000"),
    ]
}

fn document(rows: &[RawRow], issues: Issues) -> Document {
    let specs = Specs::embedded();
    let mut builder = BookBuilder::new("book.csv", &specs);
    for row in rows {
        builder.add(row);
    }
    let (book, bad) = builder.finish();
    assert!(bad.is_empty(), "{bad}");
    let file = |name: &str, rows| RawSnapshot {
        file: name.into(),
        layout: Layout::Chain,
        asof: ASOF.parse().unwrap(),
        snapshots_in_file: 1,
        rows,
        issues: Issues::default(),
    };
    let files =
        [file("btc.csv", chain("BTC", 91_851.3, 4000.0)), file("eth.csv", chain("ETH", 3143.4, 200.0))];
    let (snapshot, bad) = Snapshot::admit(&files, &specs).unwrap();
    assert!(bad.is_empty(), "{bad}");
    let rates: BTreeMap<_, Spot> = BTreeMap::new();
    let market = Market::build(&snapshot, &rates);
    let axes = ScenarioFile::parse("ladder.toml", LADDER).unwrap();
    let stress = ScenarioFile::parse("stress.toml", STRESS).unwrap();
    let venues = book.positions.iter().map(|p| p.venue.clone()).collect();
    let report = Report::new(Inputs {
        book: &book,
        snapshot: &snapshot,
        market: &market,
        group_by: &[GroupBy::Account, GroupBy::Underlying],
        ladder: &axes.ladder.unwrap(),
        curve: &axes.curve.unwrap(),
        scenarios: &stress.scenarios_on(&venues),
    })
    .unwrap();
    let input = |path: &str, role, rows| InputFile {
        path: path.into(),
        role,
        blake3: "ab12".repeat(16),
        rows,
        asof: None,
    };
    Document {
        report,
        inputs: vec![
            input("book.csv", "book", 11),
            input("btc.csv", "market", 105),
            input("eth.csv", "market", 105),
        ],
        issues,
        not_used: vec![("combos are quoted by their legs", 3)],
        notes: vec!["book.csv: columns not used: comment".into()],
    }
}

fn whole() -> String {
    html(&document(&desk(), Issues::default()))
}

fn partial() -> Document {
    let mut rows = desk();
    rows.push(balance("desk", "DOGE", "1000000"));
    let mut issues = Issues::default();
    let text = |t: &str| t.to_owned();
    issues.push(Issue {
        file: text("book.csv"),
        row: 7,
        field: text("quantity"),
        value: text("1,5"),
        rule: text("an exact decimal"),
    });
    document(&rows, issues)
}

/// Values of one attribute, in order.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_section_is_there_in_order() {
    let page = whole();
    let order = [
        "answer",
        "matrix",
        "exposure",
        "underlying-1",
        "underlying-2",
        "stress",
        "reconciliation",
        "data",
        "forwards",
        "definitions",
    ];
    let ids: Vec<&str> = attributes(&page, "id").into_iter().filter(|id| order.contains(id)).collect();
    assert_eq!(ids, order);
    // A link inside the page leads somewhere.
    let all = attributes(&page, "id");
    for link in attributes(&page, "href") {
        assert!(all.contains(&link.trim_start_matches('#')), "{link}");
    }
    let mut unique = all.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), all.len(), "ids repeat");
}

#[test]
fn the_page_refers_to_nothing_outside() {
    let page = whole();
    for outside in
        ["http:", "https:", "src=", "url(", "@import", "<script", "<link", "<iframe", "javascript:"]
    {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(attributes(&page, "href").iter().all(|link| link.starts_with('#')));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn names_from_files_cannot_become_markup() {
    let hostile = "<script>alert(1)</script>";
    let quoting = "x' onmouseover='alert(2)";
    let mut rows = desk();
    rows.push(balance(hostile, "BTC", "1"));
    rows.push(balance(quoting, "DOGE", "1"));
    rows.push(balance("ab\u{202e}dc", "DOGE", "1"));
    let mut document = document(&rows, Issues::default());
    document.inputs[0].path = "<img src=x onerror=alert(3)>&\".csv".into();
    document.notes.push("</ul><svg onload=alert(4)>".into());
    document.report.stress[0].name = "<b title=\"a".into();
    let page = html(&document);
    for raw in [hostile, quoting, "<img", "<svg onload", "<b title", "\u{202e}"] {
        assert!(!page.contains(raw), "{raw}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("x&#39; onmouseover=&#39;alert(2)"));
    assert!(page.contains("&lt;img src=x onerror=alert(3)&gt;&amp;&quot;.csv"));
}

#[test]
fn a_partial_report_says_so_before_anything_else() {
    let page = html(&partial());
    let body = page.split("<body>").nth(1).unwrap().trim_start();
    assert!(body.starts_with("<div class=\"banner\""), "{}", &body[..80]);
    let banner = body.split("</div>").next().unwrap();
    for expected in
        ["PARTIAL", "unpriced positions and balances: 1", "bad input rows: 1", "DOGE", "book.csv row 7"]
    {
        assert!(banner.contains(expected), "{expected} not in {banner}");
    }
    assert!(page.contains("<title>PARTIAL"));
    assert!(page.contains("total (partial)"));
    let page = whole();
    assert!(!page.contains("PARTIAL") && !page.contains("(partial)"));
}

#[test]
fn nothing_is_shown_as_nan_or_infinite() {
    for page in [whole(), html(&partial()), html(&document(&[], Issues::default()))] {
        for word in ["NaN", "inf\"", "inf<", "-0.0"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}

#[test]
fn an_empty_book_is_a_page_too() {
    let page = html(&document(&[], Issues::default()));
    assert!(page.contains("no rows that could be valued"));
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert_eq!(whole(), whole());
}

/// A label whose minus is cut off at the edge would draw a loss as a gain.
#[test]
fn labels_of_the_pnl_axis_keep_their_minus_inside_the_drawing() {
    let page = whole();
    let labels: Vec<(f64, &str)> = page
        .split("<text class=\"y\" text-anchor=\"end\" x=\"")
        .skip(1)
        .map(|rest| {
            let (x, rest) = rest.split_once('"').unwrap();
            let label = rest.split_once('>').unwrap().1.split_once('<').unwrap().0;
            (x.parse().unwrap(), label)
        })
        .collect();
    assert!(labels.iter().filter(|(_, label)| label.starts_with(MINUS)).count() >= 2, "{labels:?}");
    for (right, label) in labels {
        // Text is set at 11.5 px; no digit, sign or suffix letter of a common face is wider than 0.75 em.
        #[allow(clippy::cast_precision_loss)]
        let width = label.chars().count() as f64 * 11.5 * 0.75;
        assert!(right - width >= 0.0, "{label} begins at {}", right - width);
    }
    // And the widest text that a figure can have fits too.
    let widest = "\u{2212}999bn".chars().count();
    #[allow(clippy::cast_precision_loss)]
    let left = super::payoff::LEFT - 8.0 - widest as f64 * 11.5 * 0.75;
    assert!(left >= 0.0, "{left}");
}

#[test]
fn drawings_stay_inside_their_frame() {
    let page = whole();
    for points in attributes(&page, "points") {
        for pair in points.split_whitespace() {
            let (x, y) = pair.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((0.0..=680.0).contains(&x) && (0.0..=350.0).contains(&y), "{pair}");
        }
    }
}

/// A loss lies below the zero line: on paper y grows downwards, so its coordinate is the larger one.
#[test]
fn a_loss_is_drawn_below_zero() {
    let document = document(&[position("desk", "BTC-PERPETUAL", "100000", "")], Issues::default());
    let page = html(&document);
    let zero: f64 =
        page.split("<line class=\"zero\"").nth(1).map(|r| attributes(r, "y1")[0].parse().unwrap()).unwrap();
    let now = page.split("<polyline class=\"h0\"").nth(1).map(|r| attributes(r, "points")[0]).unwrap();
    let heights: Vec<f64> =
        now.split_whitespace().map(|p| p.split_once(',').unwrap().1.parse().unwrap()).collect();
    // A long perpetual loses on the left and gains on the right.
    assert!(heights[0] > zero + 50.0 && *heights.last().unwrap() < zero - 50.0, "{zero} {heights:?}");
}

#[test]
fn drawings_are_named_or_hidden_and_tables_captioned() {
    let page = whole();
    for drawing in page.split("<svg").skip(1) {
        let drawing = drawing.split("</svg>").next().unwrap();
        let is_named =
            drawing.contains("role=\"img\"") && drawing.contains("<title") && drawing.contains("<desc");
        assert!(is_named || drawing.contains("aria-hidden=\"true\""), "{drawing}");
    }
    for table in page.split("<table").skip(1) {
        assert!(table.split_once('>').unwrap().1.starts_with("<caption>"));
    }
    assert!(!page.contains("<th>"), "a header cell without scope");
}

#[test]
fn the_worst_cell_is_outlined_once_per_ladder_that_loses() {
    let document = document(&desk(), Issues::default());
    let losing = document.report.ladders.iter().filter(|l| l.worst.pnl_usd < units::Fixed::ZERO).count();
    assert!(losing > 0);
    assert_eq!(html(&document).matches(" worst\" title").count(), losing);
}

#[test]
fn tags_are_balanced() {
    let page = whole();
    for tag in [
        "table", "tr", "td", "thead", "tbody", "section", "svg", "figure", "div", "span", "p", "ul", "ol",
        "li", "dl", "header", "footer", "main",
    ] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

/// Writes the pages for looking at: `cargo test -p plimsoll -- --ignored write_pages`, path printed.
#[test]
#[ignore = "writes files to look at"]
fn write_pages() {
    let folder = std::env::temp_dir().join("plimsoll-pages");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("whole.html"), whole()).unwrap();
    std::fs::write(folder.join("partial.html"), html(&partial())).unwrap();
    println!("pages in {}", folder.display());
}

#[test]
fn groups_that_mix_underlyings_are_counted_and_have_no_coin_row() {
    let mut document = document(&desk(), Issues::default());
    document.report.group_by = vec![GroupBy::Account];
    document.report.groups = risk::group(&document.report.rows, &[GroupBy::Account]);
    let page = html(&document);
    let coin_table =
        page.split("for groups of one underlying").nth(2).unwrap().split("</table>").next().unwrap();
    // The desk holds BTC only; the fund holds ETH and owes USD.
    assert!(
        coin_table.contains(">desk<") && !coin_table.contains(">fund<") && !coin_table.contains(">total<")
    );
    assert!(page.contains("1 groups mix underlyings"));
}
