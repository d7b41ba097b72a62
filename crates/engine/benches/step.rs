//! `cargo bench -p engine`: the time of one step by kind of event, on 1,500 option contracts and 10,000 positions, and its ratio to a
//! valuation of the same ledger and quotes from nothing in the same run. Timings are for people: median and 99 % of many steps.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use book::Place;
use engine::{Engine, Event, FillEvent};
use instrument::{Contract, Specs, resolve};
use journal::{Event as _, Machine, Seq, Stamp};
use market::{Market, RawQuote};
use pricing::{Black76, OptionKind};
use risk::Valuation;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use units::{
    Account, Chain, Discount, FillId, Forward, Price, Quantity, Strike, Symbol, Timestamp, Venue, Vol,
};

const SPOT: f64 = 92_000.0;
const POSITIONS: usize = 10_000;
/// Events of a replay that are timed together.
const PIECE: usize = 100;
/// All within the window of the index, and enough of them for a 99 % that is not the worst.
const TICKS: i64 = 1_900;
const POLICY: &str = "source = 'bench'\nvalid_from = '2026-11-01'\n[[limit]]\nname = 'delta'\nmeasure = 'delta_cash_usd'\ngroup_by = ['underlying']\nwarn = '1e9'\nhard = '2e9'\n\
[[limit]]\nname = 'vega'\nmeasure = 'vega_usd_per_point'\ngroup_by = ['account']\nwarn = '1e9'\nhard = '2e9'\n";

fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Ten expiries of 75 strikes, calls and puts.
fn symbols() -> Vec<String> {
    let days = [
        "27NOV26", "4DEC26", "11DEC26", "18DEC26", "25DEC26", "29JAN27", "26FEB27", "26MAR27", "25JUN27",
        "24SEP27",
    ];
    let strikes = (0..75).map(|step| 40_000 + 1_500 * step);
    strikes
        .flat_map(|strike| {
            days.iter().flat_map(move |day| ["C", "P"].map(|kind| format!("BTC-{day}-{strike}-{kind}")))
        })
        .collect()
}

fn quote(symbol: &str, spot: f64, time: Timestamp) -> RawQuote {
    let venue = Venue::new("deribit").unwrap();
    let resolved = resolve(&venue, &Symbol::new(symbol).unwrap(), &Specs::embedded()).unwrap();
    let contract: &Contract = &resolved.legs[0].listing.contract;
    let row = RawQuote {
        row: 1,
        timestamp: Some(time),
        instrument_name: symbol.into(),
        index_price: Some(spot),
        ..RawQuote::default()
    };
    let instrument::Terms::Option { expiry, strike, kind } = &contract.terms else {
        return RawQuote { mark_price: Some(spot * 1.0004), ..row };
    };
    let black = Black76 {
        forward: Forward::new(spot * 1.004).unwrap(),
        strike: Strike::new(strike.to_string().parse().unwrap()).unwrap(),
        vol: Vol::new(0.55).unwrap(),
        expiry: start().years_until(*expiry).unwrap(),
        discount: Discount::new(1.0).unwrap(),
        kind: if *kind == OptionKind::Call { OptionKind::Call } else { OptionKind::Put },
    };
    let forward = Some(spot * 1.004);
    RawQuote {
        mark_price: Some(black.price() / (spot * 1.004)),
        mark_vol: Some(0.55),
        underlying_price: forward,
        ..row
    }
}

fn fill(number: usize, symbol: &str) -> Event {
    let place = Place {
        // Each contract comes to another account each time round.
        account: Account::new(&format!("account-{:04}", (number + 57 * (number / 1_500)) % 400)).unwrap(),
        venue: Venue::new("deribit").unwrap(),
        chain: Chain::new("offchain").unwrap(),
    };
    Event::Fill(FillEvent {
        order: None,
        block: None,
        id: FillId::new(&format!("f{number}")).unwrap(),
        place,
        symbol: Symbol::new(symbol).unwrap(),
        quantity: if number.is_multiple_of(2) { "2" } else { "-1.5" }.parse::<Quantity>().unwrap(),
        price: "0.05".parse::<Price>().unwrap(),
        fee: None,
        time: start(),
    })
}

/// Memory of this process in use; pages are of 4 KiB where this file exists.
fn resident_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

struct Bench {
    engine: Engine,
    seq: u64,
}

impl Bench {
    fn step(&mut self, time: Timestamp, event: &Event) -> f64 {
        self.seq += 1;
        let begun = Instant::now();
        black_box(self.engine.step(Stamp { seq: Seq::new(self.seq), time }, event));
        begun.elapsed().as_secs_f64()
    }
}

fn line(name: &str, mut seconds: Vec<f64>, baseline: f64) {
    seconds.sort_by(f64::total_cmp);
    let (median, tail) = (seconds[seconds.len() / 2], seconds[seconds.len() * 99 / 100]);
    println!(
        "{name:<58} median {:>9.1} us   99 % {:>9.1} us   {:>8.5} of a valuation from nothing",
        median * 1e6,
        tail * 1e6,
        median / baseline
    );
}

