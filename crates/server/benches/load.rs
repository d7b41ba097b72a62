//! `cargo bench -p server`: a book of 10,000 positions in 400 accounts over 1,500 contracts, 20 index ticks a second, 50 pages' worth of
//! sockets. How long from a tick's frame to the last socket that has it, against the engine's own time for the tick; how much of a core
//! the server takes; whether memory grows. `PLIMSOLL_SECONDS` sets how long it is watched, `PLIMSOLL_HOUR=1` adds an hour of simulated
//! ticks as fast as they go.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use book::Place;
use engine::{Engine, Event, FillEvent};
use instrument::{Contract, Specs, resolve};
use journal::{Head, Seq, Stamp};
use market::RawQuote;
use pricing::{Black76, OptionKind};
use serde_json::{Value, json};
use server::{About, Listen, Mode, Publisher, Server, Tokens};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};
use units::{
    Account, Chain, Discount, FillId, Forward, Price, Quantity, Strike, Symbol, Timestamp, Venue, Vol,
};

const SPOT: f64 = 92_000.0;
const POSITIONS: usize = 10_000;
const SOCKETS: usize = 50;
const TICK: Duration = Duration::from_millis(50);
/// What a page shows on its first screen.
const VIEWS: [&str; 5] = ["overview", "exposure", "margin", "proposals", "alerts"];
const POLICY: &str = "source = 'bench'\nvalid_from = '2026-11-01'\n[[limit]]\nname = 'delta'\nmeasure = 'delta_cash_usd'\ngroup_by = ['underlying']\nwarn = '1e9'\nhard = '2e9'\n\
[[limit]]\nname = 'vega'\nmeasure = 'vega_usd_per_point'\ngroup_by = ['venue']\nwarn = '1e9'\nhard = '2e9'\n";

fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

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
    RawQuote {
        mark_price: Some(black.price() / (spot * 1.004)),
        mark_vol: Some(0.55),
        underlying_price: Some(spot * 1.004),
        ..row
    }
}

fn fill(number: usize, symbol: &str) -> Event {
    let place = Place {
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
fn resident_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages as f64 * 4096.0 / (1 << 20) as f64
}

/// Processor time of the threads of this name, seconds; a hundred ticks of the clock a second where this file exists.
fn processor_seconds(name: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let named = stats.filter(|stat| stat.contains(&format!("({name})")));
    named
        .map(|stat| {
            let after = stat.rsplit(')').next().unwrap_or_default();
            let fields: Vec<f64> = after.split_whitespace().filter_map(|field| field.parse().ok()).collect();
            // After the state come ten numbers, then the ticks in user and kernel mode.
            (fields.get(10).copied().unwrap_or(0.0) + fields.get(11).copied().unwrap_or(0.0)) / 100.0
        })
        .sum()
}

/// When each record's frame was made, for the clients to compare with.
type Made = Mutex<BTreeMap<u64, Instant>>;

#[derive(Default)]
struct Seen {
    /// Milliseconds from frame to client, by view.
    lags: Mutex<BTreeMap<&'static str, Vec<f64>>>,
    messages: AtomicU64,
    bytes: AtomicU64,
    wholes: AtomicU64,
}

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn open(address: std::net::SocketAddr) -> Socket {
    let (mut socket, _) = tungstenite::connect(format!("ws://{address}/v1/live")).unwrap();
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    }
    for (id, view) in VIEWS.iter().enumerate() {
        let text = json!({"subscribe": {"id": id, "view": view}}).to_string();
        socket.send(Message::Text(text.into())).unwrap();
    }
    socket
}

/// The record that an update is of: every patch replaces it.
fn record(text: &str) -> Option<(usize, u64)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let delta = &value["delta"];
    let id = usize::try_from(delta["id"].as_u64()?).ok()?;
    let operations = delta["patch"].as_array()?;
    let record = operations.iter().find(|operation| operation["path"] == "/record")?;
    Some((id, record["value"].as_u64()?))
}

fn client(mut socket: Socket, made: &Made, seen: &Seen, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Ok(Message::Text(text)) = socket.read() else { continue };
        let now = Instant::now();
        seen.messages.fetch_add(1, Ordering::Relaxed);
        seen.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        let Some((id, record)) = record(&text) else {
            seen.wholes.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        if let Some(at) = made.lock().unwrap().get(&record) {
            let lag = now.duration_since(*at).as_secs_f64() * 1e3;
            seen.lags.lock().unwrap().entry(VIEWS[id]).or_default().push(lag);
        }
    }
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).or(sorted.last()).copied().unwrap_or(f64::NAN)
}

fn line(name: &str, mut millis: Vec<f64>, baseline: f64) {
    millis.sort_by(f64::total_cmp);
    let (median, tail) = (percentile(&millis, 50), percentile(&millis, 99));
    println!(
        "{name:<44} median {median:>8.2} ms   99 % {tail:>8.2} ms   {:>8.1} ticks of the engine",
        median / baseline
    );
}

