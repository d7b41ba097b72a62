//! Random account states and a brute-force twin of the liquidation search, for unit tests and for every embedded rulebook.

// Unwraps are of constants. Each test binary uses its own part of the kit.
#![allow(clippy::unwrap_used, dead_code)]

use instrument::{Contract, Settlement, Terms};
use margin::{
    AccountState, Crossing, Direction, HIGHEST_FACTOR, Holding, LOWEST_FACTOR, Leg, Liquidation,
    LiquidationQuery, LiquidationReport, Mark, Side, Tick,
};
use pricing::kernel::{exp, ln};
use units::{
    Account, Asset, Decimal, Forward, OptionKind, Price, Strike, Symbol, Timestamp, Venue, Vol, YearFraction,
};

/// SplitMix64: the n-th number of a seed, the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    #[allow(clippy::cast_precision_loss)] // 53 bits
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, range: (f64, f64)) -> f64 {
        range.0 + self.unit() * (range.1 - range.0)
    }

    /// Uniform in the logarithm.
    pub(crate) fn magnitude(&mut self, range: (f64, f64)) -> f64 {
        exp(self.between((ln(range.0), ln(range.1))))
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // small lists
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[(self.unit() * list.len() as f64) as usize]
    }

    fn side(&mut self) -> f64 {
        if self.unit() < 0.5 { -1.0 } else { 1.0 }
    }
}

/// A kind of books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flavour {
    /// What legs are paid in, and the collateral; none is the coin.
    pub(crate) currency: Option<&'static str>,
    pub(crate) legs: Legs,
    pub(crate) coins: Coins,
}

/// What a book is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Legs {
    /// One perpetual.
    One,
    /// Perpetuals.
    Perpetuals,
    /// Options.
    Options,
    /// Options, and perpetuals that hedge them or do not.
    Mixed,
    /// A short butterfly of calls near its expiry: a pocket of loss around the middle strike, and safe ground behind it.
    Butterfly,
}

/// On what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coins {
    Btc,
    BtcAndEth,
}

/// All kinds, mixed ones of both coins first.
pub(crate) fn flavours() -> Vec<Flavour> {
    let currencies = [Some("USD"), Some("USDC"), Some("USDT"), Some("USDE"), None];
    let mut all = Vec::new();
    for coins in [Coins::BtcAndEth, Coins::Btc] {
        for legs in [Legs::Mixed, Legs::Perpetuals, Legs::Options, Legs::Butterfly, Legs::One] {
            all.extend(currencies.map(|currency| Flavour { currency, legs, coins }));
        }
    }
    all
}

const COINS: [(&str, f64); 2] = [("BTC", 100_000.0), ("ETH", 3_500.0)];

fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

/// The `seed`-th book of a flavour on a venue: 1 to 5 legs, leverage from 0.2 to 30; for butterflies collateral of 0.2 to 1.1
/// times the deepest loss.
pub(crate) fn book(venue: &Venue, flavour: Flavour, seed: u64) -> AccountState {
    let mut random = Random::new(seed);
    let coins = match flavour.coins {
        Coins::Btc => &COINS[..1],
        Coins::BtcAndEth => &COINS[..],
    };
    let capital_usd = random.magnitude((1e3, 1e7));
    let (mut legs, capital_usd) = if flavour.legs == Legs::Butterfly {
        butterfly(&mut random, flavour.currency, capital_usd)
    } else {
        (scattered(&mut random, flavour, coins, capital_usd), capital_usd)
    };
    legs.sort_by(|a, b| a.contract.cmp(&b.contract));
    let (name, price_usd) = match (flavour.currency, flavour.legs) {
        (Some(currency), _) => (currency, 1.0),
        (None, Legs::Butterfly) => COINS[0],
        (None, _) => random.pick(coins),
    };
    let balances = vec![Holding { asset: asset(name), amount: capital_usd / price_usd, price_usd }];
    let account = Account::new(&format!("book {seed}")).unwrap();
    AccountState { account, venue: venue.clone(), asof: asof(), legs, balances, unmargined: Vec::new() }
}

fn asof() -> Timestamp {
    Timestamp::from_utc_date(2026, 11, 22, 8).unwrap()
}

