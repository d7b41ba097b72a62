//! All of it in simulated time: the market, the venues, their links, and what happens next.

use crate::accounts::Counters;
use crate::config::{IncidentKind, WorldConfig};
use crate::draw::{Draw, Seed};
use crate::grid::whole;
use crate::link::{Link, Post};
use crate::market::Generator;
use crate::orders::Stage;
use crate::venue::{Request, Venue as Paper};
use book::{Ledger, LedgerError, Place};
use engine::{Event, Link as LinkState, Order, Output, ProposalId, Transfer};
use instrument::{Listing, Specs, SymbolError};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Chain, Issues, OrderId, Price, Quantity, Spot, Symbol, Timestamp, UnitError, Venue};

/// Why there is no world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Every mistake of its configuration.
    #[error("the world breaks rules:\n{0}")]
    Config(Issues),
    /// A product that its venue's grammar has no name for.
    #[error("{venue} lists no {contract}: its grammar has no symbol for it")]
    NotListed {
        /// The venue.
        venue: Venue,
        /// The contract.
        contract: String,
    },
    /// Two products that are the same.
    #[error("{venue} lists {symbol} twice: products overlap")]
    ListedTwice {
        /// The venue.
        venue: Venue,
        /// The symbol.
        symbol: Symbol,
    },
    /// A symbol that does not resolve.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// A number outside its range.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// An opening that no ledger takes.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What is to be done at a time.
#[derive(Debug, Clone)]
enum Task {
    Step,
    Block(usize),
    Funding(usize),
    Report(usize),
    Settlement(usize),
    Incident(usize),
    Restore(usize),
    Arrival(usize, Request),
    /// The time of an order is over.
    Timeout(usize, OrderId),
    /// An exchange carries a transfer out.
    Departure(usize, ProposalId),
    /// The money of a transfer comes to a venue.
    Credit(usize, Transfer),
}

/// A market, venues that trade in it, and the messages between them and us.
#[derive(Debug)]
pub struct World {
    config: WorldConfig,
    now: Timestamp,
    start: Timestamp,
    market: Generator,
    venues: Vec<Paper>,
    links: Vec<Link>,
    /// Times between random things: blocks and outages.
    draw: Draw,
    tasks: BTreeMap<(Timestamp, u64), Task>,
    scheduled: u64,
    post: Post,
    opening: Vec<Event>,
}

/// What a venue really holds for us.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    /// Its name.
    pub venue: &'a Venue,
    /// The chain that it is on; `offchain` for an exchange.
    pub chain: &'a Chain,
    /// Our places there.
    pub places: &'a [Place],
    /// Positions and balances of all our places there.
    pub ledger: &'a Ledger,
    /// What everybody else has gained: with the balances it sums to zero in each asset.
    pub counters: &'a Counters,
}

/// What a venue knows of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderTruth {
    /// Signed, what was ordered.
    pub quantity: Quantity,
    /// Signed, what was filled in blocks that stand.
    pub filled: Quantity,
    /// Whether it may still be filled.
    pub is_open: bool,
}

/// Prices of an instrument as they are now, on its ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Best bid.
    pub bid: Option<Price>,
    /// Best offer.
    pub ask: Option<Price>,
    /// Mark, on the nearest tick.
    pub mark: Price,
}

/// What can be traded, and in which steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Traded {
    /// The listing.
    pub listing: Arc<Listing>,
    /// Prices are multiples of it.
    pub tick: Price,
    /// Quantities are multiples of it.
    pub lot: Quantity,
    /// The least order.
    pub minimum: Quantity,
}

impl World {
    /// A world at its start: everything that follows is decided by configuration, seed and what [`Self::take`] is given.
    ///
    /// # Errors
    /// When the configuration breaks a rule, or a product has no symbol in its venue's grammar.
    pub fn new(config: &WorldConfig, seed: Seed, start: Timestamp) -> Result<Self, WorldError> {
        let market = Generator::new(config, seed)?;
        let mut world = Self {
            config: config.clone(),
            now: start,
            start,
            market,
            venues: Vec::new(),
            links: Vec::new(),
            draw: Draw::new(seed, "times"),
            tasks: BTreeMap::new(),
            scheduled: 0,
            post: Post::new(),
            opening: Vec::new(),
        };
        for rate in &config.rate {
            world.opening.push(Event::Rate { asset: rate.asset.clone(), usd: Some(Spot::new(rate.usd)?) });
        }
        let specs = Specs::embedded();
        for (at, of) in config.venue.iter().enumerate() {
            let mut venue = Paper::new((config, of), &specs, seed, start)?;
            venue.refresh(start, &world.market);
            world.opening.push(Event::Link { venue: of.name.clone(), link: LinkState::Up });
            world.opening.extend(venue.open(start)?);
            let draw = Draw::new(seed, &format!("{} link", of.name));
            world.links.push(Link::new((at, of.name.clone()), (of.latency, of.faults), draw, start));
            world.venues.push(venue);
        }
        world.script();
        Ok(world)
    }

