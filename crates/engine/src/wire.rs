//! Events as bytes: one struct a kind, in postcard. A journal is kept for years, so a struct here never changes: a new form is a
//! new version of its kind, and this file reads both. Golden bytes in the tests hold it to that.
//!
//! Numbers of the ledger travel as the sixteen bytes of their decimal, model numbers as the eight of their float, times as nanoseconds.

use crate::event::{
    Arming, BlockNumber, CashEvent, CashKind, Command, Event, FillEvent, OrderEvent, OrderNews, ProposalId,
    ReportedEvent, ReportedPosition, Ticket, TransferEvent, TransferNews,
};
use crate::limits::State;
use book::Place;
use journal::Tag;
use market::RawQuote;
use serde::{Deserialize, Serialize};
use units::{
    Account, Asset, Chain, Decimal, FillId, Money, OrderId, Price, Quantity, Spot, Symbol, Timestamp, Venue,
};

const CLOCK: u16 = 1;
const QUOTES: u16 = 2;
const RATE: u16 = 3;
const FILL: u16 = 4;
const CASH: u16 = 5;
const SETTLE: u16 = 6;
const REPORTED: u16 = 7;
const POLICY: u16 = 8;
const OPERATOR: u16 = 9;
const SNAPSHOT: u16 = 10;
const ORDER: u16 = 11;
const LINK: u16 = 12;
const BLOCK: u16 = 13;
const REORG: u16 = 14;
const STARTED: u16 = 15;
const RULEBOOK: u16 = 16;
const TRANSFER: u16 = 17;
/// The version of every kind but for those below.
const VERSION: u16 = 1;
/// A fill that names an order or a block.
const OF_ORDER: u16 = 2;
/// What a person wants to trade, or no longer.
const BY_HAND: u16 = 2;

#[derive(Serialize, Deserialize)]
pub(crate) struct Exact([u8; 16]);

#[derive(Serialize, Deserialize)]
pub(crate) struct At(i64);

#[derive(Serialize, Deserialize)]
pub(crate) struct Held {
    account: Account,
    venue: Venue,
    chain: Chain,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Amount {
    amount: Exact,
    asset: Asset,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Quote {
    row: u64,
    timestamp: Option<At>,
    venue: Option<String>,
    instrument_name: String,
    expiry: Option<At>,
    strike: Option<f64>,
    option_type: Option<String>,
    bid_price: Option<f64>,
    ask_price: Option<f64>,
    mark_price: Option<f64>,
    mark_vol: Option<f64>,
    greeks: [Option<f64>; 5],
    open_interest: Option<f64>,
    volume: Option<f64>,
    underlying_price: Option<f64>,
    underlying_name: Option<String>,
    index_price: Option<f64>,
    funding_rate_8h: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Fill<'a> {
    /// Checked by itself, so that a bad one is told as any other name.
    id: &'a str,
    place: Held,
    symbol: Symbol,
    quantity: Exact,
    price: Exact,
    fee: Option<Amount>,
    time: At,
}

#[derive(Serialize, Deserialize)]
struct FillOfOrder<'a> {
    #[serde(borrow)]
    fill: Fill<'a>,
    order: Option<OrderId>,
    block: Option<BlockNumber>,
}

#[derive(Serialize, Deserialize)]
struct Told {
    id: OrderId,
    news: OrderNews,
    time: At,
}

#[derive(Serialize, Deserialize)]
struct ToldOfTransfer {
    id: ProposalId,
    place: Held,
    news: Moved,
    time: At,
}

#[derive(Serialize, Deserialize)]
enum Moved {
    Accepted,
    Rejected(String),
    Left { fee: Option<Amount>, block: Option<BlockNumber> },
    Arrived,
    NotKnown,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Deposit,
    Funding(Symbol),
    Transfer(Held),
}

#[derive(Serialize, Deserialize)]
struct Cash {
    place: Held,
    money: Amount,
    kind: Kind,
    time: At,
}

#[derive(Serialize, Deserialize)]
struct Settle {
    venue: Venue,
    symbol: Symbol,
    price: Exact,
    time: At,
}

#[derive(Serialize, Deserialize)]
struct Reported {
    place: Held,
    positions: Vec<(Symbol, Exact, Option<Exact>)>,
    balances: Vec<(Asset, Exact)>,
    time: At,
}

#[derive(Serialize, Deserialize)]
enum Said {
    Adopt(Held),
    State(Option<State>),
    Arming(Arming),
    Approve(ProposalId),
    Decline(ProposalId),
}

#[derive(Serialize, Deserialize)]
enum ByHand {
    Propose { place: Held, symbol: Symbol, quantity: Exact, limit_price: Option<Exact> },
    Cancel(OrderId),
}

impl ByHand {
    fn of(ticket: &Ticket) -> Self {
        let Ticket { place, symbol, quantity, limit_price } = ticket;
        let limit_price = limit_price.map(|price| Exact::of(price.get()));
        Self::Propose {
            place: place.into(),
            symbol: symbol.clone(),
            quantity: Exact::of(quantity.get()),
            limit_price,
        }
    }
}

impl From<ByHand> for Command {
    fn from(said: ByHand) -> Self {
        match said {
            ByHand::Propose { place, symbol, quantity, limit_price } => Self::Propose(Ticket {
                place: place.into(),
                symbol,
                quantity: Quantity::new(quantity.get()),
                limit_price: limit_price.map(|price| Price::new(price.get())),
            }),
            ByHand::Cancel(id) => Self::Cancel(id),
        }
    }
}

impl Exact {
    pub(crate) fn of(value: Decimal) -> Self {
        Self(value.serialize())
    }