fn scattered(
    random: &mut Random,
    flavour: Flavour,
    coins: &[(&'static str, f64)],
    capital_usd: f64,
) -> Vec<Leg> {
    let count = if flavour.legs == Legs::One { 1 } else { random.pick(&[1, 1, 2, 3, 5]) };
    let notional_usd = capital_usd * random.magnitude((0.2, 30.0)) / f64::from(count);
    let mut legs: Vec<Leg> = Vec::new();
    for number in 0..count {
        let (coin, index) = random.pick(coins);
        let size_usd = notional_usd * random.between((0.3, 1.7)) * random.side();
        let base = Base { coin, index };
        let is_perpetual = match flavour.legs {
            Legs::One | Legs::Perpetuals => true,
            Legs::Options | Legs::Butterfly => false,
            Legs::Mixed => number > 1 || random.unit() < 0.3,
        };
        let leg = if is_perpetual {
            perpetual(random, base, flavour.currency, size_usd)
        } else {
            let case = Case {
                hours: random.pick(&[24, 3 * 24, 7 * 24, 30 * 24, 90 * 24, 365 * 24]),
                percent: random.pick(&[50, 70, 80, 90, 95, 100, 105, 110, 120, 140, 200]),
                kind: random.pick(&[OptionKind::Call, OptionKind::Put]),
                carry: random.between((-0.02, 0.06)),
                vol: random.between((0.3, 1.2)),
                coins: size_usd / index,
            };
            option(base, flavour.currency, case)
        };
        if legs.iter().all(|other| other.contract != leg.contract) {
            legs.push(leg);
        }
    }
    legs
}

/// Legs, and collateral that its loss eats up or not.
fn butterfly(random: &mut Random, currency: Option<&str>, capital_usd: f64) -> (Vec<Leg>, f64) {
    let (coin, index) = COINS[0];
    let wing = random.pick(&[1, 2, 4]);
    let middle = random.pick(&[40, 70, 85, 95, 98, 102, 105, 115, 140, 250]);
    let coins = capital_usd / index;
    let hours = random.pick(&[1, 4, 24]);
    let vol = random.between((0.3, 0.9));
    let legs = [(-1, -1.0), (0, 2.0), (1, -1.0)].map(|(side, size)| {
        let percent = middle + side * wing;
        let case = Case { hours, percent, kind: OptionKind::Call, carry: 0.0, vol, coins: size * coins };
        option(Base { coin, index }, currency, case)
    });
    let deepest_usd = coins * f64::from(wing) * 0.01 * index;
    (legs.to_vec(), deepest_usd * random.between((0.2, 1.1)))
}

#[derive(Debug, Clone, Copy)]
struct Base {
    coin: &'static str,
    index: f64,
}

impl Base {
    fn leg(self, terms: Terms, currency: Option<&str>, mark: Mark) -> Leg {
        let settlement = currency.map_or(Settlement::Inverse, |c| Settlement::Linear { currency: asset(c) });
        let contract = Contract { underlying: asset(self.coin), terms, settlement };
        Leg {
            symbol: Symbol::new(&contract.to_string()).unwrap(),
            contract,
            quantity: 0.0,
            entry_value: None,
            index_usd: self.index,
            settlement_usd: if currency.is_some() { 1.0 } else { self.index },
            quote_usd: 1.0,
            mark,
        }
    }
}

fn perpetual(random: &mut Random, base: Base, currency: Option<&str>, size_usd: f64) -> Leg {
    let mark = base.index * random.between((0.998, 1.002));
    let entry = mark * random.between((0.97, 1.03));
    let price = Mark::Perpetual { price: Forward::new(mark).unwrap() };
    let mut leg = base.leg(Terms::Perpetual, currency, price);
    leg.quantity = if currency.is_some() { size_usd / mark } else { size_usd };
    leg.entry_value = Some(if currency.is_some() { leg.quantity * entry } else { leg.quantity / entry });
    leg
}

/// An option; size in coins, strike in percent of the index.
#[derive(Debug, Clone, Copy)]
struct Case {
    hours: i64,
    percent: i32,
    kind: OptionKind,
    carry: f64,
    vol: f64,
    coins: f64,
}

fn option(base: Base, currency: Option<&str>, case: Case) -> Leg {
    let expiry = asof().plus_millis(case.hours * 3_600_000);
    let years = asof().years_until(expiry).unwrap();
    let forward = Forward::new(base.index * exp(case.carry * years.get())).unwrap();
    #[allow(clippy::cast_possible_truncation)] // whole hundreds
    let strike = Decimal::from(i64::from(case.percent) * (base.index / 100.0) as i64);
    let kind = case.kind;
    let mark = Mark::Option {
        forward,
        vol: Vol::new(case.vol).unwrap(),
        strike: Strike::new(units::border::to_model(strike).unwrap()).unwrap(),
        kind,
        expiry: YearFraction::new(years.get()).unwrap(),
    };
    let mut leg = base.leg(Terms::Option { expiry, strike: Price::new(strike), kind }, currency, mark);
    leg.quantity = case.coins;
    leg
}

/// Counts of answers over many books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) prices: u32,
    pub(crate) none: u32,
    pub(crate) already: u32,
    pub(crate) unknown: u32,
}

impl Tally {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            prices: self.prices + other.prices,
            none: self.none + other.none,
            already: self.already + other.already,
            unknown: self.unknown + other.unknown,
        }
    }
}

