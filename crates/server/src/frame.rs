//! One state of the engine, as everybody reads it: never changed, and looked at by as many as like.
//!
//! The thread that owns the engine makes a frame of it after a commit, at most some times a second; views are functions of a frame. A
//! *changed* frame is the same book and market after what a person asked "what if" about: it is made anew for each question and shares
//! nothing with the engine but its past.

use crate::said::Said;
use crate::views::{AccountMargins, accounts};
use book::Book;
use engine::Engine;
use journal::{Head, Seq};
use margin::{AccountState, Netted, Rulebook};
use market::{Bump, BumpError, Market};
use risk::{Exposure, Group, GroupBy, Sheet, Valuation};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use units::{Account, Timestamp, Venue};

/// Who takes a frame first. In a steady beat views of every hundred milliseconds take every second frame, and those that cost more and come
/// less often the frames between: so neither waits for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Turn {
    /// All: it comes after a pause, and another may be long in coming.
    #[default]
    Everybody,
    Quick,
    Thorough,
}

/// One state.
#[derive(Debug)]
pub struct Frame {
    engine: Arc<Engine>,
    /// The last record that the state contains.
    pub(crate) record: Seq,
    /// The last commit, where it is known: a state in the middle of one has none.
    pub(crate) head: Option<Head>,
    /// True for the newest state of a journal that is being written.
    pub(crate) is_live: bool,
    /// What was said last, newest first.
    pub(crate) recent: Vec<Said>,
    /// When it was made, by the clock of the wall; none for a state that was replayed.
    pub(crate) made: Option<Instant>,
    pub(crate) turn: Turn,
    changed: Option<Changed>,
    held: Arc<Held>,
    sheet: OnceLock<Sheet>,
    valuation: OnceLock<Valuation>,
    by_underlying: OnceLock<Vec<Group>>,
    total: OnceLock<Exposure>,
    accounts: OnceLock<Vec<AccountState>>,
    margins: OnceLock<Vec<AccountMargins>>,
}

/// The ledger as a book, and that netted: one for all frames between two changes of the ledger.
#[derive(Debug, Default)]
struct Held {
    book: OnceLock<Arc<Book>>,
    netted: OnceLock<Netted>,
}

impl Held {
    fn new(book: Book) -> Self {
        Self { book: OnceLock::from(Arc::new(book)), netted: OnceLock::new() }
    }
}

/// What stands in for the engine's own.
#[derive(Debug)]
struct Changed {
    market: Market,
    bump: Option<Bump>,
    /// Rules that some accounts go by instead of theirs.
    rules: OtherRules,
}

/// Rulebooks by account and venue.
pub(crate) type OtherRules = BTreeMap<(Account, Venue), Rulebook>;

impl Frame {
    /// The state after a record.
    #[must_use]
    pub fn new(engine: Engine, record: Seq, head: Option<Head>) -> Self {
        Self::of(Arc::new(engine), (record, head))
    }

    fn of(engine: Arc<Engine>, (record, head): (Seq, Option<Head>)) -> Self {
        Self {
            engine,
            record,
            head,
            is_live: false,
            recent: Vec::new(),
            made: None,
            turn: Turn::default(),
            changed: None,
            held: Arc::default(),
            sheet: OnceLock::new(),
            valuation: OnceLock::new(),
            by_underlying: OnceLock::new(),
            total: OnceLock::new(),
            accounts: OnceLock::new(),
            margins: OnceLock::new(),
        }
    }

    /// The same, as the newest state of a journal that is being written, made at this moment.
    pub(crate) fn live(self, (made, turn): (Instant, Turn)) -> Self {
        Self { is_live: true, made: Some(made), turn, ..self }
    }

    /// The same, with the book of an earlier one while the ledger is the same.
    pub(crate) fn after(self, earlier: Option<&Self>) -> Self {
        match earlier {
            Some(earlier)
                if !earlier.is_what_if() && self.engine.ledger().is_shared_with(earlier.engine.ledger()) =>
            {
                Self { held: earlier.held.clone(), ..self }
            }
            _ => self,
        }
    }

    /// The same, with what was said last, newest first.
    pub(crate) fn saying(self, recent: Vec<Said>) -> Self {
        Self { recent, ..self }
    }

    /// This book on a bumped market.
    ///
    /// # Errors
    /// As [`Market::bumped`].
    pub(crate) fn bumped(&self, bump: Bump) -> Result<Self, BumpError> {
        let market = self.market().bumped(&bump)?;
        Ok(Self {
            changed: Some(Changed { market, bump: Some(bump), rules: OtherRules::new() }),
            ..self.same()
        })
    }

    /// Another book on this market, some accounts under other rules.
    pub(crate) fn holding(&self, book: Book, rules: OtherRules) -> Self {
        let changed = Changed { market: self.market().clone(), bump: self.bump(), rules };
        Self { changed: Some(changed), held: Arc::new(Held::new(book)), ..self.same() }
    }

    fn same(&self) -> Self {
        let frame = Self::of(self.engine.clone(), (self.record, self.head));
        let held = if self.is_what_if() { Arc::default() } else { self.held.clone() };
        Self { is_live: self.is_live, held, ..frame }
    }