fn main() {
    let symbols = symbols();
    let mut bench = Bench { engine: Engine::new(Arc::new(Specs::embedded()), start()), seq: 0 };
    bench.step(start(), &Event::Policy { text: POLICY.into() });
    let mut rows: Vec<RawQuote> = symbols.iter().map(|symbol| quote(symbol, SPOT, start())).collect();
    rows.push(quote("BTC-PERPETUAL", SPOT, start()));
    bench.step(start(), &Event::Quotes { feed: "all".into(), rows });
    let mut history: Vec<Event> =
        (0..POSITIONS).map(|number| fill(number, &symbols[number % symbols.len()])).collect();
    let before = resident_bytes();
    for event in &history {
        bench.step(start(), event);
    }
    let after = resident_bytes();
    let held = bench.engine.ledger().positions().count();
    println!("{} contracts quoted, {held} positions in 400 accounts", symbols.len());
    assert!(held >= POSITIONS);
    match before.zip(after) {
        Some((before, after)) => {
            let grown = after.saturating_sub(before);
            println!(
                "memory: {} bytes per position, {} per account (growth of the process's resident set over the fills: ledger, ids of fills, \
                 views)",
                grown / held,
                grown / 400
            );
        }
        None => println!("memory: this system does not tell the resident set of a process"),
    }
    let from_nothing: Vec<f64> = (0..9)
        .map(|_| {
            let begun = Instant::now();
            let market = Market::build(bench.engine.quotes(), &BTreeMap::new());
            black_box(Valuation::new(&bench.engine.ledger().book(), &market).rows.len());
            begun.elapsed().as_secs_f64()
        })
        .collect();
    let mut sorted = from_nothing.clone();
    sorted.sort_by(f64::total_cmp);
    let baseline = sorted[sorted.len() / 2];
    line("ledger and quotes valued from nothing", from_nothing, baseline);

    let fills = (0..2_200).map(|i| fill(POSITIONS + i, &symbols[i * 13 % symbols.len()])).collect::<Vec<_>>();
    let (alone, beside) = fills.split_at(2_000);
    let seconds = alone.iter().map(|event| bench.step(start(), event)).collect();
    line("a fill", seconds, baseline);
    // Somebody has just taken a copy to look at: what the fill changes is no longer shared with it.
    let mut copies = Vec::new();
    let seconds = beside.iter().map(|event| {
        copies = vec![bench.engine.clone()];
        bench.step(start(), event)
    });
    line("a fill, the first after a copy of the engine", seconds.collect(), baseline);
    drop(copies);

    let mut ticks = |name: &str, symbol: &str, moves: f64| {
        let seconds = (1..=TICKS)
            .map(|i| {
                let time = start().plus_millis(if moves > 0.0 { 3_000 + i } else { i });
                #[allow(clippy::cast_precision_loss)]
                let spot = SPOT * (1.0 + moves * i as f64);
                let rows = vec![quote(symbol, spot, time)];
                bench.step(time, &Event::Quotes { feed: "tick".into(), rows })
            })
            .collect();
        line(name, seconds, baseline);
    };
    ticks("a quote of one option, at the same index", "BTC-25DEC26-91000-C", 0.0);
    // Three seconds on: the index of the perpetual is the only one of the last two.
    ticks("an index tick: a quote of the perpetual, all prices move", "BTC-PERPETUAL", 1e-5);

    let seconds =
        (1..=500).map(|i| bench.step(start().plus_millis(1_000 + i), &Event::Clock)).collect::<Vec<_>>();
    line("a clock: everything is valued at a new time", seconds, baseline);

    let explain = format!("{POLICY}[explain]\nevery_seconds = 1\n");
    bench.step(start(), &Event::Policy { text: explain });
    bench.step(start().plus_millis(10_000), &Event::Clock);
    let seconds =
        (1..=50).map(|i| bench.step(start().plus_millis(10_000 + 1_000 * i), &Event::Clock)).collect();
    line("a clock that ends an interval of [explain]", seconds, baseline);
    bench.step(start(), &Event::Policy { text: POLICY.into() });

    let text = margin::Rulebooks::embedded_text("deribit-pm").unwrap().to_owned();
    bench.step(start().plus_millis(70_000), &Event::Rulebook { file: "deribit-pm.toml".into(), text });
    let margins = format!("{POLICY}[margin]\nevery_seconds = 1\n");
    bench.step(start().plus_millis(70_000), &Event::Policy { text: margins });
    let seconds =
        (1..=50).map(|i| bench.step(start().plus_millis(70_000 + 1_000 * i), &Event::Clock)).collect();
    line("a clock that margins all accounts by [margin]", seconds, baseline);
    assert_eq!(bench.engine.margins().of().values().filter(|of| of.is_ok()).count(), 400);
    bench.step(start().plus_millis(120_000), &Event::Policy { text: POLICY.into() });

    let begun = Instant::now();
    let bytes = bench.engine.snapshot();
    println!("snapshot of {} bytes in {:.1} ms", bytes.len(), begun.elapsed().as_secs_f64() * 1e3);
    history.extend(fills);
    replay(&history);
}

/// Decoding and applying fills on an empty book without quotes: what a replay costs besides market data.
#[allow(clippy::cast_precision_loss)] // thousands
fn replay(fills: &[Event]) {
    let encoded: Vec<_> = fills
        .iter()
        .map(|event| {
            let mut payload = Vec::new();
            (event.encode(&mut payload), payload)
        })
        .collect();
    let mut engine = Engine::new(Arc::new(Specs::embedded()), start());
    // In pieces, so that the median is what a machine does that nobody else uses.
    let mut seq = 0;
    let mut seconds: Vec<f64> = encoded
        .chunks(PIECE)
        .map(|piece| {
            let begun = Instant::now();
            for (tag, payload) in piece {
                seq += 1;
                let event = Event::decode(*tag, payload).unwrap();
                black_box(engine.step(Stamp { seq: Seq::new(seq), time: start() }, &event));
            }
            begun.elapsed().as_secs_f64() / piece.len() as f64
        })
        .collect();
    let whole = seconds.len() as f64 / seconds.iter().sum::<f64>();
    seconds.sort_by(f64::total_cmp);
    let median = 1.0 / seconds[seconds.len() / 2];
    println!(
        "replay of fills without market data: {median:.0} events/s, median of pieces of {PIECE} ({whole:.0} over all {})",
        encoded.len()
    );
}
