//! The sample market: one `get_book_summary_by_currency` answer for BTC and ETH together.
//!
//! | step | rule |
//! |---|---|
//! | index S | the coin's level moved by up to 1.5 %, to the cent |
//! | forward F | S exp(r T), to the cent; carry r rises with T: contango |
//! | vol | SSVI slice ([`super::smile`]) to 0.01 point; a row is priced from the printed vol and forward, not from finer ones |
//! | mark | Black-76 V/F in coin, 6 decimals |
//! | bid, ask | mark less and plus a drawn number of vol points times vega, outwards to the tick; none below one tick |
//! | greeks | on BTC rows: Deribit's convention, 5 decimals. The real summary has none; its tickers do |
//!
//! One row lies: mark, bid, ask and greeks of [`STALE`] are those of a forward [`STALE_LAG`] lower, under a fresh time and
//! forward. Its vol is right, so recomputing its figures must show the break, and nothing else may. Prices of inverse
//! contracts are in coin for options, in USD for futures and perpetuals.

use super::certain;
use super::seed::Seed;
use super::smile::{Shape, Smile};
use instrument::expiry_text;
use pricing::{Black76, kernel, venue};
use serde::Serialize;
use units::{Discount, Forward, OptionKind, Strike, Timestamp, Vol, YearFraction};

/// 2026-11-20T12:00:00Z, a Friday, four hours after that day's expiry.
pub(super) const AS_OF_MILLIS: i64 = 1_795_176_000_000;
const DAY_MILLIS: i64 = 86_400_000;
/// Contracts settle at 08:00 UTC.
const FROM_SETTLEMENT_TO_NOON_MILLIS: i64 = 4 * 3_600_000;
/// The row whose figures lag.
pub(super) const STALE: &str = "BTC-26MAR27-110000-C";
/// By how much of the forward.
const STALE_LAG: f64 = 0.03;

/// A settlement day and whether a future is listed for it; without one the forward is synthetic.
struct Listed {
    days_ahead: i64,
    future: Future,
}

#[derive(PartialEq)]
enum Future {
    Listed,
    Synthetic,
}

/// Fridays: 27NOV26, 25DEC26, 29JAN27, 26MAR27, 25JUN27.
const EXPIRIES: [Listed; 5] = [
    Listed { days_ahead: 7, future: Future::Listed },
    Listed { days_ahead: 35, future: Future::Listed },
    Listed { days_ahead: 70, future: Future::Synthetic },
    Listed { days_ahead: 126, future: Future::Listed },
    Listed { days_ahead: 217, future: Future::Listed },
];

/// The two perpetuals of each coin.
#[derive(Clone, Copy)]
enum Perpetual {
    /// Paid in the coin.
    Inverse,
    /// Paid in USDC.
    Usdc,
}

/// Whether rows carry greeks.
#[derive(Debug, PartialEq)]
pub(super) enum Greeks {
    Published,
    Absent,
}

