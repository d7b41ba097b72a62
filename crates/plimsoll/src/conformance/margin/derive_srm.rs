//! Suite `derive-srm`: the tests of Derive's standard manager, by the SRM engine.
//!
//! | file | what | tolerance |
//! |---|---|---|
//! | `srm_test-cases.json` | every figure of each result: options by market, parts, value, margins twice | 1e-9 relative |
//! | `portfolio_srm_with_environment.json` | whole dollars; another implementation's figures before truncation | exact; 1e-9 relative |
//! | `srm_test-cases-portfolio.json` | the same portfolios as the source has them, with the feeds of the file above | exact |
//!
//! The files do not hold the parameters of the tests. [`TEST_OPTIONS`], [`TEST_PERPETUALS`], [`TEST_DEPEG`] and the factor of
//! [`TEST_ORACLE`] follow from the results: a short call at the money asks 225 of 1500 = 15 %, a perpetual 75.25 and 97.825 of 1505 =
//! 5 and 6.5 %, a stable price of 0.3 costs 1224 = (0.98 - 0.3) 1.2 x 1500. The results place the threshold of confidence between
//! 0.4 and 0.8; it is 0.4 in the source's test configuration. Collateral counts 0.1 in one set and 0.8 in the other.
//!
//! What the files hold and the SRM does not use: rates and their confidences, SVI parameters (the vols are given), `SpotPrice`.

use super::super::result::{Group, GroupResult};
use super::super::vectors::{self, FileError};
use super::super::{Progress, Report, Sources};
use super::derive::{
    DatedOptions, Fault, Fixed18, Gross, PortfolioCase, TOLERANCE_REASON, Underlying, WHOLE_REASON,
    WholeMargins, cases_by_name, cases_with_feeds, close, compare_whole, fault, named_cases, strict, years,
};
use super::derive_files::{DeriveFiles, Layout, file_name};
use ::margin::scenario::model::Rates;
use ::margin::srm::{
    BaseRules, Depeg, MarketMargin, OptionRules, OracleRules, SrmAccount, SrmBase, SrmExpiry, SrmMarket,
    SrmOption, SrmPerpetual,
};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use units::{Forward, OptionKind, Spot, Strike, Vol};

pub(in super::super) const ID: &str = "derive-srm";
pub(in super::super) const SUMMARY: &str =
    "the tests of Derive's standard manager: every figure of each result, and whole-dollar portfolios";

const TEST_OPTIONS: OptionRules = OptionRules {
    initial_most: 0.15,
    initial_least: 0.1,
    maintenance_call: 0.075,
    maintenance_put: 0.075,
    maintenance_put_mark: 0.075,
    put_initial_of_maintenance: 1.05,
    unpaired_calls: Rates { initial: 1.2, maintenance: 1.1 },
};
const TEST_PERPETUALS: Rates = Rates { initial: 0.065, maintenance: 0.05 };
const TEST_ORACLE: OracleRules =
    OracleRules { perpetual_threshold: 0.4, option_threshold: 0.4, base_threshold: 0.4, factor: 0.4 };
const TEST_DEPEG: Depeg = Depeg { threshold: 0.98, factor: 1.2 };
/// Collateral of `srm_test-cases.json`.
const CASES_BASE: BaseRules = BaseRules { factor: 0.1, initial_scale: 1.0 };
/// Collateral of the whole-dollar portfolios.
const PORTFOLIO_BASE: BaseRules = BaseRules { factor: 0.8, initial_scale: 1.0 };

const CASES: &str = "srm_test-cases.json";
const WITH_FEEDS: &str = "portfolio_srm_with_environment.json";
const BARE: &str = "srm_test-cases-portfolio.json";

/// Runs the three files.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let files = DeriveFiles::find(&sources.vectors);
    let mut step = |done: u64, item: &'static str| {
        progress(Progress { suite: ID, item, bytes_done: done, bytes_total: 2 });
    };
    step(0, CASES);
    let mut groups: Vec<GroupResult> = files.of(Layout::Srm).into_iter().map(cases).collect();
    if groups.is_empty() {
        groups.push(files.absent(Group::checked(CASES, "USD", TOLERANCE_REASON), Layout::Srm));
    }
    step(1, WITH_FEEDS);
    groups.extend(portfolios(&files));
    step(2, BARE);
    groups
}

fn absent_or_fault(mut group: Group, name: &str, error: &FileError) -> GroupResult {
    match error {
        FileError::Absent(_) => group.not_run(error.to_string()),
        FileError::Io(_) | FileError::Json(_) => {
            group.fault(name, error.to_string());
            group.finish()
        }
    }
}

