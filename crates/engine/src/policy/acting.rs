//! What may be done about a figure: orders, how venues take them, hedges.
//!
//! ```toml
//! [orders]
//! smallest_usd = "1000"           # a rule does nothing for less; 0 without it
//! largest_usd = "250000"          # of one order
//! hourly_turnover_usd = "2000000" # of all orders of an hour
//! price_collar_bp = 50.0          # how far an order's limit may be from the mark
//! answer_within_seconds = 5       # then the venue is asked what became of it
//! valid_seconds = 20              # how long an order stands
//! proposal_seconds = 60           # how long a proposal waits for a person
//! flatten = "propose"             # closes everything in the state flatten: propose, or armed
//!
//! [[trading]]                     # the first row that fits counts
//! venue = "deribit"
//! kind = "perpetual"              # perpetual, future or option
//! underlying = "BTC"              # all without it
//! settlement = "inverse"          # or linear; both without it
//! tick = "0.5"
//! lot = "10"
//! fee_bp = 5.0                    # of the notional
//! half_spread_bp = 0.5            # what a trade loses to the mark, besides the fee; 0 without it
//!
//! [[hedge]]
//! name = "btc delta"
//! underlying = "BTC"
//! delta = "delta_cash_usd"        # or delta_settlement_usd: for books that are kept in the coin
//! target_usd = "0"
//! sizing = { policy = "band", half_width_usd = 100000.0, end = "edge" }    # when and how far: `hedge::policy`
//! fixed_cost_usd = "0"            # of each trade: gas
//! max_age_hours = 24.0            # without a trade for so long it is brought to its delta
//! watch_seconds = 12.0            # the band is narrower by what is missed between two looks
//! fill_seconds = 12.0             # and until the fill
//! account = "desk"
//! venue = "deribit"
//! chain = "offchain"
//! symbol = "BTC-PERPETUAL"
//! execution = "propose"           # or armed: it acts by itself once a person has armed the engine
//! cool_down_seconds = 10
//! ```

use super::Checker;
use ::hedge::policy::{Habits, Policy as SizingPolicy, PolicySpec, Watch};
use book::Place;
use instrument::{Listing, Settlement, Specs, Terms, resolve};
use risk::Measure;
use std::sync::Arc;
use units::{Account, Asset, Chain, Decimal, Fixed, Symbol, Venue};

const HOURS_A_YEAR: f64 = 8_760.0;

/// Bounds of all orders that rules send.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLimits {
    /// The least notional that a rule trades for, USD.
    pub smallest: Fixed,
    /// Notional of one order, USD.
    pub largest: Fixed,
    /// Notional of the orders of an hour, USD.
    pub hourly_turnover: Fixed,
    /// How far a limit price may be from the mark, as a fraction.
    pub price_collar: f64,
    /// How long a venue may take to answer.
    pub answer_within_seconds: u32,
    /// How long an order stands.
    pub valid_seconds: u32,
    /// How long a proposal waits.
    pub proposal_seconds: u32,
    /// Who closes the book in the state flatten; nobody without it.
    pub flatten: Option<Execution>,
}

/// How one venue takes orders in one kind of contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Trading {
    /// Which venue.
    pub venue: Venue,
    /// `perpetual`, `future`, `option`.
    pub kind: String,
    /// Of which underlying; all without it.
    pub underlying: Option<Asset>,
    /// Paid in the coin or in a currency; both without it.
    pub settlement: Option<Paid>,
    /// Step of prices, in the quote unit of the listing.
    pub tick: Decimal,
    /// Step of quantities, in the unit of the listing.
    pub lot: Decimal,
    /// Fee as a fraction of the notional.
    pub fee: f64,
    /// Half the spread as a fraction of the price.
    pub half_spread: f64,
}

/// What gains are paid in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paid {
    /// The underlying.
    Inverse,
    /// A currency.
    Linear,
}

/// Keeps the delta of an underlying in a band by trading one instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct Hedge {
    /// Its name, unique among limits and hedges.
    pub name: String,
    /// Whose delta, in USD, of the whole book.
    pub underlying: Asset,
    /// Which delta: cash, or settlement-adjusted.
    pub delta: Measure,
    /// What it is to be.
    pub target: Fixed,
    /// When it is traded, and how far.
    pub sizing: SizingPolicy,
    /// What each trade costs whatever its size.
    pub fixed_cost: Fixed,
    /// How often it is looked at, how old it may be.
    pub habits: Habits,
    /// Where it trades.
    pub place: Place,
    /// What it trades.
    pub listing: Arc<Listing>,
    /// Who decides.
    pub execution: Execution,
    /// How long it rests after an order is gone; doubled by each order that a venue rejects, up to 64 times.
    pub cool_down_seconds: u32,
}

