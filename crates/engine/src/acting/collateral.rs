//! How much collateral a rule wants to move, from where, and whether a move may go.
//!
//! ```text
//! use(k)  = maintenance use of the receiving account with k steps more of the asset, by its own rulebook
//! need    = least k with use(k) <= to_use; no less than smallest
//! free    = greatest k that leaves the source its balance, its initial requirement and a use of at most keep_use_below, fee paid
//! amount  = min(need, largest, rest of the hour, free) of the first source where that is at least smallest
//! ```
//!
//! Steps are whole multiples of 10^-decimals of the asset, so that what is found is an exact amount; the search halves them, because
//! haircuts, caps and separate wallets make the use no straight line. Rounding is against the account: the need is rounded up, what a source
//! can spare down. What may still leave an account counts as gone from it. What is on its way counts as arrived where it meets a need, so
//! that one shortage is not met twice, and as nothing where it would be spared. An account that holds no position and owes nothing needs no rulebook: nothing is asked of it.
//!
//! **Left out:** what venues ask for orders that rest in their books; transfers are sized on positions and balances alone.

use super::desk::Desk;
use super::effect::{effects, pending};
use super::{Acting, effect, gate};
use crate::limits::State;
use crate::policy::Collateral;
use crate::transfers::{OpenTransfer, TransferPhase, in_transit};
use book::Place;
use margin::{AccountState, Holding, Outcome, account_states};
use risk::Row;
use units::{Account, Asset, Decimal, Fixed, Money, Venue, border};

/// Maintenance use of one account before and after a move; none where nothing counts and something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarginUse {
    /// Now, with what is on its way.
    pub before: Option<Fixed>,
    /// With the move.
    pub after: Option<Fixed>,
}

/// What a move does at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uses {
    pub(crate) at_source: MarginUse,
    pub(crate) at_destination: MarginUse,
}

/// A move that a rule wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MoveWish {
    pub(crate) from: Place,
    pub(crate) money: Money,
    pub(crate) uses: Uses,
    pub(crate) why: String,
}

/// Accounts at the market of now, less what may still leave them.
struct Accounts<'a> {
    desk: Desk<'a>,
    states: Vec<AccountState>,
    price_usd: f64,
    asset: &'a Asset,
    decimals: u32,
}

/// One account and what it goes by.
struct End<'a> {
    state: AccountState,
    /// None where nothing is asked of it and no rulebook says how.
    rulebook: Option<&'a margin::Rulebook>,
    price_usd: f64,
    asset: &'a Asset,
}

impl End<'_> {
    /// With so much more of the asset.
    fn with(&self, amount: Decimal) -> Result<Outcome, String> {
        let Some(rulebook) = self.rulebook else { return Ok(Outcome::default()) };
        let mut state = self.state.clone();
        add(&mut state, self.asset, amount, self.price_usd)?;
        Ok(rulebook.outcome(&state))
    }

    fn use_with(&self, amount: Decimal) -> Result<f64, String> {
        Ok(share(&self.with(amount)?))
    }

    fn margin_use(&self, amount: Decimal) -> Result<MarginUse, String> {
        let fixed = |share: f64| Fixed::quantise_up(share).ok();
        Ok(MarginUse { before: fixed(self.use_with(Decimal::ZERO)?), after: fixed(self.use_with(amount)?) })
    }

    /// Whether it may spare an amount, fee included.
    fn may_spare(&self, amount: Decimal, keep: Fixed) -> Result<bool, String> {
        let outcome = self.with(-amount)?;
        Ok(share(&outcome) <= keep.to_f64() && outcome.surplus().initial >= 0.0)
    }
}

/// Maintenance use, endless where nothing counts and something is asked.
fn share(outcome: &Outcome) -> f64 {
    let none = if outcome.requirement.maintenance > 0.0 { f64::INFINITY } else { 0.0 };
    outcome.utilisation().unwrap_or(none)
}

fn add(state: &mut AccountState, asset: &Asset, amount: Decimal, price_usd: f64) -> Result<(), String> {
    let amount = border::to_model(amount).map_err(|error| error.to_string())?;
    match state.balances.binary_search_by(|holding| holding.asset.cmp(asset)) {
        Ok(at) => state.balances[at].amount += amount,
        Err(at) => state.balances.insert(at, Holding { asset: asset.clone(), amount, price_usd }),
    }
    Ok(())
}