struct Desk {
    engine: Engine,
    seq: u64,
    moves: u32,
}

impl Desk {
    fn step(&mut self, time: Timestamp, event: &Event) {
        self.seq += 1;
        self.engine.apply(Stamp { seq: Seq::new(self.seq), time }, event);
    }

    /// A quote of the perpetual with another index, so that every price moves.
    fn tick(&mut self, time: Timestamp) {
        self.moves += 1;
        let spot = SPOT * (1.0 + 1e-4 * f64::from(self.moves % 100));
        let rows = vec![quote("BTC-PERPETUAL", spot, time)];
        self.step(time, &Event::Snapshot { feed: "tick".into(), rows });
    }

    fn head(&self) -> Head {
        Head { seq: Seq::new(self.seq), chain: journal::Digest::of_state(&self.seq.to_le_bytes()) }
    }
}

fn main() {
    let symbols = symbols();
    let mut desk = Desk { engine: Engine::new(Arc::new(Specs::embedded()), start()), seq: 0, moves: 0 };
    desk.step(start(), &Event::Policy { text: POLICY.into() });
    let mut rows: Vec<RawQuote> = symbols.iter().map(|symbol| quote(symbol, SPOT, start())).collect();
    rows.push(quote("BTC-PERPETUAL", SPOT, start()));
    desk.step(start(), &Event::Snapshot { feed: "all".into(), rows });
    for number in 0..POSITIONS {
        desk.step(start(), &fill(number, &symbols[number % symbols.len()]));
    }
    let copies: Vec<f64> = (0..50)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(desk.engine.clone());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let mut publisher = Publisher::new();
    let listen =
        Listen { address: ([127, 0, 0, 1], 0).into(), hosts: vec![], tls: None, tokens: Tokens::default() };
    let about = About { name: "load".into(), mode: Mode::Paper, speed: None };
    let server = Server::start(listen, about, &publisher, (None, desk.engine.clone())).unwrap();
    publisher.publish_last(&desk.engine, desk.head());

    let (made, seen, stop) =
        (Arc::new(Made::default()), Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..SOCKETS)
        .map(|_| {
            let (socket, made, seen, stop) = (open(server.address), made.clone(), seen.clone(), stop.clone());
            std::thread::Builder::new()
                .name("client".into())
                .spawn(move || client(socket, &made, &seen, &stop))
                .unwrap()
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    let seconds = std::env::var("PLIMSOLL_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20u64);
    let (memory, processor) = (resident_mib(), processor_seconds("server"));
    let begun = Instant::now();
    let mut ticks = Vec::new();
    let mut due = begun;
    while begun.elapsed() < Duration::from_secs(seconds) {
        let time = start().plus_millis(1_000 + i64::try_from(begun.elapsed().as_millis()).unwrap());
        let at = Instant::now();
        desk.tick(time);
        ticks.push(at.elapsed().as_secs_f64() * 1e3);
        made.lock().unwrap().insert(desk.seq, Instant::now());
        publisher.publish_last(&desk.engine, desk.head());
        due += TICK;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let taken = begun.elapsed().as_secs_f64();
    let processor = processor_seconds("server") - processor;
    println!(
        "{POSITIONS} positions, {} contracts, {SOCKETS} sockets of {} views, {} ticks in {taken:.0} s",
        symbols.len(),
        VIEWS.len(),
        ticks.len()
    );
    ticks.sort_by(f64::total_cmp);
    let baseline = percentile(&ticks, 50);
    line("a tick in the engine, at a new time", ticks, baseline);
    line("a copy of the engine: a frame", copies, baseline);
    for (view, lags) in seen.lags.lock().unwrap().iter() {
        line(&format!("from frame to socket: {view}"), lags.clone(), baseline);
    }
    println!(
        "messages {:.0} a second, {:.0} bytes each, {} whole; server {:.2} cores; memory {memory:.0} to {:.0} MiB",
        seen.messages.load(Ordering::Relaxed) as f64 / taken,
        seen.bytes.load(Ordering::Relaxed) as f64 / seen.messages.load(Ordering::Relaxed).max(1) as f64,
        seen.wholes.load(Ordering::Relaxed),
        processor / taken,
        resident_mib()
    );
    if std::env::var("PLIMSOLL_HOUR").is_ok() {
        hour(&mut desk, &mut publisher);
    }
    stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
}

/// An hour of ticks as fast as they go, the sockets watching: memory every ten minutes of it.
fn hour(desk: &mut Desk, publisher: &mut Publisher) {
    let from = desk.engine.now();
    for tick in 0..72_000 {
        desk.tick(from.plus_millis(50 * (tick + 1)));
        publisher.publish(&desk.engine, desk.head());
        if (tick + 1) % 12_000 == 0 {
            println!("after {:>2} simulated minutes: {:.0} MiB", (tick + 1) / 1_200, resident_mib());
        }
    }
}