fn cases(path: &Path) -> GroupResult {
    let file = file_name(path);
    let mut group = Group::checked(file.as_str(), "USD", TOLERANCE_REASON);
    group.enter(&file);
    let cases = match named_cases(path) {
        Ok(cases) => cases,
        Err(error) => return absent_or_fault(group, &file, &error),
    };
    if cases.is_empty() {
        group.fault(file, "the file has no cases");
    }
    for (name, value) in &cases {
        if let Err(error) = case(name, value, &mut group) {
            group.fault(name, error.to_string());
        }
    }
    group.finish()
}

fn portfolios(files: &DeriveFiles) -> Vec<GroupResult> {
    let mut groups = Vec::new();
    let mut feeds: Vec<PortfolioCase> = Vec::new();
    for path in files.of(Layout::SrmFeeds) {
        let (own, cases) = portfolios_with_feeds(path);
        groups.extend(own);
        feeds.extend(cases);
    }
    if groups.is_empty() {
        let whole = Group::checked(format!("{WITH_FEEDS}: whole USD"), "USD", WHOLE_REASON);
        groups.push(files.absent(whole, Layout::SrmFeeds));
    }
    let bare = files.of(Layout::SrmBare);
    if bare.is_empty() {
        groups.push(files.absent(Group::checked(BARE, "USD", WHOLE_REASON), Layout::SrmBare));
    }
    groups.extend(bare.into_iter().map(|path| portfolios_without_feeds(path, &feeds)));
    groups
}

fn portfolios_with_feeds(path: &Path) -> (Vec<GroupResult>, Vec<PortfolioCase>) {
    let name = file_name(path);
    let mut whole = Group::checked(format!("{name}: whole USD"), "USD", WHOLE_REASON);
    let mut full = Group::checked(format!("{name}: before truncation"), "USD", TOLERANCE_REASON);
    whole.enter(&name);
    full.enter(&name);
    let file = match vectors::read(path) {
        Ok(file) => file,
        Err(error) => return (vec![absent_or_fault(whole, &name, &error)], Vec::new()),
    };
    let with_feeds = cases_with_feeds(&file, &mut whole);
    if with_feeds.is_empty() {
        whole.fault(name, "the file has no case that can be compared");
    }
    for case in &with_feeds {
        compare_portfolio(case, &mut whole, &mut full);
    }
    (vec![whole.finish(), full.finish()], with_feeds)
}

fn portfolios_without_feeds(path: &Path, feeds: &[PortfolioCase]) -> GroupResult {
    let name = file_name(path);
    let mut bare = Group::checked(name.as_str(), "USD", WHOLE_REASON);
    bare.enter(&name);
    if feeds.is_empty() {
        return bare.not_run(format!("needs the feeds of {WITH_FEEDS}"));
    }
    match named_cases(path) {
        Ok(cases) => {
            for case in &cases_by_name(&cases, feeds, &mut bare) {
                let mut none = Group::checked("", "", "");
                compare_portfolio(case, &mut bare, &mut none);
            }
            bare.finish()
        }
        Err(error) => absent_or_fault(bare, &name, &error),
    }
}

fn compare_portfolio(case: &PortfolioCase, whole: &mut Group, full: &mut Group) {
    match portfolio_account(case) {
        Ok(account) => {
            let net = account.margin(TEST_DEPEG).net;
            let ours = WholeMargins { im: net.initial, mm: net.maintenance };
            compare_whole(case, ours, (whole, full));
        }
        Err(error) => whole.fault(&case.name, error.to_string()),
    }
}

fn portfolio_account(case: &PortfolioCase) -> Result<SrmAccount, Fault> {
    let mut markets = Vec::new();
    for underlying in [Underlying::Eth, Underlying::Btc] {
        let feeds = case.feeds(underlying);
        let perpetual = match case.perp(underlying)? {
            None => None,
            Some(position) => {
                let (size_coin, price) = (position.amount.0, Forward::new(feeds.perp)?);
                let gain = size_coin * (price.get() - position.entry_price.0);
                let confidence = feeds.perpconf;
                Some(SrmPerpetual {
                    size_coin,
                    price,
                    confidence,
                    gain,
                    funding: 0.0,
                    rates: TEST_PERPETUALS,
                })
            }
        };
        let base = case.base(underlying)?.map(|p| SrmBase { amount: p.amount.0, rules: PORTFOLIO_BASE });
        let expiries = case.dated_options(underlying)?.into_iter().map(dated);
        markets.push(SrmMarket {
            spot: Spot::new(feeds.spot)?,
            spot_confidence: feeds.conf,
            oracle: TEST_ORACLE,
            expiries: expiries.collect(),
            perpetuals: perpetual.into_iter().collect(),
            bases: base.into_iter().collect(),
        });
    }
    Ok(SrmAccount { cash: case.portfolio.cash.0, stable: case.stable()?, markets })
}

