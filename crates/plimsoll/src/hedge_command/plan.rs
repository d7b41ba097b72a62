//! From the rules of a policy to trades: each rule's band on the net delta of the whole book, then the instrument, then what bounds the
//! size.
//!
//! What a rule wants is one call: [`ask`]. Everything else is choice of instrument, bounds and cost. What is to be traded becomes [`Order`]s, and
//! effects and margins look at those alone.

use super::costs::Costs;
use super::quotes::{Board, Tradable, measure};
use super::sight::{Answer, ask};
use crate::margin_commands::Desk;
use ::hedge::carry::{Candidate, Cost, Need, Running, Side, rank};
use ::margin::{Change, Leg, Place, account_states, apply};
use book::{BookBuilder, RawRow, RowKind as BookRow};
use engine::{Hedge, OrderLimits};
use instrument::{Listing, Specs};
use risk::{Measure, Priced, Valuation};
use units::{Decimal, Fixed, border};

/// What came of a rule.
pub(super) struct Followed<'a> {
    pub(super) rule: &'a Hedge,
    pub(super) answer: Answer,
    pub(super) trade: Option<Trade>,
    /// What bounds the size, or why there is no trade.
    pub(super) why_not_more: String,
    /// What could carry the hedge, the cheapest first.
    pub(super) ranked: Vec<Ranked>,
    /// Quoted, and not to be traded.
    pub(super) refused: Vec<(Listing, String)>,
}

/// One trade.
pub(super) struct Trade {
    pub(super) place: book::Place,
    pub(super) with: Tradable,
    /// In the unit of the listing, bought positive.
    pub(super) quantity: Decimal,
    /// Delta that it adds, USD.
    pub(super) delta_usd: f64,
    /// How many orders the policy's bound makes of it.
    pub(super) orders: u32,
    pub(super) fee_usd: f64,
    pub(super) half_spread_usd: f64,
    pub(super) impact_usd: f64,
    /// Funding or basis over the horizon; negative is received.
    pub(super) carry_usd: f64,
}

/// An instrument with what holding it costs.
pub(super) struct Ranked {
    pub(super) with: Tradable,
    pub(super) cost: Cost,
    /// Funding or basis, a year.
    pub(super) rate: f64,
    /// Initial margin that it asks more, as a share of the notional; none where no rulebook says.
    pub(super) margin_share: Option<f64>,
    pub(super) choice: &'static str,
}

/// Follows one rule.
///
/// # Errors
/// Why it cannot be followed.
pub(super) fn follow<'a>(
    (board, desk): (Board<'_>, &Desk),
    (rule, orders): (&'a Hedge, &OrderLimits),
    (valuation, chosen): (&Valuation, Chosen),
) -> Result<Followed<'a>, String> {
    let answer = ask(board, rule, (&desk.loaded.book, valuation))?;
    // A book that looks hedged on an old quote may not be: the rule's own instrument is looked at whatever is wanted.
    let own = board.own(rule);
    let mut followed = Followed {
        rule,
        answer,
        trade: None,
        why_not_more: String::new(),
        ranked: Vec::new(),
        refused: Vec::new(),
    };
    let Some(wanted) = answer.wanted_usd else {
        own?;
        followed.why_not_more = inside(rule, &answer);
        return Ok(followed);
    };
    let mut candidates = Vec::new();
    for (listing, found) in board.linear(rule) {
        match found {
            Ok(tradable) => candidates.push(tradable),
            Err(why) => followed.refused.push((listing, why)),
        }
    }
    followed.ranked = ranked((board, desk), (rule, wanted), &candidates);
    let tried: Vec<Tradable> = match chosen {
        Chosen::ByRule => vec![own?],
        Chosen::Cheapest => followed.ranked.iter().map(|ranked| ranked.with.clone()).collect(),
    };
    if tried.is_empty() {
        return Err(no_instrument(rule, &followed.refused));
    }
    let count = tried.len();
    for (place, with) in (1..).zip(tried) {
        let name = with.listing.clone();
        let sized = sized((board.costs, orders), (rule, &answer, wanted), with).and_then(|(trade, why)| {
            trade.as_ref().map_or(Ok(()), |trade| margined((board, desk), &[trade.order()]))?;
            Ok((trade, why))
        });
        match sized {
            // The next one may take what this one cannot.
            Ok((None, why)) | Err(why) if place < count => followed.refused.push((name, why)),
            Err(why) => return Err(format!("{} {}: {why}", name.venue, name.symbol)),
            Ok((trade, why)) => {
                followed.mark(&name);
                (followed.trade, followed.why_not_more) = (trade, why);
                break;
            }
        }
    }
    Ok(followed)
}