/// What is fixed about a coin before the seed moves it.
#[derive(Debug)]
pub(super) struct Coin {
    pub(super) name: &'static str,
    index_usd: f64,
    /// Vol points at the money of the shortest and of a far expiry.
    vol_points_near: f64,
    vol_points_far: f64,
    pub(super) shape: Shape,
    greeks: Greeks,
    /// Typical open interest of one option and the step of amounts, coins.
    open_interest: f64,
    amount_decimals: usize,
    /// Strikes of each of [`EXPIRIES`].
    strikes: [&'static [u32]; EXPIRIES.len()],
}

pub(super) const COINS: [Coin; 2] = [
    Coin {
        name: "BTC",
        index_usd: 92_000.0,
        vol_points_near: 41.0,
        vol_points_far: 50.0,
        shape: Shape { skew: -0.3, wings: 0.6 },
        greeks: Greeks::Published,
        open_interest: 900.0,
        amount_decimals: 1,
        strikes: [
            &[70000, 80000, 84000, 86000, 88000, 90000, 92000, 94000, 96000, 100_000, 104_000, 114_000],
            &[70000, 75000, 80000, 85000, 88000, 90000, 92000, 95000, 100_000, 105_000, 110_000, 120_000],
            &[60000, 70000, 75000, 80000, 85000, 90000, 95000, 100_000, 105_000, 110_000, 120_000, 130_000],
            &[50000, 60000, 70000, 80000, 85000, 90000, 95000, 100_000, 110_000, 120_000, 130_000, 150_000],
            &[
                50000, 60000, 70000, 80000, 90000, 100_000, 110_000, 120_000, 130_000, 140_000, 160_000,
                180_000,
            ],
        ],
    },
    Coin {
        name: "ETH",
        index_usd: 3_150.0,
        vol_points_near: 61.0,
        vol_points_far: 69.0,
        shape: Shape { skew: -0.18, wings: 0.6 },
        greeks: Greeks::Absent,
        open_interest: 9_000.0,
        amount_decimals: 0,
        strikes: [
            &[2200, 2500, 2700, 2900, 3000, 3100, 3200, 3300, 3400, 3500, 3800, 4400],
            &[2200, 2400, 2600, 2800, 3000, 3100, 3200, 3300, 3500, 3700, 4000, 4500],
            &[2000, 2200, 2500, 2800, 3000, 3200, 3400, 3600, 3800, 4000, 4500, 5000],
            &[1800, 2000, 2400, 2700, 3000, 3200, 3500, 4000, 4500, 5000, 5500, 6000],
            &[1500, 2000, 2500, 2800, 3000, 3500, 4000, 4500, 5000, 6000, 7000, 8000],
        ],
    },
];

#[derive(Serialize)]
struct OptionRow {
    instrument_name: String,
    base_currency: &'static str,
    quote_currency: &'static str,
    mark_price: f64,
    mark_iv: f64,
    bid_price: Option<f64>,
    ask_price: Option<f64>,
    mid_price: Option<f64>,
    underlying_price: f64,
    underlying_index: String,
    estimated_delivery_price: f64,
    interest_rate: f64,
    open_interest: f64,
    volume: f64,
    creation_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeks: Option<GreeksRow>,
}

#[derive(Serialize)]
struct GreeksRow {
    delta: f64,
    gamma: f64,
    vega: f64,
    theta: f64,
    rho: f64,
}

#[derive(Serialize)]
struct FutureRow {
    instrument_name: String,
    base_currency: &'static str,
    quote_currency: &'static str,
    mark_price: f64,
    bid_price: f64,
    ask_price: f64,
    mid_price: f64,
    estimated_delivery_price: f64,
    open_interest: f64,
    volume: f64,
    creation_timestamp: i64,
    #[serde(flatten)]
    funding: Option<Funding>,
}

#[derive(Serialize)]
struct Funding {
    current_funding: f64,
    funding_8h: f64,
}

#[derive(Serialize)]
struct SpotRow {
    instrument_name: &'static str,
    base_currency: &'static str,
    quote_currency: &'static str,
    mark_price: f64,
    creation_timestamp: i64,
}

/// Spot pairs: from them the report takes the USD rates of the stablecoins.
fn spot_rows(seed: &Seed) -> Vec<String> {
    let usdc_usd = 1.0 - f64::from(seed.draw("USDC discount", 0..=30)) * 1e-5;
    let usdt_usd = 1.0 - f64::from(seed.draw("USDT discount", 0..=60)) * 1e-5;
    let pair = |instrument_name, base_currency, quote_currency, mark_price| {
        line(&SpotRow {
            instrument_name,
            base_currency,
            quote_currency,
            mark_price,
            creation_timestamp: AS_OF_MILLIS,
        })
    };
    let index_of = |coin: &'static Coin| State::new(coin, seed).index;
    let [btc, eth] = COINS.each_ref().map(index_of);
    vec![
        pair("BTC_USDC", "BTC", "USDC", rounded(btc / usdc_usd, 2)),
        pair("ETH_USDC", "ETH", "USDC", rounded(eth / usdc_usd, 2)),
        pair("USDC_USDT", "USDC", "USDT", rounded(usdc_usd / usdt_usd, 6)),
    ]
}

/// The whole answer, one row a line.
pub(super) fn json(seed: &Seed) -> String {
    let mut rows: Vec<String> = COINS.iter().flat_map(|coin| State::new(coin, seed).rows()).collect();
    rows.extend(spot_rows(seed));
    format!("{{\"jsonrpc\":\"2.0\",\"result\":[\n{}\n],\"testnet\":false}}\n", rows.join(",\n"))
}

/// One coin under one seed.
struct State<'a> {
    coin: &'static Coin,
    seed: &'a Seed,
    index: f64,
}

/// A future's price and how much of the trade it draws.
struct Size {
    mark_price: f64,
    share: f64,
}

/// One expiry of it.
struct Slice {
    days_ahead: i64,
    name: String,
    future: &'static Future,
    expiry: YearFraction,
    forward: f64,
    smile: Smile,
}