fn dated(date: DatedOptions) -> SrmExpiry {
    let option = |(strike, kind, size_coin, vol)| SrmOption { strike, kind, size_coin, vol };
    SrmExpiry {
        forward: date.forward,
        years: date.years,
        confidence: date.confidence,
        rules: TEST_OPTIONS,
        options: date.options.into_iter().map(option).collect(),
    }
}

/// One case of `srm_test-cases.json`. Lists of options run in parallel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case, dead_code)] // fields carry the file's names; some are read to be known, not used
struct Case {
    Scenario: Scenario,
    Result: Figures,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case, dead_code)]
struct Scenario {
    OptionUnderlying: Vec<Underlying>,
    OptionExpiries: Vec<u32>,
    OptionStrikes: Vec<Fixed18>,
    OptionIsCall: Vec<u8>,
    OptionAmounts: Vec<Fixed18>,
    OptionVols: Vec<Fixed18>,
    OptionVolConfidences: Vec<Fixed18>,
    Cash: Fixed18,
    Perps_ETH: Fixed18,
    Perps_BTC: Fixed18,
    wETH: Fixed18,
    wBTC: Fixed18,
    LastEntryETH: Option<Fixed18>,
    LastEntryBTC: Option<Fixed18>,
    ETHGlobalFundingIndex: Fixed18,
    BTCGlobalFundingIndex: Fixed18,
    AccountETHFundingIndex: Option<Fixed18>,
    AccountBTCFundingIndex: Option<Fixed18>,
    ETHSpotPrice: Fixed18,
    BTCSpotPrice: Fixed18,
    /// Spot and perpetual, of ETH and of BTC.
    SpotPerpConfidences: [[Fixed18; 2]; 2],
    FeedExpiries: Vec<u32>,
    Forwards: Vec<Fixed18>,
    ForwardConfidences: Vec<Fixed18>,
    Discounts: Vec<Fixed18>,
    DiscountConfidences: Vec<Fixed18>,
    USDCValue: Fixed18,
    SVIParams: Vec<f64>,
    /// ETH and BTC.
    PerpPrice: [Fixed18; 2],
    /// Of the first expiry of the case.
    SettlementPriceETH: Option<Fixed18>,
    SettlementPriceBTC: Option<Fixed18>,
    /// Part of the first expiry's settlement price that is already known.
    PercentFixedETH: Option<f64>,
    PercentFixedBTC: Option<f64>,
    /// Average so far.
    TWAP_ETH: Option<Fixed18>,
    TWAP_BTC: Option<Fixed18>,
    #[serde(default)]
    SpotPrice: Option<Fixed18>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case)]
struct Figures {
    ETHOptionMM: Fixed18,
    ETHOptionIM: Fixed18,
    BTCOptionMM: Fixed18,
    BTCOptionIM: Fixed18,
    ETHOptionIsolatedMM: Fixed18,
    ETHOptionIsolatedIM: Fixed18,
    ETHOptionBoundedMM: Fixed18,
    ETHOptionBoundedIM: Fixed18,
    BTCOptionIsolatedMM: Fixed18,
    BTCOptionIsolatedIM: Fixed18,
    BTCOptionBoundedMM: Fixed18,
    BTCOptionBoundedIM: Fixed18,
    PortfolioMtM: Fixed18,
    UnrealizedPNL: Fixed18,
    UnsettledFunding: Fixed18,
    PerpMargin: Fixed18,
    OracleConts: Fixed18,
    DepegIMs: Fixed18,
    BaseMargin: Fixed18,
    Cash: Fixed18,
    HandMM: Fixed18,
    HandIM: Fixed18,
    realMM: Fixed18,
    realIM: Fixed18,
}

/// What a case says of one underlying, under one name for both.
struct MarketInput {
    underlying: Underlying,
    spot: f64,
    confidences: [Fixed18; 2],
    perp: f64,
    perp_price: f64,
    entry: Option<Fixed18>,
    account_funding: Option<Fixed18>,
    global_funding: f64,
    base: f64,
    settlement: Option<Fixed18>,
    fixed_part: f64,
    average: Option<Fixed18>,
}