impl<'a> Accounts<'a> {
    fn new(acting: &Acting, desk: Desk<'a>, rule: &'a Collateral) -> Result<Self, String> {
        let asset = &rule.asset;
        if desk.stale.contains(asset) {
            return Err(format!("the quotes of {asset} are stale"));
        }
        let price = price_usd(desk, asset)?;
        let mut states = account_states(&desk.ledger.book(), desk.quotes.market());
        for state in &mut states {
            let key = (state.account.clone(), state.venue.clone());
            for (asset, amount) in acting.leaving(|place| is_of(place, (&key.0, &key.1))) {
                add(state, asset, -amount, price_usd(desk, asset)?)?;
            }
        }
        Ok(Self { desk, states, price_usd: price, asset, decimals: rule.decimals })
    }

    /// The account of a place; none that holds nothing.
    fn end(&self, place: &Place) -> Result<Option<End<'a>>, String> {
        let is_here =
            |state: &&AccountState| (&state.account, &state.venue) == (&place.account, &place.venue);
        let Some(state) = self.states.iter().find(is_here).cloned() else { return Ok(None) };
        let underlyings = state.legs.iter().map(|leg| &leg.contract.underlying);
        let held = underlyings.chain(state.balances.iter().map(|holding| &holding.asset));
        if let Some(stale) = held.into_iter().find(|asset| self.desk.stale.contains(*asset)) {
            return Err(format!("{place}: the quotes of {stale} are stale"));
        }
        if let Some(first) = state.unmargined.first() {
            return Err(format!("{place}: {}: {}", first.symbol, first.reason));
        }
        let rules = self.desk.policy.margin.as_ref().ok_or("the policy has no [margin]")?;
        let is_plain = state.legs.is_empty() && state.balances.iter().all(|holding| holding.amount >= 0.0);
        let rulebook = match rules.rulebook_of(self.desk.margins.rulebooks(), &state) {
            Ok(rulebook) => Some(rulebook),
            Err(_) if is_plain => None,
            Err(why) => return Err(format!("{place}: {why}")),
        };
        if let Some(other) =
            rulebook.and_then(|rulebook| rulebook.outcome(&state).unmargined.into_iter().next())
        {
            return Err(format!("{place}: {}: {}", other.symbol, other.reason));
        }
        Ok(Some(End { state, rulebook, price_usd: self.price_usd, asset: self.asset }))
    }

    /// The same with what is on its way to it.
    fn receiving(&self, acting: &Acting, place: &Place) -> Result<Option<End<'a>>, String> {
        let Some(mut end) = self.end(place)? else { return Ok(None) };
        for money in coming(acting, place) {
            add(&mut end.state, &money.asset, money.amount, price_usd(self.desk, &money.asset)?)?;
        }
        Ok(Some(end))
    }

    fn amount(&self, steps: i64) -> Decimal {
        Decimal::new(steps, self.decimals).normalize()
    }

    /// Whole steps of an amount, rounded down; none below zero.
    fn steps(&self, amount: Decimal) -> i64 {
        let scaled = amount.max(Decimal::ZERO).checked_mul(Decimal::from(10_i64.pow(self.decimals)));
        scaled.and_then(|scaled| i64::try_from(scaled.trunc()).ok()).unwrap_or(i64::MAX)
    }
}

fn price_usd(desk: Desk<'_>, asset: &Asset) -> Result<f64, String> {
    Ok(desk.priced_asset(asset).map_err(|missing| missing.to_string())?.spot_usd)
}

fn is_of(place: &Place, (account, venue): (&Account, &Venue)) -> bool {
    (&place.account, &place.venue) == (account, venue)
}

/// What is proposed, approved or under way to the account of a place and has not arrived.
fn coming<'a>(acting: &'a Acting, place: &'a Place) -> impl Iterator<Item = &'a Money> {
    let is_here = move |to: &Place| is_of(to, (&place.account, &place.venue));
    let open = acting.transfers.open.values();
    let open = open.filter(move |open| open.phase != TransferPhase::Arrived && is_here(&open.transfer.to));
    let proposed = acting.moves.values().filter(move |proposal| is_here(&proposal.to));
    open.map(|open| &open.transfer.money).chain(proposed.map(|proposal| &proposal.money))
}