    pub(crate) fn get(&self) -> Decimal {
        Decimal::deserialize(self.0)
    }
}

impl At {
    pub(crate) const fn of(time: Timestamp) -> Self {
        Self(time.unix_nanos())
    }

    pub(crate) const fn get(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0)
    }
}

impl From<&Place> for Held {
    fn from(place: &Place) -> Self {
        Self { account: place.account.clone(), venue: place.venue.clone(), chain: place.chain.clone() }
    }
}

impl From<Held> for Place {
    fn from(held: Held) -> Self {
        Self { account: held.account, venue: held.venue, chain: held.chain }
    }
}

impl From<&Money> for Amount {
    fn from(money: &Money) -> Self {
        Self { amount: Exact::of(money.amount), asset: money.asset.clone() }
    }
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self { amount: amount.amount.get(), asset: amount.asset }
    }
}

impl From<&RawQuote> for Quote {
    fn from(raw: &RawQuote) -> Self {
        Self {
            row: raw.row,
            timestamp: raw.timestamp.map(At::of),
            venue: raw.venue.clone(),
            instrument_name: raw.instrument_name.clone(),
            expiry: raw.expiry.map(At::of),
            strike: raw.strike,
            option_type: raw.option_type.clone(),
            bid_price: raw.bid_price,
            ask_price: raw.ask_price,
            mark_price: raw.mark_price,
            mark_vol: raw.mark_vol,
            greeks: [raw.delta, raw.gamma, raw.vega_per_point, raw.theta_per_day, raw.rho_per_1pct],
            open_interest: raw.open_interest,
            volume: raw.volume,
            underlying_price: raw.underlying_price,
            underlying_name: raw.underlying_name.clone(),
            index_price: raw.index_price,
            funding_rate_8h: raw.funding_rate_8h,
        }
    }
}