/// An expiry of a market in the order in which the file first names it, with the feed's forward.
struct FileExpiry {
    seconds: u32,
    feed: Forward,
    srm: SrmExpiry,
}

fn case(name: &str, value: &Value, group: &mut Group) -> Result<(), Fault> {
    let case: Case = strict(value)?;
    let scenario = &case.Scenario;
    scenario.check()?;
    let mut markets = Vec::new();
    let mut expiries = Vec::new();
    for input in scenario.inputs() {
        let own = scenario.expiries(&input)?;
        markets.push(input.market(&own)?);
        expiries.push((input, own));
    }
    let stable = Spot::new(scenario.USDCValue.0)?;
    let account = SrmAccount { cash: scenario.Cash.0, stable, markets };
    let margin = account.margin(TEST_DEPEG);
    let gross = scenario.gross();
    let mut compare = |field: &str, ours: f64, theirs: Fixed18| {
        group.compare(close(ours, theirs.0, gross), || format!("{name} {field}"));
    };
    let result = &case.Result;
    if let ([eth, btc], [(_, eth_expiries), (_, btc_expiries)]) =
        (margin.markets.as_slice(), expiries.as_slice())
    {
        let (mm, im) = isolated(eth);
        compare("ETHOptionIsolatedMM", mm, result.ETHOptionIsolatedMM);
        compare("ETHOptionIsolatedIM", im, result.ETHOptionIsolatedIM);
        let (mm, im) = isolated(btc);
        compare("BTCOptionIsolatedMM", mm, result.BTCOptionIsolatedMM);
        compare("BTCOptionIsolatedIM", im, result.BTCOptionIsolatedIM);
        let (mm, im) = bounded(eth, eth_expiries);
        compare("ETHOptionBoundedMM", mm, result.ETHOptionBoundedMM);
        compare("ETHOptionBoundedIM", im, result.ETHOptionBoundedIM);
        let (mm, im) = bounded(btc, btc_expiries);
        compare("BTCOptionBoundedMM", mm, result.BTCOptionBoundedMM);
        compare("BTCOptionBoundedIM", im, result.BTCOptionBoundedIM);
        compare("ETHOptionMM", eth.options().maintenance, result.ETHOptionMM);
        compare("ETHOptionIM", eth.options().initial, result.ETHOptionIM);
        compare("BTCOptionMM", btc.options().maintenance, result.BTCOptionMM);
        compare("BTCOptionIM", btc.options().initial, result.BTCOptionIM);
    }
    let sum = |part: fn(&MarketMargin) -> f64| margin.markets.iter().map(part).sum::<f64>();
    compare("PortfolioMtM", margin.mark_to_market, result.PortfolioMtM);
    compare("UnrealizedPNL", sum(|m| m.gain), result.UnrealizedPNL);
    compare("UnsettledFunding", sum(|m| m.funding), result.UnsettledFunding);
    compare("PerpMargin", sum(|m| m.perpetuals.maintenance), result.PerpMargin);
    compare("OracleConts", sum(|m| m.oracle), result.OracleConts);
    compare("DepegIMs", sum(|m| m.depeg), result.DepegIMs);
    compare("BaseMargin", sum(|m| m.base.maintenance), result.BaseMargin);
    compare("Cash", account.cash, result.Cash);
    compare("HandMM", margin.net.maintenance, result.HandMM);
    compare("HandIM", margin.net.initial, result.HandIM);
    compare("realMM", margin.net.maintenance, result.realMM);
    compare("realIM", margin.net.initial, result.realIM);
    for (input, own) in &expiries {
        input.compare_settlement(scenario, own, |field, ours, theirs| compare(field, ours, theirs))?;
    }
    Ok(())
}

/// Maintenance and initial over all expiries.
fn isolated(market: &MarketMargin) -> (f64, f64) {
    let sum = |level: fn(&::margin::Levels) -> f64| market.expiries.iter().map(|e| level(&e.isolated)).sum();
    (sum(|levels| levels.maintenance), sum(|levels| levels.initial))
}