    /// The first task of each kind.
    fn script(&mut self) {
        for (at, incident) in self.config.incident.iter().enumerate() {
            let time = self.start.plus_millis(i64::from(incident.start_seconds) * 1000);
            self.scheduled += 1;
            self.tasks.insert((time, self.scheduled), Task::Incident(at));
        }
        for venue in 0..self.venues.len() {
            for expiry in self.venues[venue].expiries() {
                self.schedule(expiry, Task::Settlement(venue));
            }
            let config = &self.venues[venue].config;
            let (funding, report) = (config.funding_every_seconds, config.report_every_seconds);
            self.schedule_after(i64::from(funding) * 1000, Task::Funding(venue));
            self.schedule_after(i64::from(report) * 1000, Task::Report(venue));
            self.next_block(venue);
        }
        self.schedule_after(i64::from(self.config.step_millis), Task::Step);
    }

    /// What an engine has to be told first: rates of currencies; for each venue its link, deposits and positions, and a report of these.
    #[must_use]
    pub fn opening(&self) -> &[Event] {
        &self.opening
    }

    /// The time of the last event or task.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The market as it really is.
    #[must_use]
    pub const fn market(&self) -> &Generator {
        &self.market
    }

    /// Does what the edge does with an output: orders, cancels, transfers and questions travel to their venue; the rest is nothing to it. What
    /// is sent over a link that is down is lost.
    pub fn take(&mut self, now: Timestamp, output: &Output) {
        let (venue, request) = match output {
            Output::Order(order) => (&order.place.venue, Request::Order(order.clone())),
            Output::Cancel { id, place } => (&place.venue, Request::Cancel(id.clone())),
            Output::Query { id, place } => (&place.venue, Request::Query(id.clone())),
            Output::Transfer(transfer) => (&transfer.from.venue, Request::Transfer(transfer.clone())),
            Output::QueryTransfer { id, place } => (&place.venue, Request::QueryTransfer(*id, place.clone())),
            _ => return,
        };
        let Some(venue) = self.config.venues().position(|name| name == venue) else { return };
        if self.post.is_heard && self.links[venue].is_up {
            let at = self.links[venue].arrival(now.max(self.now));
            self.schedule(at, Task::Arrival(venue, request));
        }
    }

    /// The next event that arrives, and when, if that is not after `until`. The world goes no further than that event, so that
    /// [`Self::take`] may answer it.
    pub fn next(&mut self, until: Timestamp) -> Option<(Timestamp, Event)> {
        loop {
            let task = self.tasks.first_key_value().map(|((at, _), _)| *at);
            let message = self.post.next_time();
            let is_message = match (message, task) {
                (Some(message), Some(task)) => message <= task,
                (message, _) => message.is_some(),
            };
            let next = if is_message { message } else { task };
            let Some(at) = next.filter(|at| *at <= until) else {
                self.now = self.now.max(until);
                return None;
            };
            self.now = self.now.max(at);
            if is_message {
                return self.post.pop();
            }
            if let Some((_, task)) = self.tasks.pop_first() {
                self.run(task);
            }
        }
    }

    /// All events that arrive until a time, with nothing said in between.
    pub fn advance(&mut self, until: Timestamp) -> Vec<(Timestamp, Event)> {
        std::iter::from_fn(|| self.next(until)).collect()
    }

    /// The engine's process died: whatever is on its way to it is lost, and nothing reaches it before [`Self::connected`]. The venues go on.
    pub fn disconnected(&mut self) {
        self.post.is_heard = false;
        self.links.iter_mut().for_each(|link| link.forget(&mut self.post));
    }

    /// The process is back: links that stand come up, replaced blocks that it did not hear of are told, every place is reported.
    pub fn connected(&mut self) {
        self.post.is_heard = true;
        for venue in 0..self.venues.len() {
            if self.links[venue].is_up {
                self.restore(venue);
            }
        }
    }