impl Followed<'_> {
    fn mark(&mut self, traded: &Listing) {
        let is_it = |ranked: &&mut Ranked| {
            (&ranked.with.listing.venue, &ranked.with.listing.symbol) == (&traded.venue, &traded.symbol)
        };
        self.ranked.iter_mut().filter(is_it).for_each(|ranked| ranked.choice = "traded");
    }
}

/// Why nothing is traded.
fn inside(rule: &Hedge, answer: &Answer) -> String {
    let off = whole((answer.delta_usd - rule.target).to_f64());
    match answer.band_usd {
        None => format!("{} waits: {off} USD off the target", rule.sizing.word()),
        Some(band) => format!("inside the band: {off} USD off the target, of {} either way", whole(band)),
    }
}

/// Whose instrument is traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    ByRule,
    Cheapest,
}

fn no_instrument(rule: &Hedge, refused: &[(Listing, String)]) -> String {
    let why: Vec<String> =
        refused.iter().map(|(listing, why)| format!("{} {}: {why}", listing.venue, listing.symbol)).collect();
    if why.is_empty() {
        return format!("the market files quote no perpetual and no future on {}", rule.underlying);
    }
    format!("nothing on {} can be traded: {}", rule.underlying, why.join("; "))
}

/// What bounds a trade, USD of delta, in words.
struct Bound {
    most_usd: f64,
    why: String,
}

fn bounds(
    (costs, orders): (&Costs, &OrderLimits),
    (with, wanted): (&Tradable, f64),
) -> Result<[Bound; 3], String> {
    let room = costs.slippage - with.half_spread;
    if room <= 0.0 {
        return Err(format!(
            "half the spread of {} is {:.1} bp, the slippage that is allowed {:.1} bp",
            with.listing.symbol,
            with.half_spread * 1e4,
            costs.slippage * 1e4
        ));
    }
    let spot = with.priced.spot_usd;
    let hours = costs.within_hours;
    let share = with.liquidity.cap(costs.participation, hours / 24.0) * spot;
    let slipped = costs.impact.largest_within(&with.liquidity, room) * spot;
    let turnover = orders.hourly_turnover.to_f64() * hours.max(1.0);
    Ok([
        Bound {
            most_usd: slipped,
            why: format!("slippage: {} USD cost {:.1} bp on average", whole(slipped), costs.slippage * 1e4),
        },
        Bound {
            most_usd: share,
            why: format!(
                "participation: {} % of what trades in {hours} h is {} USD; all of it takes {:.1} h",
                crate::render::number::figure(costs.participation.share * 100.0, 3),
                whole(share),
                wanted.abs() / share * hours
            ),
        },
        Bound {
            most_usd: turnover,
            why: format!("turnover: the policy allows {} USD in {} h", whole(turnover), hours.max(1.0)),
        },
    ])
}

/// The trade of a size within all bounds, and what bound it.
fn sized(
    (costs, orders): (&Costs, &OrderLimits),
    (rule, answer, wanted): (&Hedge, &Answer, f64),
    with: Tradable,
) -> Result<(Option<Trade>, String), String> {
    let bounds = bounds((costs, orders), (&with, wanted))?;
    let least = bounds.into_iter().min_by(|a, b| a.most_usd.total_cmp(&b.most_usd));
    let binding = least.filter(|bound| bound.most_usd < wanted.abs());
    let size = binding.as_ref().map_or(wanted.abs(), |bound| bound.most_usd);
    let quantity = with.lots(size.copysign(wanted))?;
    let lots = border::to_model(quantity).map_err(|error| error.to_string())?;
    let delta_usd = lots * with.unit_delta_usd;
    let notional = delta_usd.abs();
    if quantity.is_zero() || notional < orders.smallest.to_f64() {
        let smallest = with.lot_usd().max(orders.smallest.to_f64());
        let size = whole(size);
        return Ok((
            None,
            format!(
                "{size} USD may be traded: less than a lot or the smallest order, {} USD",
                whole(smallest)
            ),
        ));
    }
    let why = match binding {
        Some(bound) => bound.why,
        None if answer.end_usd > 0.0 => {
            let shift = if answer.shift_usd == 0.0 {
                String::new()
            } else {
                format!(" of the delta at the policy's own vols, {} USD more", whole(answer.shift_usd))
            };
            format!(
                "ends at the band's edge, {} USD{shift}: nearer is not worth its cost",
                whole(answer.end_usd)
            )
        }
        None if answer.shift_usd != 0.0 => format!(
            "ends where the delta at the policy's own vols, {} USD more, is at the target",
            whole(answer.shift_usd)
        ),
        None => "ends at the target; the rest is less than one lot".into(),
    };
    let coins = notional / with.priced.spot_usd;
    let need = need(costs, wanted, notional);
    let carry_usd = Cost::of(&candidate(costs, &with, 0.0), &need).carry_usd;
    let orders_of = count(notional / orders.largest.to_f64());
    let trade = Trade {
        place: place(rule, &with.listing),
        orders: orders_of,
        fee_usd: with.fee.mul_add(notional, rule.fixed_cost.to_f64() * f64::from(orders_of)),
        half_spread_usd: with.half_spread * notional,
        impact_usd: costs.impact.average(&with.liquidity, coins) * notional,
        carry_usd,
        quantity,
        delta_usd,
        with,
    };
    Ok((Some(trade), why))
}