/// The file's column is of the expiry that it names last (first appearances), at the feed's forward even when part of the
/// settlement price is known, and a least payoff above zero stays. It agrees with the protocol's figure otherwise.
fn bounded(market: &MarketMargin, expiries: &[FileExpiry]) -> (f64, f64) {
    let Some((margin, expiry)) = market.expiries.iter().zip(expiries).next_back() else { return (0.0, 0.0) };
    let at_feed = margin.bounded_at(expiry.feed, expiry.srm.rules.unpaired_calls);
    let gain = if margin.least_payoff > 0.0 { margin.least_payoff } else { 0.0 };
    (at_feed.maintenance + gain, at_feed.initial + gain)
}

impl Scenario {
    /// Lists of one length, and feeds in the order of the options.
    fn check(&self) -> Result<(), Fault> {
        let length = self.OptionStrikes.len();
        let lengths = [
            self.OptionUnderlying.len(),
            self.OptionExpiries.len(),
            self.OptionIsCall.len(),
            self.OptionAmounts.len(),
            self.OptionVols.len(),
            self.OptionVolConfidences.len(),
            self.FeedExpiries.len(),
            self.Forwards.len(),
            self.ForwardConfidences.len(),
            self.Discounts.len(),
            self.DiscountConfidences.len(),
        ];
        if lengths.iter().any(|other| *other != length) {
            return Err(fault("lists of options and feeds differ in length"));
        }
        if self.FeedExpiries != self.OptionExpiries {
            return Err(fault("feeds are not in the order of the options"));
        }
        if self.OptionIsCall.iter().any(|flag| *flag > 1) {
            return Err(fault("OptionIsCall is neither 0 nor 1"));
        }
        Ok(())
    }

    /// Seconds to the first expiry of the case.
    fn first_seconds(&self) -> Option<u32> {
        self.OptionExpiries.iter().copied().min()
    }

    fn inputs(&self) -> [MarketInput; 2] {
        let [eth_confidences, btc_confidences] = self.SpotPerpConfidences;
        let [eth_price, btc_price] = self.PerpPrice;
        // Null where a case has no options: nothing is known of no price.
        let known = |part: Option<f64>| part.unwrap_or(0.0);
        [
            MarketInput {
                underlying: Underlying::Eth,
                spot: self.ETHSpotPrice.0,
                confidences: eth_confidences,
                perp: self.Perps_ETH.0,
                perp_price: eth_price.0,
                entry: self.LastEntryETH,
                account_funding: self.AccountETHFundingIndex,
                global_funding: self.ETHGlobalFundingIndex.0,
                base: self.wETH.0,
                settlement: self.SettlementPriceETH,
                fixed_part: known(self.PercentFixedETH),
                average: self.TWAP_ETH,
            },
            MarketInput {
                underlying: Underlying::Btc,
                spot: self.BTCSpotPrice.0,
                confidences: btc_confidences,
                perp: self.Perps_BTC.0,
                perp_price: btc_price.0,
                entry: self.LastEntryBTC,
                account_funding: self.AccountBTCFundingIndex,
                global_funding: self.BTCGlobalFundingIndex.0,
                base: self.wBTC.0,
                settlement: self.SettlementPriceBTC,
                fixed_part: known(self.PercentFixedBTC),
                average: self.TWAP_BTC,
            },
        ]
    }

    /// Expiries of one market in the order of their first appearance.
    fn expiries(&self, input: &MarketInput) -> Result<Vec<FileExpiry>, Fault> {
        let mut expiries: Vec<FileExpiry> = Vec::new();
        let rows = self.OptionUnderlying.iter().zip(&self.OptionExpiries).zip(&self.OptionStrikes);
        let rows = rows.zip(self.OptionIsCall.iter().zip(&self.OptionAmounts).zip(&self.OptionVols));
        let feeds = self.OptionVolConfidences.iter().zip(&self.Forwards).zip(&self.ForwardConfidences);
        for (row, ((vol_confidence, forward), forward_confidence)) in rows.zip(feeds) {
            let (((underlying, seconds), strike), ((is_call, amount), vol)) = row;
            if *underlying != input.underlying {
                continue;
            }
            let feed = Forward::new(forward.0)?;
            let at = match expiries.iter().position(|expiry| expiry.seconds == *seconds) {
                Some(at) => at,
                None => {
                    expiries.push(FileExpiry {
                        seconds: *seconds,
                        feed,
                        srm: SrmExpiry {
                            forward: input.expected_settlement(self, *seconds, feed)?,
                            years: years(f64::from(*seconds))?,
                            confidence: 1.0,
                            rules: TEST_OPTIONS,
                            options: Vec::new(),
                        },
                    });
                    expiries.len() - 1
                }
            };
            let Some(expiry) = expiries.get_mut(at) else { continue };
            if expiry.feed != feed {
                return Err(fault(format!("two forwards for {seconds} seconds")));
            }
            for confidence in [vol_confidence.0, forward_confidence.0] {
                if confidence < expiry.srm.confidence {
                    expiry.srm.confidence = confidence;
                }
            }
            let kind = if *is_call == 1 { OptionKind::Call } else { OptionKind::Put };
            let (strike, vol) = (Strike::new(strike.0)?, Vol::new(vol.0)?);
            expiry.srm.options.push(SrmOption { strike, kind, size_coin: amount.0, vol });
        }
        Ok(expiries)
    }