/// What a rule wants: a move, nothing, or what keeps it from knowing or acting.
pub(crate) fn wish(acting: &Acting, desk: Desk<'_>, rule: &Collateral) -> Result<Option<MoveWish>, String> {
    if !is_short(desk, rule)? {
        return Ok(None);
    }
    open_to_moves(desk)?;
    if let Some(why) = gate::blocked(acting, desk, &rule.to) {
        return Err(why);
    }
    let accounts = Accounts::new(acting, desk, rule)?;
    let Some(end) = accounts.receiving(acting, &rule.to)? else { return Ok(None) };
    let before = end.use_with(Decimal::ZERO)?;
    if before <= rule.when_use_above.to_f64() {
        return Err(format!("what is on its way to {} brings its use to {}", rule.to, percent(before)));
    }
    let (least, largest) = (accounts.steps(rule.smallest), accounts.steps(rule.largest));
    let need = least_need(&accounts, &end, rule, (least, largest))?;
    if !helps(&end, accounts.amount(need.unwrap_or(largest)))? {
        return Err(format!(
            "more {} does not lower the use of {} on {}",
            rule.asset, rule.to.account, rule.to.venue
        ));
    }
    let asks = format!("use of {} on {} is {}", rule.to.account, rule.to.venue, percent(before));
    let (need, mut short) = match need {
        Some(steps) => (steps, String::new()),
        None => (
            largest,
            format!(
                "; the largest move of {} does not bring it to {}",
                rule.largest,
                rule.to_use.to_decimal_text(4)
            ),
        ),
    };
    let hour = accounts.steps(rule.hourly - acting.transfers.of_hour(&rule.name, desk.now));
    let mut refusals = Vec::new();
    for from in &rule.from {
        let found = spare(acting, &accounts, rule, from, need.min(hour));
        let steps = match found {
            Ok(steps) if steps >= least => steps,
            Ok(steps) => {
                let (can, least) = (accounts.amount(steps), rule.smallest);
                let by = if hour < least_of(need, least, &accounts) {
                    " after what was moved this hour"
                } else {
                    ""
                };
                refusals.push(format!("{from} can spare {can}{by}, less than the smallest move of {least}"));
                continue;
            }
            Err(why) => {
                refusals.push(why);
                continue;
            }
        };
        if steps < need {
            let bound = if steps == hour { "this hour leaves" } else { "its source can spare" };
            short.push_str(&format!("; {bound} {} of {}", accounts.amount(steps), accounts.amount(need)));
        }
        let money = Money { amount: accounts.amount(steps), asset: rule.asset.clone() };
        match judged(acting, &accounts, rule, (from, &money)) {
            Ok(uses) => {
                let why = format!("{asks}, to be {}{short}", rule.to_use.to_decimal_text(4));
                return Ok(Some(MoveWish { from: from.clone(), money, uses, why }));
            }
            Err(why) => refusals.push(why),
        }
    }
    Err(refusals.join("; "))
}

fn least_of(need: i64, smallest: Decimal, accounts: &Accounts<'_>) -> i64 {
    need.min(accounts.steps(smallest))
}

/// Whether the use of the receiving account is above what asks for a move.
pub(crate) fn is_short(desk: Desk<'_>, rule: &Collateral) -> Result<bool, String> {
    let key = (rule.to.account.clone(), rule.to.venue.clone());
    match desk.margins.of().get(&key) {
        None => Ok(false),
        Some(Err(why)) => Err(format!("the margin of {} on {} is not known: {why}", key.0, key.1)),
        Some(Ok(view)) => Ok(view.maintenance_use.is_none_or(|used| used > rule.when_use_above)),
    }
}

/// Moves are neither closing nor hedging: a book that is paused or being closed waits.
fn open_to_moves(desk: Desk<'_>) -> Result<(), String> {
    match desk.state {
        State::Normal | State::Warn | State::ReduceOnly => Ok(()),
        State::Paused | State::Flatten => Err(format!("the book is {}", desk.state.word())),
    }
}

/// Whether more of the asset brings the account further from liquidation.
fn helps(end: &End<'_>, amount: Decimal) -> Result<bool, String> {
    let (before, after) = (end.with(Decimal::ZERO)?, end.with(amount)?);
    Ok(share(&after) < share(&before) || after.surplus().maintenance > before.surplus().maintenance)
}

/// The least steps that bring the use to its target; none where the largest do not.
fn least_need(
    accounts: &Accounts<'_>,
    end: &End<'_>,
    rule: &Collateral,
    (least, largest): (i64, i64),
) -> Result<Option<i64>, String> {
    let target = rule.to_use.to_f64();
    if end.use_with(accounts.amount(largest))? > target {
        return Ok(None);
    }
    let (mut low, mut enough) = (least - 1, largest);
    while enough - low > 1 {
        let middle = low + (enough - low) / 2;
        if end.use_with(accounts.amount(middle))? <= target { enough = middle } else { low = middle }
    }
    Ok(Some(enough))
}