    /// What each venue really holds, in the order of the file.
    pub fn truth(&self) -> impl Iterator<Item = Truth<'_>> {
        self.venues.iter().map(|venue| Truth {
            venue: &venue.config.name,
            chain: &venue.chain,
            places: venue.places(),
            ledger: venue.accounts().ledger(),
            counters: venue.accounts().counters(),
        })
    }

    /// What a venue knows of an order; none when it never arrived or was rejected.
    #[must_use]
    pub fn order(&self, venue: &Venue, id: &OrderId) -> Option<OrderTruth> {
        let venue = self.venue(venue)?;
        let record = venue.orders().get(id)?;
        let lot = venue.listings().nth(record.instrument)?.lot;
        let filled = record.filled_lots * record.lots.signum();
        (!matches!(record.stage, Stage::Refused(_))).then(|| OrderTruth {
            quantity: record.order.quantity,
            filled: Quantity::new(lot.decimal(filled)),
            is_open: matches!(record.stage, Stage::Pending | Stage::Standing),
        })
    }

    /// What has left a venue and is not credited at another yet.
    pub fn under_way(&self) -> impl Iterator<Item = &Transfer> {
        let departed = self.venues.iter().flat_map(Paper::departed);
        departed.filter(|transfer| !self.venues.iter().any(|venue| venue.has_credited(transfer.id)))
    }

    /// Whether the money of a transfer left its source, in a block that stands where there are blocks.
    #[must_use]
    pub fn has_left(&self, id: ProposalId) -> bool {
        self.venues.iter().flat_map(Paper::departed).any(|transfer| transfer.id == id)
    }

    /// Ids of orders that a venue may still fill.
    pub fn open_orders<'a>(&'a self, venue: &Venue) -> impl Iterator<Item = &'a OrderId> + use<'a> {
        self.venue(venue).into_iter().flat_map(|venue| {
            let open = |stage: &Stage| matches!(stage, Stage::Pending | Stage::Standing);
            venue.orders().all().filter(move |(_, record)| open(&record.stage)).map(|(id, _)| id)
        })
    }

    /// What a venue lists and has not settled.
    pub fn traded<'a>(&'a self, venue: &Venue) -> impl Iterator<Item = Traded> + use<'a> {
        self.venue(venue).into_iter().flat_map(|venue| {
            venue.listings().filter(|listed| listed.is_live).map(|listed| Traded {
                listing: listed.listing.clone(),
                tick: Price::new(listed.tick.decimal(1)),
                lot: Quantity::new(listed.lot.decimal(1)),
                minimum: Quantity::new(listed.lot.decimal(listed.minimum_lots)),
            })
        })
    }

    /// Prices of an instrument as they really are; none when it is not listed.
    #[must_use]
    pub fn prices(&self, venue: &Venue, symbol: &Symbol) -> Option<Prices> {
        let [bid, ask, mark] = self.venue(venue)?.best(symbol, self.now)?;
        Some(Prices { bid: bid.map(Price::new), ask: ask.map(Price::new), mark: Price::new(mark?) })
    }

    /// What should never happen and did: amounts that no ledger of 28 digits holds.
    pub fn troubles(&self) -> impl Iterator<Item = &str> {
        self.venues.iter().flat_map(|venue| venue.troubles.iter().map(String::as_str))
    }

    fn venue(&self, name: &Venue) -> Option<&Paper> {
        self.venues.iter().find(|venue| venue.config.name == *name)
    }

    fn schedule(&mut self, at: Timestamp, task: Task) {
        self.scheduled += 1;
        self.tasks.insert((at, self.scheduled), task);
    }

    fn schedule_after(&mut self, millis: i64, task: Task) {
        self.schedule(self.now.plus_millis(millis), task);
    }

    fn next_block(&mut self, venue: usize) {
        let Some(chain) = &self.venues[venue].config.chain else { return };
        let mean = f64::from(chain.block_millis);
        let random = self.draw.exponential(mean);
        let millis = match chain.spacing {
            crate::config::Spacing::Constant => mean,
            crate::config::Spacing::Poisson => random.max(1.0),
        };
        self.schedule_after(whole(millis), Task::Block(venue));
    }

    fn run(&mut self, task: Task) {
        let now = self.now;
        match task {
            Task::Step => self.step(),
            Task::Block(venue) => {
                self.venues[venue].block(now);
                for transfer in self.venues[venue].confirmed() {
                    self.on_its_way(now, transfer);
                }
                self.next_block(venue);
                self.send(venue);
            }
            Task::Funding(venue) => {
                self.venues[venue].fund(now, &self.market);
                let every = i64::from(self.venues[venue].config.funding_every_seconds);
                self.schedule_after(every * 1000, Task::Funding(venue));
                self.send(venue);
            }
            Task::Report(venue) => {
                self.report(venue);
                let every = i64::from(self.venues[venue].config.report_every_seconds);
                self.schedule_after(every * 1000, Task::Report(venue));
            }
            Task::Settlement(venue) => {
                self.venues[venue].settle(now);
                self.send(venue);
            }
            Task::Incident(at) => self.incident(at),
            Task::Restore(venue) => self.restore(venue),
            Task::Arrival(venue, request) => self.arrive(venue, request),
            Task::Timeout(venue, id) => {
                self.venues[venue].expire(now, &id);
                self.send(venue);
            }
            Task::Departure(venue, id) => {
                let millis = i64::from(self.venues[venue].config.transfer.transit_seconds) * 1000;
                if let Some(transfer) = self.venues[venue].depart(now, id) {
                    self.on_its_way(now.plus_millis(millis), transfer);
                }
                self.send(venue);
            }
            Task::Credit(venue, transfer) => {
                self.venues[venue].credit(now, &transfer);
                self.send(venue);
            }
        }
    }

    fn step(&mut self) {
        self.market.step();
        let now = self.now;
        let step_millis = i64::from(self.config.step_millis);
        let seconds = f64::from(self.config.step_millis) / 1000.0;
        let elapsed_millis = (now.unix_nanos() - self.start.unix_nanos()) / 1_000_000;
        for venue in 0..self.venues.len() {
            let is_lost = self.venues[venue].step(now, &self.market, seconds);
            if elapsed_millis % i64::from(self.venues[venue].config.quote_every_millis) == 0 {
                self.venues[venue].publish(now, &self.market);
            }
            self.send(venue);
            if is_lost {
                let mean = self.venues[venue].config.faults.outage_seconds * 1000.0;
                let millis = whole(self.draw.exponential(mean)) + 1;
                self.lose(venue, millis);
            }
        }
        self.schedule_after(step_millis, Task::Step);
    }

    /// An order that has come in is watched for its end.
    fn arrive(&mut self, venue: usize, request: Request) {
        let now = self.now;
        if let Request::Order(Order { id, valid_until, .. }) = &request
            && *valid_until >= now
        {
            self.schedule(*valid_until, Task::Timeout(venue, id.clone()));
        }
        if let Request::Transfer(transfer) = &request {
            if self.venue_of(&transfer.to).is_none() {
                self.venues[venue].refuse_transfer(now, transfer.clone(), "no such destination");
                self.send(venue);
                return;
            }
            let config = &self.venues[venue].config;
            if config.chain.is_none() {
                let millis = i64::from(config.transfer.process_millis);
                self.schedule_after(millis, Task::Departure(venue, transfer.id));
            }
        }
        self.venues[venue].receive(now, request);
        self.send(venue);
    }

    /// The money of a transfer is credited then.
    fn on_its_way(&mut self, at: Timestamp, transfer: Transfer) {
        if let Some(venue) = self.venue_of(&transfer.to) {
            self.schedule(at, Task::Credit(venue, transfer));
        }
    }

    fn venue_of(&self, place: &Place) -> Option<usize> {
        self.venues.iter().position(|venue| venue.places().contains(place))
    }

    fn incident(&mut self, at: usize) {
        let incident = self.config.incident[at].clone();
        let Some(venue) = self.config.venues().position(|name| *name == incident.venue) else { return };
        let millis = i64::from(incident.duration_seconds) * 1000;
        if incident.kind == IncidentKind::Outage {
            self.lose(venue, millis);
            return;
        }
        let until = self.now.plus_millis(millis);
        self.venues[venue].incident(self.now, incident.kind, incident.size, until);
        self.send(venue);
    }

    /// An outage begins; one within another changes nothing.
    fn lose(&mut self, venue: usize, millis: i64) {
        if self.links[venue].is_up {
            self.links[venue].lose(self.now, &mut self.post);
            self.schedule_after(millis, Task::Restore(venue));
        }
    }

    fn restore(&mut self, venue: usize) {
        self.links[venue].restore(self.now, &mut self.post);
        self.report(venue);
    }

    fn report(&mut self, venue: usize) {
        self.venues[venue].report(self.now);
        self.send(venue);
    }

    /// What a venue has said goes on its way.
    fn send(&mut self, venue: usize) {
        for event in std::mem::take(&mut self.venues[venue].outbox) {
            self.links[venue].send(self.now, event, &mut self.post);
        }
    }
}

/// Quotes as a whole snapshot of their feed: time passes with them, so that limits never see new times with old quotes. Other events stay
/// as they are.
#[must_use]
pub fn as_snapshot(event: Event) -> Event {
    match event {
        Event::Quotes { feed, rows } => Event::Snapshot { feed, rows },
        other => other,
    }
}