impl<'a> State<'a> {
    fn new(coin: &'static Coin, seed: &'a Seed) -> Self {
        let moved = f64::from(seed.draw(&format!("{} index", coin.name), -15_000..=15_000)) * 1e-6;
        Self { coin, seed, index: rounded(coin.index_usd * (1.0 + moved), 2) }
    }

    fn draw(&self, what: &str, range: std::ops::RangeInclusive<i32>) -> f64 {
        f64::from(self.seed.draw(&format!("{} {what}", self.coin.name), range))
    }

    fn rows(&self) -> Vec<String> {
        let mut rows = [Perpetual::Inverse, Perpetual::Usdc].map(|kind| self.perpetual(kind)).to_vec();
        for (listed, strikes) in EXPIRIES.iter().zip(self.coin.strikes) {
            let slice = self.slice(listed);
            if slice.future == &Future::Listed {
                rows.push(self.dated(&slice));
            }
            for strike in strikes {
                rows.extend(
                    [OptionKind::Call, OptionKind::Put].map(|kind| self.option(&slice, *strike, kind)),
                );
            }
        }
        rows
    }

    fn slice(&self, listed: &'static Listed) -> Slice {
        let now = certain(Timestamp::from_unix_millis(AS_OF_MILLIS));
        let settles = now.plus_millis(listed.days_ahead * DAY_MILLIS - FROM_SETTLEMENT_TO_NOON_MILLIS);
        let expiry = certain(now.years_until(settles));
        let (years, name) = (expiry.get(), expiry_text(settles));
        // From the near to the far level, half of the way after 0.2 years.
        let far_share = years / (years + 0.2);
        let level = self.draw("vol level", -150..=150) + self.draw(&format!("{name} vol"), -30..=30);
        let Coin { vol_points_near: near, vol_points_far: far, shape, .. } = *self.coin;
        let vol_at_the_money = (near + (far - near) * far_share + level * 0.01) * 0.01;
        let carry = 0.048 + 0.02 * far_share + self.draw(&format!("{name} carry"), -20..=20) * 1e-4;
        Slice {
            days_ahead: listed.days_ahead,
            name,
            future: &listed.future,
            expiry,
            forward: rounded(self.index * kernel::exp(carry * years), 2),
            smile: Smile { shape, vol_at_the_money, years },
        }
    }

    fn option(&self, slice: &Slice, strike: u32, kind: OptionKind) -> String {
        let letter = match kind {
            OptionKind::Call => 'C',
            OptionKind::Put => 'P',
        };
        let name = format!("{}-{}-{strike}-{letter}", self.coin.name, slice.name);
        let mark_iv = rounded(slice.smile.vol(f64::from(strike) / slice.forward) * 100.0, 2);
        let lag = if name == STALE { STALE_LAG } else { 0.0 };
        let black = Black76 {
            forward: certain(Forward::new(slice.forward * (1.0 - lag))),
            strike: certain(Strike::new(f64::from(strike))),
            vol: certain(Vol::new(mark_iv / 100.0)),
            expiry: slice.expiry,
            discount: certain(Discount::new(1.0)),
            kind,
        };
        let half_spread_points = self.seed.draw(&format!("{name} spread"), 30..=90);
        let quote = Quote::new(&black, f64::from(half_spread_points) * 0.01);
        let prefix = if slice.future == &Future::Listed { "" } else { "SYN." };
        let near_the_money = 1.0 / (1.0 + 30.0 * square(kernel::ln(f64::from(strike) / slice.forward)));
        let busy = self.coin.open_interest * near_the_money * 0.01;
        let drawn = |what: &str, range| f64::from(self.seed.draw(&format!("{name} {what}"), range));
        line(&OptionRow {
            base_currency: self.coin.name,
            quote_currency: self.coin.name,
            mark_price: quote.mark,
            mark_iv,
            bid_price: quote.bid,
            ask_price: Some(quote.ask),
            mid_price: quote.bid.map(|bid| rounded(0.5 * (bid + quote.ask), 6)),
            underlying_price: slice.forward,
            underlying_index: format!("{prefix}{}-{}", self.coin.name, slice.name),
            estimated_delivery_price: self.index,
            interest_rate: 0.0,
            open_interest: rounded(busy * drawn("open interest", 20..=180), self.coin.amount_decimals),
            volume: rounded(busy * drawn("volume", 0..=12), self.coin.amount_decimals),
            creation_timestamp: AS_OF_MILLIS,
            greeks: (self.coin.greeks == Greeks::Published).then(|| GreeksRow::new(&black)),
            instrument_name: name,
        })
    }