/// The most steps, up to so many, that a source can spare.
fn spare(
    acting: &Acting,
    accounts: &Accounts<'_>,
    rule: &Collateral,
    from: &Place,
    most: i64,
) -> Result<i64, String> {
    if let Some(why) = gate::blocked(acting, accounts.desk, from) {
        return Err(why);
    }
    let Some(end) = accounts.end(from)? else { return Ok(0) };
    let taken = reserved(acting, from, &rule.asset) + rule.fee;
    let held = accounts.desk.ledger.balance(from, &rule.asset);
    let free = held.checked_sub(taken).unwrap_or(Decimal::ZERO);
    let most = most.min(accounts.steps(free)).max(0);
    let may = |steps: i64| end.may_spare(accounts.amount(steps) + rule.fee, rule.keep_use_below);
    if most == 0 || may(most)? {
        return Ok(most);
    }
    let (mut can, mut cannot) = (0, most);
    while cannot - can > 1 {
        let middle = can + (cannot - can) / 2;
        if may(middle)? { can = middle } else { cannot = middle }
    }
    Ok(can)
}

/// What of a place's balance is proposed or approved to leave it and has not left.
fn reserved(acting: &Acting, place: &Place, asset: &Asset) -> Decimal {
    acting.leaving(|from| from == place).filter(|(of, _)| *of == asset).map(|(_, amount)| amount).sum()
}

/// What a move does at both ends, or why it may not go: asked when a rule wants it and again when a person says yes.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn judge(
    acting: &Acting,
    desk: Desk<'_>,
    rule: &Collateral,
    (from, money): (&Place, &Money),
) -> Result<Uses, String> {
    open_to_moves(desk)?;
    if let Some(why) = gate::blocked(acting, desk, &rule.to) {
        return Err(why);
    }
    let accounts = Accounts::new(acting, desk, rule)?;
    let steps = accounts.steps(money.amount);
    let can = spare(acting, &accounts, rule, from, steps)?;
    if can < steps {
        return Err(format!("{from} can spare {} {} only", accounts.amount(can), money.asset));
    }
    if acting.transfers.of_hour(&rule.name, desk.now) + money.amount > rule.hourly {
        return Err(format!("{} {} are over what this hour leaves", money.amount, money.asset));
    }
    judged(acting, &accounts, rule, (from, money))
}

fn judged(
    acting: &Acting,
    accounts: &Accounts<'_>,
    rule: &Collateral,
    (from, money): (&Place, &Money),
) -> Result<Uses, String> {
    within_limits(acting, accounts.desk, (from, &rule.to), money)?;
    let nothing = MarginUse { before: Some(Fixed::ZERO), after: Some(Fixed::ZERO) };
    let of = |end: Option<End<'_>>, amount: Decimal| end.map_or(Ok(nothing), |end| end.margin_use(amount));
    Ok(Uses {
        at_source: of(accounts.end(from)?, -(money.amount + rule.fee))?,
        at_destination: of(accounts.receiving(acting, &rule.to)?, money.amount)?,
    })
}

/// A move changes where the book is exposed: no limit by venue, account or chain may be broken by it that was not.
fn within_limits(
    acting: &Acting,
    desk: Desk<'_>,
    (from, to): (&Place, &Place),
    money: &Money,
) -> Result<(), String> {
    let rows = rows(desk, (from, to), money)?;
    let mut others = pending(desk, acting.blotter.open.values())?;
    others.extend(under_way(acting, desk)?);
    let effects = effects(desk, &rows, &others);
    let broken =
        effects.iter().find(|effect| effect.worst.abs() > effect.hard && !effect.is_nearer_to_zero());
    broken.map_or(Ok(()), |effect| Err(format!("it may break a limit: {effect}")))
}

fn rows(desk: Desk<'_>, (from, to): (&Place, &Place), money: &Money) -> Result<Vec<Row>, String> {
    let away = Money { amount: -money.amount, asset: money.asset.clone() };
    Ok(vec![effect::cash_row(desk, from, away)?, effect::cash_row(desk, to, money.clone())?])
}

/// What every transfer that is not over may still do.
pub(crate) fn under_way(acting: &Acting, desk: Desk<'_>) -> Result<Vec<Vec<Row>>, String> {
    let open = acting.transfers.open.values().filter(|open| open.phase != TransferPhase::Arrived);
    open.map(|OpenTransfer { transfer, phase, .. }| {
        let transit = in_transit(&transfer.from).map_err(|error| error.to_string())?;
        let from = if phase.is_at_source() { &transfer.from } else { &transit };
        rows(desk, (from, &transfer.to), &transfer.money)
    })
    .collect()
}

/// A share of margin as people read it.
fn percent(share: f64) -> String {
    match Fixed::quantise(share * 100.0) {
        Ok(share) => format!("{} %", share.to_decimal_text(1)),
        Err(_) => "endless".into(),
    }
}