fn count(orders: f64) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to the range
    let orders = orders.ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
    orders
}

const fn need(costs: &Costs, wanted: f64, notional_usd: f64) -> Need {
    Need {
        side: if wanted > 0.0 { Side::Long } else { Side::Short },
        notional_usd,
        years: costs.horizon_days / 365.0,
        risk_aversion: 1.0 / costs.tolerance_usd,
        money_rate: costs.money_rate,
    }
}

/// A tradable instrument as what it costs to hold.
fn candidate(costs: &Costs, with: &Tradable, margin_share: f64) -> Candidate {
    let venue_charge = costs.venue_charges.get(&with.listing.venue).copied().unwrap_or(0.0);
    Candidate {
        running: running(costs, with),
        half_spread: with.half_spread,
        fee: with.fee,
        margin_share,
        venue_charge,
    }
}

fn running(costs: &Costs, with: &Tradable) -> Running {
    let expiry_years = match with.priced.form {
        risk::Form::Future { expiry, .. } => expiry.get(),
        risk::Form::Option(_) | risk::Form::Asset => 0.0,
    };
    if with.is_dated() && expiry_years > 0.0 {
        return Running::Dated { basis: 1.0 / with.priced.spot_over_forward - 1.0, expiry_years, roll: 0.0 };
    }
    let now = with.funding_8h.unwrap_or(costs.funding.mean);
    Running::Perpetual(costs.funding.funding(now, costs.funding_cap))
}

/// Every candidate by what holding the wanted hedge in it costs.
fn ranked(
    (board, desk): (Board<'_>, &Desk),
    (rule, wanted): (&Hedge, f64),
    tradables: &[Tradable],
) -> Vec<Ranked> {
    let costs = board.costs;
    let need = need(costs, wanted, wanted.abs());
    let asked: Vec<Option<f64>> =
        tradables.iter().map(|with| margin_share((board, desk), rule, (with, wanted))).collect();
    // What nobody knows is in no cost, and shown as unknown.
    let both = tradables.iter().zip(&asked);
    let candidates: Vec<Candidate> =
        both.map(|(with, asked)| candidate(costs, with, asked.unwrap_or(0.0))).collect();
    let own = (&rule.place.venue, &rule.listing.symbol);
    rank(&candidates, &need)
        .into_iter()
        .filter_map(|(place, cost)| {
            let with = tradables.get(place)?.clone();
            let rate = need.side.sign() * cost.carry_usd / (need.notional_usd * need.years);
            let choice = if (&with.listing.venue, &with.listing.symbol) == own { "rule" } else { "" };
            let margin_share = asked.get(place).copied().flatten();
            Some(Ranked { with, cost, rate, margin_share, choice })
        })
        .collect()
}

/// What a notional of 1 USD costs over the horizon, held long and held short.
pub(super) fn carry_sides(costs: &Costs, with: &Tradable) -> (f64, f64) {
    let of = |wanted: f64| Cost::of(&candidate(costs, with, 0.0), &need(costs, wanted, 1.0)).carry_usd;
    (of(1.0), of(-1.0))
}

/// What an account has to spare beyond its initial margin, USD: over all its wallets, or, below zero, what those that are short lack. Of a
/// place that holds nothing it is nothing; none where no rulebook says.
pub(super) fn room((desk, states): (&Desk, &[::margin::AccountState]), at: &book::Place) -> Option<f64> {
    let here = |state: &&::margin::AccountState| state.account == at.account && state.venue == at.venue;
    let Some(state) = states.iter().find(here) else { return Some(0.0) };
    Some(desk.rules.of(state).ok()?.outcome(state).surplus().initial)
}

/// The same once an order is filled.
pub(super) fn room_after((desk, board): (&Desk, Board<'_>), order: &Order<'_>) -> Option<f64> {
    let states = apply(&desk.states, &[order.fill(board).ok()?]).ok()?;
    room((desk, &states), order.place)
}

/// Refuses orders that together leave an account, or one of its wallets, shorter of initial margin than it was.
pub(super) fn margined((board, desk): (Board<'_>, &Desk), orders: &[Order<'_>]) -> Result<(), String> {
    let fills: Result<Vec<Change>, String> = orders.iter().map(|order| order.fill(board)).collect();
    let states = apply(&desk.states, &fills?).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        lines.join("; ")
    })?;
    for order in orders {
        let (now, after) = (room((desk, &desk.states), order.place), room((desk, &states), order.place));
        if let Some((now, after)) = now.zip(after)
            && after < 0.0
            && after < now
        {
            return Err(format!(
                "margin: {}@{} would be {} USD short of its initial margin in a wallet or in all",
                order.place.account,
                order.place.venue,
                whole(-after)
            ));
        }
    }
    Ok(())
}