impl From<Quote> for RawQuote {
    fn from(quote: Quote) -> Self {
        let [delta, gamma, vega_per_point, theta_per_day, rho_per_1pct] = quote.greeks;
        Self {
            row: quote.row,
            timestamp: quote.timestamp.map(|at| at.get()),
            venue: quote.venue,
            instrument_name: quote.instrument_name,
            expiry: quote.expiry.map(|at| at.get()),
            strike: quote.strike,
            option_type: quote.option_type,
            bid_price: quote.bid_price,
            ask_price: quote.ask_price,
            mark_price: quote.mark_price,
            mark_vol: quote.mark_vol,
            delta,
            gamma,
            vega_per_point,
            theta_per_day,
            rho_per_1pct,
            open_interest: quote.open_interest,
            volume: quote.volume,
            underlying_price: quote.underlying_price,
            underlying_name: quote.underlying_name,
            index_price: quote.index_price,
            funding_rate_8h: quote.funding_rate_8h,
        }
    }
}

/// Appends a value.
pub(crate) fn put(payload: &mut Vec<u8>, value: &impl Serialize) {
    // A vector grows as it must, so there is nothing that could go wrong.
    if let Ok(bytes) = postcard::to_allocvec(value) {
        payload.extend_from_slice(&bytes);
    }
}

fn by_hand(payload: &mut Vec<u8>, who: &str, said: &ByHand) -> Tag {
    put(payload, &(who, said));
    Tag { kind: OPERATOR, version: BY_HAND }
}

/// Reads a value that fills the payload.
pub(crate) fn get<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, String> {
    let (value, rest) = postcard::take_from_bytes(payload).map_err(|e| format!("payload: {e}"))?;
    if rest.is_empty() { Ok(value) } else { Err(format!("payload: {} bytes too many", rest.len())) }
}

impl journal::Event for Event {
    fn encode(&self, payload: &mut Vec<u8>) -> Tag {
        let kind = match self {
            Self::Clock => CLOCK,
            Self::Quotes { feed, rows } => {
                put(payload, &(feed, rows.iter().map(Quote::from).collect::<Vec<_>>()));
                QUOTES
            }
            Self::Snapshot { feed, rows } => {
                put(payload, &(feed, rows.iter().map(Quote::from).collect::<Vec<_>>()));
                SNAPSHOT
            }
            Self::Rate { asset, usd } => {
                put(payload, &(asset, usd.map(Spot::get)));
                RATE
            }
            Self::Fill(fill) if fill.order.is_none() && fill.block.is_none() => {
                put(payload, &Fill::from(fill));
                FILL
            }
            Self::Fill(fill) => {
                let (order, block) = (fill.order.clone(), fill.block);
                put(payload, &FillOfOrder { fill: Fill::from(fill), order, block });
                return Tag { kind: FILL, version: OF_ORDER };
            }
            Self::Order(OrderEvent { id, news, time }) => {
                put(payload, &Told { id: id.clone(), news: news.clone(), time: At::of(*time) });
                ORDER
            }
            Self::Transfer(transfer) => {
                put(payload, &ToldOfTransfer::from(transfer));
                TRANSFER
            }
            Self::Link { venue, link } => {
                put(payload, &(venue, link));
                LINK
            }
            Self::Block { chain, number } => {
                put(payload, &(chain, number));
                BLOCK
            }
            Self::Reorg { chain, from } => {
                put(payload, &(chain, from));
                REORG
            }
            Self::Started => STARTED,
            Self::Rulebook { file, text } => {
                put(payload, &(file, text));
                RULEBOOK
            }
            Self::Cash(cash) => {
                put(payload, &Cash::from(cash));
                CASH
            }
            Self::Settle { venue, symbol, price, time } => {
                let (venue, symbol) = (venue.clone(), symbol.clone());
                put(payload, &Settle { venue, symbol, price: Exact::of(price.get()), time: At::of(*time) });
                SETTLE
            }
            Self::Reported(reported) => {
                put(payload, &Reported::from(reported));
                REPORTED
            }
            Self::Policy { text } => {
                put(payload, text);
                POLICY
            }
            Self::Operator { who, command } => {
                let said = match command {
                    Command::Propose(ticket) => return by_hand(payload, who, &ByHand::of(ticket)),
                    Command::Cancel(id) => return by_hand(payload, who, &ByHand::Cancel(id.clone())),
                    Command::Adopt { place } => Said::Adopt(place.into()),
                    Command::State(state) => Said::State(*state),
                    Command::Arming(arming) => Said::Arming(*arming),
                    Command::Approve(proposal) => Said::Approve(*proposal),
                    Command::Decline(proposal) => Said::Decline(*proposal),
                };
                put(payload, &(who, said));
                OPERATOR
            }
        };
        Tag { kind, version: VERSION }
    }

