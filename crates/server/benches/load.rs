//! `cargo bench -p server`: a book of 10,000 positions in 400 accounts over 1,500 contracts, 20 index ticks a second, 50 pages' worth of
//! sockets. How long from a tick's frame to each socket that has it, against the engine's own time for the tick; how much of a core
//! the server takes, and where; whether memory grows.
//!
//! The clock begins before the engine is copied into a frame and ends when a client has read the message; clients are another process
//! on the same machine, so that their reading and the kernel's copying are in it, but not their use of the server's memory.
//! `PLIMSOLL_SECONDS` sets how long it is watched, `PLIMSOLL_HOUR=1` adds an hour of simulated ticks as fast as they go,
//! `PLIMSOLL_SERVE=1` only serves, for a browser to look at, and prints the address.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use book::Place;
use engine::{Engine, Event, FillEvent};
use instrument::{Contract, Specs, resolve};
use journal::{Head, Seq, Stamp};
use market::RawQuote;
use pricing::{Black76, OptionKind};
use serde_json::json;
use server::{About, Listen, Mode, Publisher, Role, Secret, Server, Tokens};
use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Processor time in a `stat` file of the kernel, seconds; a hundred ticks of the clock a second where it exists.
fn processor_of(stat: &str) -> f64 {
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // After the state come ten numbers, then the ticks in user and kernel mode.
    (fields.get(10).copied().unwrap_or(0.0) + fields.get(11).copied().unwrap_or(0.0)) / 100.0
}

/// Of this process by the names of its threads.
fn processor_seconds() -> BTreeMap<String, f64> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut by_name: BTreeMap<String, f64> = BTreeMap::new();
    for stat in tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok()) {
        let name = stat.split(['(', ')']).nth(1).unwrap_or_default();
        let name = if name.starts_with("server") { "server" } else { "engine and pool" };
        *by_name.entry(name.to_owned()).or_default() += processor_of(&stat);
    }
    by_name
}