    /// Gross value of all positions at the spots.
    fn gross(&self) -> Gross {
        let spot = |underlying: &Underlying| match underlying {
            Underlying::Eth => self.ETHSpotPrice.0,
            Underlying::Btc => self.BTCSpotPrice.0,
        };
        let options = self.OptionUnderlying.iter().zip(&self.OptionAmounts);
        let options: f64 = options.map(|(underlying, amount)| amount.0.abs() * spot(underlying)).sum();
        let linear = |input: &MarketInput| {
            let funding =
                input.account_funding.map_or(0.0, |index| index.0.abs()) + input.global_funding.abs();
            input.base.abs() * input.spot + input.perp.abs() * (input.perp_price + funding)
        };
        Gross(options + self.inputs().iter().map(linear).sum::<f64>() + self.Cash.0.abs())
    }
}

impl MarketInput {
    /// Average so far and forward for the rest. The file states the known part p of the first expiry of the case alone; so the
    /// window is seconds/(1 - p) long (one hour in these tests), and what lies beyond it is all forward.
    fn expected_settlement(
        &self,
        scenario: &Scenario,
        seconds: u32,
        feed: Forward,
    ) -> Result<Forward, Fault> {
        let Some(first) = scenario.first_seconds().filter(|_| self.fixed_part != 0.0) else {
            return Ok(feed);
        };
        if !(self.fixed_part > 0.0 && self.fixed_part < 1.0) {
            return Err(fault("the known part of a settlement price is not between 0 and 1"));
        }
        let (first, seconds) = (f64::from(first), f64::from(seconds));
        let window = first / (1.0 - self.fixed_part);
        if seconds >= window {
            return Ok(feed);
        }
        let average = self.average.ok_or_else(|| fault("a known part without an average"))?;
        let known = 1.0 - seconds / window;
        Ok(Forward::new(known * average.0 + (1.0 - known) * feed.get())?)
    }

    /// The settlement price that the file expects at the first expiry of the case, where this market has options on it.
    fn compare_settlement(
        &self,
        scenario: &Scenario,
        expiries: &[FileExpiry],
        mut compare: impl FnMut(&str, f64, Fixed18),
    ) -> Result<(), Fault> {
        let first = expiries.iter().find(|expiry| Some(expiry.seconds) == scenario.first_seconds());
        if let (Some(first), Some(theirs)) = (first, self.settlement) {
            let field = match self.underlying {
                Underlying::Eth => "SettlementPriceETH",
                Underlying::Btc => "SettlementPriceBTC",
            };
            compare(field, first.srm.forward.get(), theirs);
        }
        Ok(())
    }

    fn market(&self, expiries: &[FileExpiry]) -> Result<SrmMarket, Fault> {
        let [spot_confidence, perp_confidence] = self.confidences;
        let mut perpetuals = Vec::new();
        if self.perp != 0.0 {
            let missing = || fault("a perpetual without entry price or funding index");
            let entry = self.entry.ok_or_else(missing)?;
            let account_funding = self.account_funding.ok_or_else(missing)?;
            perpetuals.push(SrmPerpetual {
                size_coin: self.perp,
                price: Forward::new(self.perp_price)?,
                confidence: perp_confidence.0,
                gain: self.perp * (self.perp_price - entry.0),
                funding: self.perp * (account_funding.0 - self.global_funding),
                rates: TEST_PERPETUALS,
            });
        }
        let base = SrmBase { amount: self.base, rules: CASES_BASE };
        Ok(SrmMarket {
            spot: Spot::new(self.spot)?,
            spot_confidence: spot_confidence.0,
            oracle: TEST_ORACLE,
            expiries: expiries.iter().map(|expiry| expiry.srm.clone()).collect(),
            perpetuals,
            bases: vec![base],
        })
    }
}