/// Initial margin that the hedge would add to its account, as a share of its notional; below zero where it frees some. None where no
/// rulebook says.
fn margin_share(
    (board, desk): (Board<'_>, &Desk),
    rule: &Hedge,
    (with, wanted): (&Tradable, f64),
) -> Option<f64> {
    let size = wanted.abs().max(with.lot_usd() * (1.0 + 1e-9)).copysign(wanted);
    let quantity = with.lots(size).ok().filter(|quantity| !quantity.is_zero())?;
    let order =
        Order { place: &place(rule, &with.listing), listing: &with.listing, priced: &with.priced, quantity };
    let change = order.fill(board).ok()?;
    let states = apply(&desk.states, &[change]).ok()?;
    let asked = |states: &[::margin::AccountState]| {
        let here = |state: &&::margin::AccountState| {
            state.account == rule.place.account && state.venue == with.listing.venue
        };
        let Some(state) = states.iter().find(here) else { return Some(0.0) };
        Some(desk.rules.of(state).ok()?.outcome(state).requirement.initial)
    };
    let notional = border::to_model(quantity).ok()? * with.unit_delta_usd;
    Some((asked(&states)? - asked(&desk.states)?) / notional.abs())
}

/// Where an instrument is traded for a rule.
pub(super) fn place(rule: &Hedge, listing: &Listing) -> book::Place {
    let venue = listing.venue.clone();
    if venue == rule.place.venue { rule.place.clone() } else { book::Place { venue, ..rule.place.clone() } }
}

/// Anything that a plan trades, as what it does to the book: a hedge of delta here, of gamma and vega where several greeks are hedged.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) place: &'a book::Place,
    pub(super) listing: &'a Listing,
    pub(super) priced: &'a Priced,
    /// In the unit of the listing, bought positive.
    pub(super) quantity: Decimal,
}

impl Order<'_> {
    /// As a change of its account, at the mark.
    ///
    /// # Errors
    /// Why there is no such position.
    pub(super) fn fill(&self, board: Board<'_>) -> Result<Change, String> {
        let specs = Specs::embedded();
        let mut builder = BookBuilder::new("plan", &specs);
        builder.add(&RawRow {
            row: 1,
            account: self.place.account.to_string(),
            venue: self.place.venue.to_string(),
            chain: self.place.chain.to_string(),
            kind: BookRow::Position {
                instrument: self.listing.symbol.to_string(),
                quantity: self.quantity.to_string(),
                average_price: String::new(),
            },
        });
        let (book, issues) = builder.finish();
        let state = account_states(&book, board.market).into_iter().next();
        let leg: Option<Leg> = state.and_then(|state| state.legs.into_iter().next());
        let leg = leg.ok_or_else(|| format!("{}: {issues}", self.listing.symbol))?;
        let place = Place { account: self.place.account.clone(), venue: self.place.venue.clone() };
        Ok(Change::Fill { place, leg: leg.at_mark() })
    }

    /// A measure that it adds, USD.
    pub(super) fn adds(&self, of: Measure) -> Option<f64> {
        let size = border::to_model(self.quantity).ok()?;
        Some(measure(self.priced, of) * size * border::to_model(self.listing.contract_size).ok()?)
    }
}

impl Trade {
    /// What it does.
    pub(super) const fn order(&self) -> Order<'_> {
        Order {
            place: &self.place,
            listing: &self.with.listing,
            priced: &self.with.priced,
            quantity: self.quantity,
        }
    }
}

/// Whole USD for sentences.
pub(super) fn whole(usd: f64) -> String {
    Fixed::quantise(usd).map_or_else(|_| "out of range".into(), |usd| crate::render::number::grouped(usd, 0))
}