fn wall_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn open(address: &str) -> Socket {
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

/// View and record that a change is of, without reading all of it: every patch replaces the record, near its end.
fn record(text: &str) -> Option<(usize, u64)> {
    const PATHS: [&str; 2] = ["\"path\":\"/record\",\"value\":", "\"record\":"];
    let id = text.strip_prefix("{\"delta\":{\"id\":")?.split(',').next()?.parse().ok()?;
    let (at, path) = PATHS.iter().find_map(|path| Some((text.rfind(path)?, path)))?;
    let digits = text.get(at + path.len()..)?;
    Some((id, digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?))
}

/// What one client saw: of each change the view, the record and when.
#[derive(Default)]
struct Saw {
    changes: Vec<(usize, u64, u64)>,
    bytes: u64,
    wholes: u64,
}

fn client(mut socket: Socket, stop: &AtomicBool) -> Saw {
    let mut saw = Saw::default();
    while !stop.load(Ordering::Relaxed) {
        let Ok(Message::Text(text)) = socket.read() else { continue };
        let now = wall_nanos();
        saw.bytes += text.len() as u64;
        match record(&text) {
            Some((id, record)) => saw.changes.push((id, record, now)),
            None => saw.wholes += 1,
        }
    }
    saw
}

/// The other process: follows until its standard input says `stop`, prints what it saw, goes on until that ends.
fn clients(address: &str) {
    let stop = Arc::new(AtomicBool::new(false));
    let begin = |socket| {
        let stop = stop.clone();
        std::thread::spawn(move || client(socket, &stop))
    };
    let threads: Vec<_> = (0..SOCKETS).map(|_| begin(open(address))).collect();
    println!("open");
    let mut lines = std::io::stdin().lines();
    lines.next();
    let begun = std::fs::read_to_string("/proc/self/stat").map_or(0.0, |stat| processor_of(&stat));
    lines.next();
    let taken = std::fs::read_to_string("/proc/self/stat").map_or(0.0, |stat| processor_of(&stat)) - begun;
    stop.store(true, Ordering::Relaxed);
    let (mut bytes, mut wholes) = (0, 0);
    for saw in threads.into_iter().map(|thread| thread.join().unwrap()) {
        bytes += saw.bytes;
        wholes += saw.wholes;
        for (id, record, nanos) in saw.changes {
            println!("{id} {record} {nanos}");
        }
    }
    println!("end {bytes} {wholes} {taken}");
    if lines.next().is_some() {
        // The hour goes on with sockets that are read and not looked at.
        stop.store(false, Ordering::Relaxed);
        let again: Vec<_> = (0..SOCKETS).map(|_| begin(open(address))).collect();
        println!("open");
        lines.next();
        stop.store(true, Ordering::Relaxed);
        again.into_iter().for_each(|thread| drop(thread.join()));
    }
}

/// The clients' process, as this one sees it.
struct Watchers {
    child: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

/// What all clients saw.
#[derive(Default)]
struct Seen {
    changes: Vec<(usize, u64, u64)>,
    bytes: u64,
    wholes: u64,
    processor: f64,
}

impl Watchers {
    fn start(address: std::net::SocketAddr) -> Self {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .env("PLIMSOLL_CLIENTS_OF", address.to_string())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut watchers = Self { child, lines };
        watchers.heard();
        watchers
    }

    fn heard(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn say(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    /// Ends the watching, and asks what was seen.
    fn seen(&mut self) -> Seen {
        self.say("stop");
        let mut seen = Seen::default();
        loop {
            let line = self.heard();
            let mut words = line.split(' ');
            let first = words.next().unwrap();
            let mut number = || words.next().unwrap().parse::<f64>().unwrap() as u64;
            if first == "end" {
                (seen.bytes, seen.wholes) = (number(), number());
                seen.processor = line.rsplit(' ').next().unwrap().parse().unwrap();
                return seen;
            }
            let rest: Vec<u64> = line.split(' ').skip(1).map(|word| word.parse().unwrap()).collect();
            seen.changes.push((first.parse().unwrap(), rest[0], rest[1]));
        }
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
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

impl Desk {
    fn open(symbols: &[String]) -> Self {
        let mut desk = Self { engine: Engine::new(Arc::new(Specs::embedded()), start()), seq: 0, moves: 0 };
        desk.step(start(), &Event::Policy { text: POLICY.into() });
        let mut rows: Vec<RawQuote> = symbols.iter().map(|symbol| quote(symbol, SPOT, start())).collect();
        rows.push(quote("BTC-PERPETUAL", SPOT, start()));
        desk.step(start(), &Event::Snapshot { feed: "all".into(), rows });
        for number in 0..POSITIONS {
            desk.step(start(), &fill(number, &symbols[number % symbols.len()]));
        }
        desk
    }

    fn copies(&self) -> Vec<f64> {
        let copy = || {
            let begun = Instant::now();
            std::hint::black_box(self.engine.clone());
            begun.elapsed().as_secs_f64() * 1e3
        };
        (0..50).map(|_| copy()).collect()
    }

    /// Ticks in real time; says how long the engine took for each, milliseconds, and when each frame's making began.
    fn beat(&mut self, publisher: &mut Publisher, seconds: u64) -> (Vec<f64>, BTreeMap<u64, u64>) {
        let (from, begun) = (self.engine.now().plus_millis(1_000), Instant::now());
        let (mut ticks, mut made, mut due) = (Vec::new(), BTreeMap::new(), begun);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let time = from.plus_millis(i64::try_from(begun.elapsed().as_millis()).unwrap());
            let at = Instant::now();
            self.tick(time);
            ticks.push(at.elapsed().as_secs_f64() * 1e3);
            made.insert(self.seq, wall_nanos());
            publisher.publish_last(&self.engine, self.head());
            due += TICK;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        (ticks, made)
    }
}

fn main() {
    if let Ok(address) = std::env::var("PLIMSOLL_CLIENTS_OF") {
        return clients(&address);
    }
    let symbols = symbols();
    let mut desk = Desk::open(&symbols);
    let mut publisher = Publisher::new();
    let secret = Secret::random().unwrap();
    let tokens = Tokens::default().with("load", Role::Viewer, &secret);
    let listen = Listen { address: ([127, 0, 0, 1], 0).into(), hosts: vec![], tls: None, tokens };
    let about = About { name: "load".into(), mode: Mode::Paper, speed: None };
    let server = Server::start(listen, about, &publisher, (None, desk.engine.clone())).unwrap();
    publisher.publish_last(&desk.engine, desk.head());
    if std::env::var("PLIMSOLL_SERVE").is_ok() {
        eprintln!("load: {}/#token={}", server.url(), secret.reveal());
        desk.beat(&mut publisher, 36_000);
        return;
    }
    let copies = desk.copies();
    let mut watchers = Watchers::start(server.address);
    let seconds = std::env::var("PLIMSOLL_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20u64);
    desk.beat(&mut publisher, 2);
    let (memory, processor) = (resident_mib(), processor_seconds());
    watchers.say("begin");
    let (ticks, made) = desk.beat(&mut publisher, seconds);
    let after = processor_seconds();
    // The last frames would wait for newer ones that never come.
    desk.beat(&mut publisher, 1);
    let seen = watchers.seen();
    println!(
        "{POSITIONS} positions, {} contracts, {SOCKETS} sockets of {} views, {} ticks in {seconds} s",
        symbols.len(),
        VIEWS.len(),
        ticks.len()
    );
    report((ticks, copies), &made, &seen);
    let cores = |name: &str| {
        let of = |times: &BTreeMap<String, f64>| times.get(name).copied().unwrap_or(0.0);
        (of(&after) - of(&processor)) / seconds as f64
    };
    println!(
        "cores: server {:.2}, engine and pool {:.2}, clients {:.2}; memory {memory:.0} to {:.0} MiB",
        cores("server"),
        cores("engine and pool"),
        seen.processor / seconds as f64,
        resident_mib()
    );
    computing(server.address);
    if std::env::var("PLIMSOLL_HOUR").is_ok() {
        watchers.say("hour");
        watchers.heard();
        hour(&mut desk, &mut publisher);
    }
}

fn report((mut ticks, copies): (Vec<f64>, Vec<f64>), made: &BTreeMap<u64, u64>, seen: &Seen) {
    ticks.sort_by(f64::total_cmp);
    let baseline = percentile(&ticks, 50);
    line("a tick in the engine, at a new time", ticks, baseline);
    line("a copy of the engine: a frame", copies, baseline);
    let mut lags: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (id, record, nanos) in &seen.changes {
        // Those of before are of the time when all began.
        let Some(at) = made.get(record) else { continue };
        lags.entry(VIEWS[*id]).or_default().push(nanos.saturating_sub(*at) as f64 * 1e-6);
    }
    for (view, lags) in lags {
        line(&format!("from frame to socket: {view}"), lags, baseline);
    }
    println!(
        "messages {}, {:.0} bytes each, {} whole",
        seen.changes.len() as u64 + seen.wholes,
        seen.bytes as f64 / (seen.changes.len() as f64 + seen.wholes as f64),
        seen.wholes
    );
}

/// How long each view took to compute, by the server's own count.
fn computing(address: std::net::SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let of = |what: &str, view: &str| -> f64 {
        let name = format!("plimsoll_view_seconds_{what}{{view=\"{view}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(f64::NAN)
    };
    let mean = |view: &&str| format!("{view} {:.1}", of("sum", view) / of("count", view) * 1e3);
    println!("computing, mean, ms: {}", VIEWS.iter().map(mean).collect::<Vec<_>>().join(", "));
}

/// Simulated minutes before the hour, in which what is kept for replays and history fills up to its bounds.
const BEFORE: i64 = 20;

/// An hour of ticks as fast as they go, the sockets watching: memory every ten minutes of it.
fn hour(desk: &mut Desk, publisher: &mut Publisher) {
    let from = desk.engine.now();
    let mut memory = Vec::new();
    for minute in -BEFORE..60 {
        for tick in 0..1_200 {
            desk.tick(from.plus_millis(50 * ((minute + BEFORE) * 1_200 + tick + 1)));
            publisher.publish(&desk.engine, desk.head());
        }
        if minute >= 0 {
            memory.push(resident_mib());
        }
        if (minute + 1) % 10 == 0 {
            println!("after {:>3} simulated minutes: {:.0} MiB", minute + 1, resident_mib());
        }
    }
    let mean = |minutes: &[f64]| minutes.iter().sum::<f64>() / minutes.len() as f64;
    let (first, last) = (mean(&memory[..15]), mean(&memory[45..]));
    println!(
        "memory, mean: first quarter of the hour {first:.0} MiB, last {last:.0} MiB, ratio {:.3}",
        last / first
    );
}