    pub(crate) fn shared_engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn market(&self) -> &Market {
        self.changed.as_ref().map_or(self.engine.market(), |changed| &changed.market)
    }

    pub(crate) fn bump(&self) -> Option<Bump> {
        self.changed.as_ref().and_then(|changed| changed.bump)
    }

    /// The rulebook that stands in for an account's own.
    pub(crate) fn other_rules(&self, account: &Account, venue: &Venue) -> Option<&Rulebook> {
        self.changed.as_ref()?.rules.get(&(account.clone(), venue.clone()))
    }

    /// True when book or market are not the engine's own.
    pub(crate) const fn is_what_if(&self) -> bool {
        self.changed.is_some()
    }

    /// Time of valuation.
    pub(crate) fn asof(&self) -> Timestamp {
        if self.is_what_if() { self.market().asof } else { self.engine.now() }
    }

    pub(crate) fn book(&self) -> &Book {
        self.shared_book()
    }

    fn shared_book(&self) -> &Arc<Book> {
        self.held.book.get_or_init(|| Arc::new(self.engine.ledger().book()))
    }

    /// Everything held, valued for sums: those of the rows of [`Self::valuation`], at a part of their cost.
    pub(crate) fn sheet(&self) -> &Sheet {
        self.sheet.get_or_init(|| Sheet::new(self.shared_book().clone(), self.market()))
    }

    /// Everything held, valued: the rows of `plimsoll report` on the same book and market.
    pub(crate) fn valuation(&self) -> &Valuation {
        self.valuation.get_or_init(|| Valuation::new(self.book(), self.market()))
    }

    /// What is held of each underlying.
    pub(crate) fn by_underlying(&self) -> &[Group] {
        self.by_underlying.get_or_init(|| risk::group(self.sheet().lines(), &[GroupBy::Underlying]))
    }

    /// All that is held: sums are exact, so the sum of the underlyings is that of all lines.
    pub(crate) fn total(&self) -> &Exposure {
        self.total.get_or_init(|| {
            let mut total = Exposure::default();
            for group in self.by_underlying() {
                total += &group.exposure;
            }
            total
        })
    }

    pub(crate) fn accounts(&self) -> &[AccountState] {
        let netted = || self.held.netted.get_or_init(|| Netted::of(self.book()));
        self.accounts.get_or_init(|| netted().states(self.market()))
    }

    /// Margin of every account, computed once.
    pub(crate) fn margins(&self) -> &[AccountMargins] {
        self.margins.get_or_init(|| accounts(self))
    }

    /// True when something held has no value.
    pub(crate) fn is_partial(&self) -> bool {
        if self.is_what_if() { self.sheet().is_partial() } else { self.engine.views().is_partial() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::testing::{DEMO, SAMPLE};
    use engine::{Event, FillEvent};

    /// What is shown by all threads is what the engine computes by its own.
    #[test]
    fn accounts_by_the_pool_are_those_of_one_thread() {
        for frame in [&*DEMO, &*SAMPLE] {
            let alone = margin::account_states(frame.book(), frame.market());
            assert!(alone.len() > 2);
            assert_eq!(format!("{:?}", frame.accounts()), format!("{alone:?}"));
        }
    }

    /// The engine of a frame after an event, a second later.
    fn later(frame: &Frame, event: &Event) -> Frame {
        let stamp = journal::Stamp { seq: frame.record.next(), time: frame.engine.now().plus_millis(1_000) };
        let mut engine = frame.engine.as_ref().clone();
        engine.apply(stamp, event);
        Frame::new(engine, stamp.seq, None).after(Some(frame))
    }

    #[test]
    fn frames_share_the_book_until_something_is_traded() {
        let first = Frame::new(DEMO.engine.as_ref().clone(), DEMO.record, None);
        let (before, held) = (first.book().clone(), first.book().positions[0].clone());
        let second = later(&first, &Event::Clock);
        assert!(Arc::ptr_eq(&first.held, &second.held), "only time has passed");
        let fill = Event::Fill(FillEvent {
            order: None,
            block: None,
            id: units::FillId::new("one more").unwrap(),
            place: book::Place { account: held.account, venue: held.venue, chain: held.chain },
            symbol: held.listing.symbol.clone(),
            quantity: "1".parse().unwrap(),
            price: "0.01".parse().unwrap(),
            fee: None,
            time: second.engine.now(),
        });
        let third = later(&second, &fill);
        assert!(!Arc::ptr_eq(&second.held, &third.held));
        assert_ne!(*third.book(), before, "the fill is in it");
        assert_eq!(*third.book(), third.engine.ledger().book());
        let alone = margin::account_states(third.book(), third.market());
        assert_eq!(format!("{:?}", third.accounts()), format!("{alone:?}"));
        assert_eq!(*second.book(), before, "what was shown is not changed after the event");
        // A book that somebody asked about stands for no other.
        let asked = third.holding(before, OtherRules::new());
        let fourth = Frame::new(third.engine.as_ref().clone(), third.record, None).after(Some(&asked));
        assert_eq!(fourth.book(), third.book());
    }
}