/// Checks an answer against the surplus itself, on a grid ten times finer than the documented mesh of the search.
pub(crate) fn check(
    report: &LiquidationReport,
    query: &LiquidationQuery,
    surplus_usd: impl Fn(f64) -> f64,
) -> Result<Tally, String> {
    let today = surplus_usd(1.0);
    match &report.liquidation {
        Liquidation::Undefined { reason } => Err(reason.clone()),
        Liquidation::Already if today < 0.0 => Ok(Tally { already: 1, ..Tally::default() }),
        Liquidation::Already => Err(format!("already, but the surplus today is {today}")),
        Liquidation::Searched { .. } if today < 0.0 => {
            Err(format!("searched, but the surplus today is {today}"))
        }
        Liquidation::Searched { down, up } => {
            let down = check_side(down, Direction::Down, query, &surplus_usd)?;
            Ok(down.plus(check_side(up, Direction::Up, query, &surplus_usd)?))
        }
    }
}

fn check_side(
    side: &Side,
    direction: Direction,
    query: &LiquidationQuery,
    surplus_usd: &impl Fn(f64) -> f64,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let end = match side {
        Side::Price(crossing) => {
            tally.prices += 1;
            check_crossing(crossing, direction, query, surplus_usd)?;
            crossing.safe_factor
        }
        Side::None { to_factor } => {
            tally.none += 1;
            *to_factor
        }
        Side::Unknown { to_factor, .. } => {
            tally.unknown += 1;
            *to_factor
        }
    };
    match grid(direction, end).into_iter().find(|factor| surplus_usd(*factor) < 0.0) {
        Some(nearer) => Err(format!("{side:?}, but at {nearer:.17} the surplus is {}", surplus_usd(nearer))),
        None => Ok(tally),
    }
}

fn check_crossing(
    crossing: &Crossing,
    direction: Direction,
    query: &LiquidationQuery,
    surplus_usd: &impl Fn(f64) -> f64,
) -> Result<(), String> {
    let (safe, liquidated) = (surplus_usd(crossing.safe_factor), surplus_usd(crossing.factor));
    let signs = safe >= 0.0 && liquidated < 0.0;
    let bits = safe.to_bits() == crossing.safe_surplus_usd.to_bits()
        && liquidated.to_bits() == crossing.surplus_usd.to_bits();
    let width = (crossing.factor - crossing.safe_factor).abs();
    let within = match query.tick {
        Tick::Relative(tick) => width <= tick,
        Tick::Usd(usd) => crossing.price_usd.is_some_and(|price| width * price / crossing.factor <= usd),
    };
    let side = match direction {
        Direction::Down => crossing.factor < crossing.safe_factor && crossing.safe_factor <= 1.0,
        Direction::Up => crossing.factor > crossing.safe_factor && crossing.safe_factor >= 1.0,
    };
    if signs && bits && within && side {
        return Ok(());
    }
    Err(format!("{crossing:?}: safe {safe}, liquidated {liquidated}, width {width}"))
}

/// From one to `end`: |ln x| in steps of 0.0001 or 0.2 % of the distance, a tenth of the mesh of the search.
fn grid(direction: Direction, end: f64) -> Vec<f64> {
    let mut factors = Vec::new();
    let mut distance = 0.000_05;
    loop {
        let factor = match direction {
            Direction::Down => exp(-distance),
            Direction::Up => exp(distance),
        };
        let inside = match direction {
            Direction::Down => factor >= end && factor >= LOWEST_FACTOR,
            Direction::Up => factor <= end && factor <= HIGHEST_FACTOR,
        };
        if !inside {
            return factors;
        }
        factors.push(factor);
        let grown = 0.002 * distance;
        distance += if grown > 0.0001 { grown } else { 0.0001 };
    }
}