    fn dated(&self, slice: &Slice) -> String {
        // The quarter ends carry most of the open interest.
        let share = if slice.days_ahead > 100 { 3.0 } else { 1.0 };
        line(
            &self.future(
                format!("{}-{}", self.coin.name, slice.name),
                Size { mark_price: slice.forward, share },
            ),
        )
    }

    fn perpetual(&self, kind: Perpetual) -> String {
        let (name, quote_currency, share) = match kind {
            Perpetual::Inverse => (format!("{}-PERPETUAL", self.coin.name), "USD", 8.0),
            Perpetual::Usdc => (format!("{}_USDC-PERPETUAL", self.coin.name), "USDC", 1.0),
        };
        let drawn = |what: &str, range| f64::from(self.seed.draw(&format!("{name} {what}"), range));
        let mark_price = rounded(self.index * (1.0 + drawn("premium", -20..=60) * 1e-5), 2);
        let funding = Funding {
            current_funding: rounded(drawn("funding", 0..=900) * 1e-8, 8),
            funding_8h: rounded(drawn("funding of 8 hours", 2000..=9000) * 1e-8, 8),
        };
        let inverse = self.future(name, Size { mark_price, share });
        // Open interest counts USD for inverse contracts, coins for linear ones.
        let open_interest = match kind {
            Perpetual::Inverse => inverse.open_interest,
            Perpetual::Usdc => rounded(inverse.open_interest / self.index, self.coin.amount_decimals),
        };
        line(&FutureRow { quote_currency, open_interest, funding: Some(funding), ..inverse })
    }

    /// An inverse future.
    fn future(&self, instrument_name: String, Size { mark_price, share }: Size) -> FutureRow {
        let half_spread = self.coin.index_usd * 2e-5;
        let (bid_price, ask_price) =
            (rounded(mark_price - half_spread, 2), rounded(mark_price + half_spread, 2));
        let thousands = self.seed.draw(&format!("{instrument_name} open interest"), 20_000..=60_000);
        let volume = self.seed.draw(&format!("{instrument_name} volume"), 100..=900);
        FutureRow {
            instrument_name,
            base_currency: self.coin.name,
            quote_currency: "USD",
            mark_price,
            bid_price,
            ask_price,
            mid_price: rounded(0.5 * (bid_price + ask_price), 4),
            estimated_delivery_price: self.index,
            open_interest: f64::from(thousands) * 1e3 * share,
            volume: f64::from(volume) * share,
            creation_timestamp: AS_OF_MILLIS,
            funding: None,
        }
    }
}

/// Mark and the quotes around it, in coin.
struct Quote {
    mark: f64,
    bid: Option<f64>,
    ask: f64,
}

impl Quote {
    fn new(black: &Black76, half_spread_points: f64) -> Self {
        let coin = black.inverse();
        let mark = rounded(coin.coin_value, 6);
        let half = half_spread_points * 0.01 * coin.coin_vega;
        let bid = on_tick(mark - half, f64::floor);
        Self { mark, bid: (bid > 0.0).then_some(bid), ask: on_tick(mark + half, f64::ceil) }
    }
}

impl GreeksRow {
    fn new(black: &Black76) -> Self {
        let greeks = venue::deribit(black);
        Self {
            delta: rounded(greeks.delta, 5),
            gamma: rounded(greeks.gamma, 5),
            vega: rounded(greeks.vega_per_point, 5),
            theta: rounded(greeks.theta_per_day, 5),
            rho: rounded(greeks.rho_per_1pct, 5),
        }
    }
}

/// Outwards to Deribit's tick: 0.0001 coin up to a price of 0.005 coin, 0.0005 above it.
fn on_tick(price: f64, outwards: fn(f64) -> f64) -> f64 {
    let tick = if price > 0.005 { 0.0005 } else { 0.0001 };
    rounded(outwards(price / tick) * tick, 4)
}

/// To decimals, halves as the exact binary value falls.
fn rounded(value: f64, decimals: usize) -> f64 {
    let rounded: f64 = certain(format!("{value:.decimals$}").parse());
    // No "-0.0" in the file.
    rounded + 0.0
}

fn square(x: f64) -> f64 {
    x * x
}

fn line(row: &impl Serialize) -> String {
    certain(serde_json::to_string(row))
}