    fn decode(tag: Tag, payload: &[u8]) -> Result<Self, String> {
        if (tag.kind, tag.version) == (FILL, OF_ORDER) {
            let FillOfOrder { fill, order, block } = get(payload)?;
            return Ok(Self::Fill(FillEvent { order, block, ..fill.try_into()? }));
        }
        if (tag.kind, tag.version) == (OPERATOR, BY_HAND) {
            let (who, said): (String, ByHand) = get(payload)?;
            return Ok(Self::Operator { who, command: said.into() });
        }
        if tag.version != VERSION {
            return Err(format!(
                "kind {} version {}: this program reads version {VERSION}",
                tag.kind, tag.version
            ));
        }
        Ok(match tag.kind {
            CLOCK if payload.is_empty() => Self::Clock,
            QUOTES => {
                let (feed, rows): (String, Vec<Quote>) = get(payload)?;
                Self::Quotes { feed, rows: rows.into_iter().map(RawQuote::from).collect() }
            }
            SNAPSHOT => {
                let (feed, rows): (String, Vec<Quote>) = get(payload)?;
                Self::Snapshot { feed, rows: rows.into_iter().map(RawQuote::from).collect() }
            }
            RATE => {
                let (asset, usd): (Asset, Option<f64>) = get(payload)?;
                Self::Rate { asset, usd: usd.map(Spot::new).transpose().map_err(text)? }
            }
            FILL => Self::Fill(get::<Fill<'_>>(payload)?.try_into()?),
            CASH => Self::Cash(get::<Cash>(payload)?.into()),
            SETTLE => {
                let Settle { venue, symbol, price, time } = get(payload)?;
                Self::Settle { venue, symbol, price: Price::new(price.get()), time: time.get() }
            }
            REPORTED => Self::Reported(get::<Reported>(payload)?.into()),
            POLICY => Self::Policy { text: get(payload)? },
            OPERATOR => {
                let (who, said): (String, Said) = get(payload)?;
                let command = match said {
                    Said::Adopt(place) => Command::Adopt { place: place.into() },
                    Said::State(state) => Command::State(state),
                    Said::Arming(arming) => Command::Arming(arming),
                    Said::Approve(proposal) => Command::Approve(proposal),
                    Said::Decline(proposal) => Command::Decline(proposal),
                };
                Self::Operator { who, command }
            }
            ORDER => {
                let Told { id, news, time } = get(payload)?;
                Self::Order(OrderEvent { id, news, time: time.get() })
            }
            TRANSFER => Self::Transfer(get::<ToldOfTransfer>(payload)?.into()),
            LINK => {
                let (venue, link) = get(payload)?;
                Self::Link { venue, link }
            }
            BLOCK => {
                let (chain, number) = get(payload)?;
                Self::Block { chain, number }
            }
            REORG => {
                let (chain, from) = get(payload)?;
                Self::Reorg { chain, from }
            }
            STARTED if payload.is_empty() => Self::Started,
            RULEBOOK => {
                let (file, text) = get(payload)?;
                Self::Rulebook { file, text }
            }
            kind => return Err(format!("kind {kind}: this program knows 1 to {TRANSFER}")),
        })
    }
}

impl<'a> From<&'a FillEvent> for Fill<'a> {
    fn from(fill: &'a FillEvent) -> Self {
        Self {
            id: fill.id.as_str(),
            place: (&fill.place).into(),
            symbol: fill.symbol.clone(),
            quantity: Exact::of(fill.quantity.get()),
            price: Exact::of(fill.price.get()),
            fee: fill.fee.as_ref().map(Amount::from),
            time: At::of(fill.time),
        }
    }
}