/// Who decides that an order is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// A person, for each proposal; `ask` says the same.
    #[serde(alias = "ask")]
    Propose,
    /// The rule, once a person has armed the engine.
    Armed,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrdersToml {
    #[serde(default)]
    smallest_usd: Option<String>,
    largest_usd: String,
    hourly_turnover_usd: String,
    price_collar_bp: f64,
    answer_within_seconds: u32,
    valid_seconds: u32,
    proposal_seconds: u32,
    #[serde(default)]
    flatten: Option<Execution>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TradingToml {
    venue: String,
    kind: String,
    #[serde(default)]
    underlying: Option<String>,
    #[serde(default)]
    settlement: Option<Paid>,
    tick: String,
    lot: String,
    fee_bp: f64,
    #[serde(default)]
    half_spread_bp: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HedgeToml {
    pub(super) name: String,
    underlying: String,
    #[serde(default)]
    delta: Option<String>,
    #[serde(default)]
    target_usd: Option<String>,
    sizing: PolicySpec,
    #[serde(default)]
    fixed_cost_usd: Option<String>,
    #[serde(default)]
    max_age_hours: Option<f64>,
    #[serde(default)]
    watch_seconds: f64,
    #[serde(default)]
    fill_seconds: f64,
    account: String,
    venue: String,
    chain: String,
    symbol: String,
    execution: Execution,
    cool_down_seconds: u32,
}

impl Trading {
    /// Whether this row tells how a listing is traded.
    #[must_use]
    pub fn fits(&self, listing: &Listing) -> bool {
        let contract = &listing.contract;
        self.venue == listing.venue
            && self.kind == contract.kind_word()
            && self.underlying.as_ref().is_none_or(|underlying| *underlying == contract.underlying)
            && self
                .settlement
                .is_none_or(|paid| (paid == Paid::Inverse) == (contract.settlement == Settlement::Inverse))
    }
}

impl Checker<'_> {
    pub(super) fn orders(&mut self, raw: &OrdersToml) -> Option<OrderLimits> {
        let largest = self.amount("orders.largest_usd", &raw.largest_usd);
        let smallest = match &raw.smallest_usd {
            None => Some(Fixed::ZERO),
            Some(text) => self.amount("orders.smallest_usd", text),
        };
        if let (Some(smallest), Some(largest)) = (smallest, largest)
            && smallest > largest
        {
            self.issue(
                "orders.smallest_usd",
                raw.smallest_usd.as_deref().unwrap_or(""),
                "at most largest_usd",
            );
        }
        let hourly_turnover = self.amount("orders.hourly_turnover_usd", &raw.hourly_turnover_usd);
        let collar = raw.price_collar_bp;
        if !(collar > 0.0 && collar <= 2_000.0) {
            self.issue("orders.price_collar_bp", &collar.to_string(), "above 0 and at most 2000");
        }
        for (field, seconds) in [
            ("orders.answer_within_seconds", raw.answer_within_seconds),
            ("orders.valid_seconds", raw.valid_seconds),
            ("orders.proposal_seconds", raw.proposal_seconds),
        ] {
            if seconds == 0 || seconds > 86_400 {
                self.issue(field, &seconds.to_string(), "one second to one day");
            }
        }
        Some(OrderLimits {
            smallest: smallest?,
            largest: largest?,
            hourly_turnover: hourly_turnover?,
            price_collar: collar * 1e-4,
            answer_within_seconds: raw.answer_within_seconds,
            valid_seconds: raw.valid_seconds,
            proposal_seconds: raw.proposal_seconds,
            flatten: raw.flatten,
        })
    }

    pub(super) fn trading(&mut self, raw: &TradingToml) -> Option<Trading> {
        let at = |field: &str| format!("trading of {} {}s: {field}", raw.venue, raw.kind);
        let venue = self.named(&at("venue"), &raw.venue, Venue::new);
        let underlying = raw.underlying.as_ref().map(|name| self.named(&at("underlying"), name, Asset::new));
        if !["perpetual", "future", "option"].contains(&raw.kind.as_str()) {
            self.issue(&at("kind"), &raw.kind, "one of perpetual, future, option");
        }
        let (tick, lot) = (self.step(&at("tick"), &raw.tick), self.step(&at("lot"), &raw.lot));
        if !(raw.fee_bp.is_finite() && raw.fee_bp.abs() <= 1_000.0) {
            self.issue(&at("fee_bp"), &raw.fee_bp.to_string(), "at most 1000 either way");
        }
        if !(0.0..=1_000.0).contains(&raw.half_spread_bp) {
            self.issue(&at("half_spread_bp"), &raw.half_spread_bp.to_string(), "0 to 1000");
        }
        let underlying = match underlying {
            Some(found) => Some(found?),
            None => None,
        };
        Some(Trading {
            venue: venue?,
            kind: raw.kind.clone(),
            underlying,
            settlement: raw.settlement,
            tick: tick?,
            lot: lot?,
            fee: raw.fee_bp * 1e-4,
            half_spread: raw.half_spread_bp * 1e-4,
        })
    }

    pub(super) fn hedge(&mut self, raw: &HedgeToml, trading: &[Trading], specs: &Specs) -> Option<Hedge> {
        let at = |field: &str| format!("hedge '{}': {field}", raw.name);
        if raw.name.trim().is_empty() {
            self.issue("hedge.name", "", "a hedge has a name");
        }
        self.reserved("hedge.name", &raw.name);
        let underlying = self.named(&at("underlying"), &raw.underlying, Asset::new);
        let delta = match raw.delta.as_deref() {
            None | Some("delta_cash_usd") => Measure::Delta,
            Some("delta_settlement_usd") => Measure::DeltaSettlement,
            Some(other) => {
                self.issue(&at("delta"), other, "delta_cash_usd or delta_settlement_usd");
                Measure::Delta
            }
        };
        let sizing = raw.sizing.checked().map_err(|error| {
            self.issue(&at(&format!("sizing.{}", error.field)), &error.value, error.rule);
        });
        let fixed_cost = match &raw.fixed_cost_usd {
            None => Some(Fixed::ZERO),
            Some(text) => self.amount(&at("fixed_cost_usd"), text),
        };
        let target = match &raw.target_usd {
            None => Some(Fixed::ZERO),
            Some(text) => self.signed(&at("target_usd"), text),
        };
        let habits = self.habits(raw);
        let account = self.named(&at("account"), &raw.account, Account::new);
        let venue = self.named(&at("venue"), &raw.venue, Venue::new);
        let chain = self.named(&at("chain"), &raw.chain, Chain::new);
        let symbol = self.named(&at("symbol"), &raw.symbol, Symbol::new);
        let place = Place { account: account?, venue: venue?, chain: chain? };
        let listing = self.listing(&at("symbol"), (&place.venue, &symbol?), specs)?;
        let underlying = underlying?;
        if listing.contract.underlying != underlying {
            let rule =
                format!("an instrument on {underlying}; this one is on {}", listing.contract.underlying);
            self.issue(&at("symbol"), &raw.symbol, &rule);
        }
        if !matches!(listing.contract.terms, Terms::Perpetual | Terms::Future { .. }) {
            self.issue(
                &at("symbol"),
                &raw.symbol,
                "a perpetual or a future: a band of delta is kept with those",
            );
        } else if !trading.iter().any(|row| row.fits(&listing)) {
            let rule = format!(
                "tick and lot are not known: add [[trading]] with venue = \"{}\", kind = \"{}\"",
                place.venue,
                listing.contract.kind_word()
            );
            self.issue(&at("symbol"), &raw.symbol, &rule);
        }
        Some(Hedge {
            name: raw.name.clone(),
            underlying,
            delta,
            target: target?,
            sizing: sizing.ok()?,
            fixed_cost: fixed_cost?,
            habits,
            place,
            listing,
            execution: raw.execution,
            cool_down_seconds: raw.cool_down_seconds,
        })
    }

    fn habits(&mut self, raw: &HedgeToml) -> Habits {
        let at = |field: &str| format!("hedge '{}': {field}", raw.name);
        if let Some(hours) = raw.max_age_hours.filter(|hours| !(*hours > 0.0 && *hours <= HOURS_A_YEAR)) {
            self.issue(&at("max_age_hours"), &hours.to_string(), "above 0 and at most 8760");
        }
        for (field, seconds) in [("watch_seconds", raw.watch_seconds), ("fill_seconds", raw.fill_seconds)] {
            if !(0.0..=86_400.0).contains(&seconds) {
                self.issue(&at(field), &seconds.to_string(), "0 to 86400");
            }
        }
        let years = |seconds: f64| seconds / (HOURS_A_YEAR * 3_600.0);
        Habits {
            watch: Watch { interval_years: years(raw.watch_seconds), delay_years: years(raw.fill_seconds) },
            most_age_years: raw.max_age_hours.map(|hours| hours / HOURS_A_YEAR),
        }
    }

    fn listing(
        &mut self,
        field: &str,
        (venue, symbol): (&Venue, &Symbol),
        specs: &Specs,
    ) -> Option<Arc<Listing>> {
        match resolve(venue, symbol, specs) {
            Ok(resolved) => match resolved.legs.as_slice() {
                [leg] => return Some(Arc::new(leg.listing.clone())),
                _ => self.issue(field, symbol.as_str(), "one contract, not a combo"),
            },
            Err(error) => self.issue(field, symbol.as_str(), &error.to_string()),
        }
        None
    }

    pub(super) fn named<T>(
        &mut self,
        field: &str,
        text: &str,
        of: impl Fn(&str) -> Result<T, units::UnitError>,
    ) -> Option<T> {
        let found = of(text);
        if let Err(error) = &found {
            self.issue(field, text, &error.to_string());
        }
        found.ok()
    }

    fn step(&mut self, field: &str, text: &str) -> Option<Decimal> {
        let found = text.trim().parse::<Decimal>().ok().filter(|step| *step > Decimal::ZERO);
        if found.is_none() {
            self.issue(field, text, "a step above zero, as text, such as \"0.5\"");
        }
        found
    }

    fn signed(&mut self, field: &str, text: &str) -> Option<Fixed> {
        let found = text.trim().parse::<f64>().ok().and_then(|value| Fixed::quantise(value).ok());
        if found.is_none() {
            self.issue(field, text, "an amount, as text, such as \"-50000\"");
        }
        found
    }
}
