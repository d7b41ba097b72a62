//! A small market and a trader, drawn from a seed: what happens next is an event like those of a venue.

use book::Place;
use engine::{CashEvent, CashKind, Event, FillEvent};
use market::RawQuote;
use pricing::{Black76, OptionKind};
use units::{
    Account, Asset, Chain, Discount, FillId, Forward, Money, Price, Quantity, Strike, Symbol, Timestamp,
    Venue, Vol,
};

/// SplitMix64: a published generator, so that a seed means the same everywhere.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// From -1 to 1.
    #[allow(clippy::cast_precision_loss)]
    fn signed(&mut self) -> f64 {
        self.below(2_000_001) as f64 / 1e6 - 1.0
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub(crate) fn place(account: &str, venue: &str) -> Place {
    Place {
        account: Account::new(account).unwrap(),
        venue: Venue::new(venue).unwrap(),
        chain: Chain::new("offchain").unwrap(),
    }
}

/// (venue, symbol, kind of price)
const TRADED: [(&str, &str); 8] = [
    ("deribit", "BTC-PERPETUAL"),
    ("deribit", "BTC-25DEC26-90000-C"),
    ("deribit", "BTC-25DEC26-100000-C"),
    ("deribit", "BTC-21NOV26-90000-P"),
    ("deribit", "ETH-PERPETUAL"),
    ("deribit", "ETH-25DEC26-3000-P"),
    ("okx", "BTC-USDT-SWAP"),
    ("deribit", "BTC_USDC-PERPETUAL"),
];

/// Prices of the world; quotes are drawn from them.
pub(crate) struct World {
    pub(crate) draw: Draw,
    pub(crate) now: Timestamp,
    spot: [f64; 2],
    vol: f64,
    fills: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self { draw: Draw::new(seed), now: start(), spot: [92_000.0, 3_100.0], vol: 0.5, fills: 0 }
    }

    /// Puts the price of BTC somewhere.
    pub(crate) const fn set_btc(&mut self, usd: f64) {
        self.spot[0] = usd;
    }

    /// Puts all vols somewhere.
    pub(crate) const fn set_vol(&mut self, vol: f64) {
        self.vol = vol;
    }

    fn spot_of(&self, symbol: &str) -> f64 {
        self.spot[usize::from(symbol.starts_with("ETH"))]
    }

    /// The quote of an instrument at the world's prices, in the unit of its venue.
    pub(crate) fn quote(&self, venue: &str, symbol: &str) -> RawQuote {
        let spot = self.spot_of(symbol);
        let mark = self.mark(venue, symbol);
        let mark_vol = (symbol.ends_with("-C") || symbol.ends_with("-P")).then_some(self.vol);
        RawQuote {
            row: 1,
            timestamp: Some(self.now),
            venue: Some(venue.into()),
            instrument_name: symbol.into(),
            mark_price: Some(mark),
            mark_vol,
            underlying_price: mark_vol.map(|_| spot * 1.003),
            index_price: Some(spot),
            ..RawQuote::default()
        }
    }

    fn mark(&self, venue: &str, symbol: &str) -> f64 {
        let spot = self.spot_of(symbol);
        let parts: Vec<&str> = symbol.split('-').collect();
        let [_, day, strike, kind] = parts[..] else { return spot * 1.0005 };
        if venue != "deribit" {
            return spot * 1.0005;
        }
        let expiry: Timestamp =
            if day == "21NOV26" { "2026-11-21T08:00:00Z" } else { "2026-12-25T08:00:00Z" }.parse().unwrap();
        let years = self.now.years_until(expiry).unwrap();
        if years.is_expired() {
            return 0.0;
        }
        let forward = spot * 1.003;
        let black = Black76 {
            forward: Forward::new(forward).unwrap(),
            strike: Strike::new(strike.parse().unwrap()).unwrap(),
            vol: Vol::new(self.vol).unwrap(),
            expiry: years,
            discount: Discount::new(1.0).unwrap(),
            kind: if kind == "C" { OptionKind::Call } else { OptionKind::Put },
        };
        black.price() / forward
    }

    /// Quotes of everything traded, and a spot pair for the rate of USDC.
    pub(crate) fn all_quotes(&self) -> Event {
        let mut rows: Vec<RawQuote> =
            TRADED.iter().map(|(venue, symbol)| self.quote(venue, symbol)).collect();
        rows.push(RawQuote {
            timestamp: Some(self.now),
            instrument_name: "BTC_USDC".into(),
            mark_price: Some(self.spot[0] * 1.0002),
            ..RawQuote::default()
        });
        Event::Quotes { feed: "all".into(), rows }
    }

    fn moved(&mut self) {
        let shock = if self.draw.below(50) == 0 { 0.15 } else { 0.002 };
        for spot in 0..2 {
            self.spot[spot] *= 1.0 + shock * self.draw.signed();
        }
        self.vol = (self.vol + 0.01 * self.draw.signed()).clamp(0.1, 3.0);
    }

    fn some_quotes(&mut self) -> Event {
        self.moved();
        let count = 1 + self.draw.below(3);
        let mut rows = Vec::new();
        for row in 0..count {
            let (venue, symbol) = *self.draw.pick(&TRADED);
            // Time goes on a little from row to row, so that no two rows of an instrument have one time.
            self.now = self.now.plus_millis(1);
            rows.push(RawQuote { row: row + 1, ..self.quote(venue, symbol) });
        }
        // Now and then a row that breaks a rule, or one that comes late.
        match self.draw.below(12) {
            0 => rows.push(RawQuote { mark_price: Some(f64::NAN), ..self.quote("deribit", "BTC-PERPETUAL") }),
            1 => rows.push(RawQuote { timestamp: Some(start()), ..self.quote("deribit", "ETH-PERPETUAL") }),
            2 => rows.push(RawQuote { instrument_name: "BTC-31FEB26".into(), ..RawQuote::default() }),
            _ => {}
        }
        Event::Quotes { feed: "ticks".into(), rows }
    }

    pub(crate) fn fill_of(&mut self, venue: &str, symbol: &str, quantity: i64) -> FillEvent {
        self.fills += 1;
        let price = format!("{:.4}", self.mark(venue, symbol));
        let fee = self.draw.below(2) == 0;
        let asset =
            Asset::new(if symbol.contains("USD") && symbol != "BTC-PERPETUAL" { "USDT" } else { "BTC" });
        FillEvent {
            order: None,
            block: None,
            id: FillId::new(&format!("f{}", self.fills)).unwrap(),
            place: place(if self.draw.below(3) == 0 { "b" } else { "a" }, venue),
            symbol: Symbol::new(symbol).unwrap(),
            quantity: quantity.to_string().parse::<Quantity>().unwrap(),
            price: price.parse::<Price>().unwrap(),
            fee: fee.then(|| Money::parse("0.0003", asset.unwrap()).unwrap()),
            time: self.now,
        }
    }

    fn fill(&mut self) -> Event {
        let (venue, symbol) = *self.draw.pick(&TRADED);
        let sign = if self.draw.below(2) == 0 { 1 } else { -1 };
        let size = match symbol {
            "BTC-PERPETUAL" | "ETH-PERPETUAL" => 10 * (1 + self.draw.below(2_000)),
            _ => 1 + self.draw.below(12),
        };
        let mut fill = self.fill_of(venue, symbol, sign * i64::try_from(size).unwrap());
        match self.draw.below(25) {
            0 => fill.id = FillId::new("f1").unwrap(),
            1 => fill.symbol = Symbol::new("BTC-NOTHING").unwrap(),
            _ => {}
        }
        Event::Fill(fill)
    }

    fn cash(&mut self) -> Event {
        let venue = *self.draw.pick(&["deribit", "okx", "wallet"]);
        let asset = *self.draw.pick(&["BTC", "ETH", "USDC", "USDT", "DOGE"]);
        let sign = if self.draw.below(3) == 0 { "-" } else { "" };
        let amount = format!("{sign}{}.{:02}", 1 + self.draw.below(40), self.draw.below(100));
        let money = Money::parse(&amount, Asset::new(asset).unwrap()).unwrap();
        let kind = match self.draw.below(4) {
            0 => CashKind::Transfer { to: place("a", "wallet") },
            1 => CashKind::Funding { symbol: Symbol::new("BTC-PERPETUAL").unwrap() },
            _ => CashKind::Deposit,
        };
        Event::Cash(CashEvent { place: place("a", venue), money, kind, time: self.now })
    }

    /// What happens next; clocks pass by seconds, now and then by hours.
    pub(crate) fn next(&mut self) -> Event {
        match self.draw.below(20) {
            0..8 => self.some_quotes(),
            8..14 => self.fill(),
            14..16 => self.cash(),
            16 if self.draw.below(10) == 0 => {
                let price = format!("{:.2}", self.spot[0]).parse::<Price>().unwrap();
                let symbol = Symbol::new("BTC-25DEC26-90000-C").unwrap();
                Event::Settle { venue: Venue::new("deribit").unwrap(), symbol, price, time: self.now }
            }
            17 if self.draw.below(10) == 0 => self.all_quotes(),
            _ => {
                let millis = if self.draw.below(30) == 0 { 7_200_000 } else { 1_000 };
                self.now = self.now.plus_millis(millis);
                Event::Clock
            }
        }
    }
}