impl TryFrom<Fill<'_>> for FillEvent {
    type Error = String;

    fn try_from(fill: Fill<'_>) -> Result<Self, String> {
        Ok(Self {
            id: FillId::new(fill.id).map_err(text)?,
            place: fill.place.into(),
            symbol: fill.symbol,
            quantity: Quantity::new(fill.quantity.get()),
            price: Price::new(fill.price.get()),
            fee: fill.fee.map(Money::from),
            time: fill.time.get(),
            order: None,
            block: None,
        })
    }
}

impl From<&CashEvent> for Cash {
    fn from(cash: &CashEvent) -> Self {
        let kind = match &cash.kind {
            CashKind::Deposit => Kind::Deposit,
            CashKind::Funding { symbol } => Kind::Funding(symbol.clone()),
            CashKind::Transfer { to } => Kind::Transfer(to.into()),
        };
        Self { place: (&cash.place).into(), money: (&cash.money).into(), kind, time: At::of(cash.time) }
    }
}

impl From<Cash> for CashEvent {
    fn from(cash: Cash) -> Self {
        let kind = match cash.kind {
            Kind::Deposit => CashKind::Deposit,
            Kind::Funding(symbol) => CashKind::Funding { symbol },
            Kind::Transfer(to) => CashKind::Transfer { to: to.into() },
        };
        Self { place: cash.place.into(), money: cash.money.into(), kind, time: cash.time.get() }
    }
}

impl From<&TransferEvent> for ToldOfTransfer {
    fn from(event: &TransferEvent) -> Self {
        let news = match &event.news {
            TransferNews::Accepted => Moved::Accepted,
            TransferNews::Rejected(why) => Moved::Rejected(why.clone()),
            TransferNews::Left { fee, block } => {
                Moved::Left { fee: fee.as_ref().map(Amount::from), block: *block }
            }
            TransferNews::Arrived => Moved::Arrived,
            TransferNews::NotKnown => Moved::NotKnown,
        };
        Self { id: event.id, place: (&event.place).into(), news, time: At::of(event.time) }
    }
}

impl From<ToldOfTransfer> for TransferEvent {
    fn from(told: ToldOfTransfer) -> Self {
        let news = match told.news {
            Moved::Accepted => TransferNews::Accepted,
            Moved::Rejected(why) => TransferNews::Rejected(why),
            Moved::Left { fee, block } => TransferNews::Left { fee: fee.map(Money::from), block },
            Moved::Arrived => TransferNews::Arrived,
            Moved::NotKnown => TransferNews::NotKnown,
        };
        Self { id: told.id, place: told.place.into(), news, time: told.time.get() }
    }
}

impl From<&ReportedEvent> for Reported {
    fn from(reported: &ReportedEvent) -> Self {
        let positions = reported.positions.iter().map(|p| {
            (
                p.symbol.clone(),
                Exact::of(p.quantity.get()),
                p.average_price.map(|price| Exact::of(price.get())),
            )
        });
        let balances = reported.balances.iter().map(|(a, d)| (a.clone(), Exact::of(*d)));
        Self {
            place: (&reported.place).into(),
            positions: positions.collect(),
            balances: balances.collect(),
            time: At::of(reported.time),
        }
    }
}

impl From<Reported> for ReportedEvent {
    fn from(reported: Reported) -> Self {
        let positions = reported.positions.into_iter().map(|(symbol, quantity, price)| ReportedPosition {
            symbol,
            quantity: Quantity::new(quantity.get()),
            average_price: price.map(|price| Price::new(price.get())),
        });
        let balances = reported.balances.into_iter().map(|(a, d)| (a, d.get()));
        Self {
            place: reported.place.into(),
            positions: positions.collect(),
            balances: balances.collect(),
            time: reported.time.get(),
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn text(error: units::UnitError) -> String {
    error.to_string()
}
