//! The sections of a scenario rulebook.
//!
//! ```toml
//! underlyings = ["BTC", "ETH"]          # absent: any
//! unit_by = "underlying"                # or "settlement"
//! combine = "sum"                       # or "joint", "segregated"
//! numeraire = "usd"                     # or "settlement"
//! price_range = 0.16                    # or a table by asset with a default
//!
//! [[grid]]                              # every move with every vol; several grids follow each other
//! range_moves = [-1, -0.5, 0, 0.5, 1]   # in price ranges; or moves = [-0.1, 0.1], relative
//! vols = ["up", "same", "down"]         # also up_points, down_points, skew_linear, skew_absolute
//! weight = 1.0                          # or edge_weight = 1.0
//! table = "standard"                    # or "extended"
//! days = 0
//!
//! [vol_shock]                           # range_up, range_down, short_term_power, long_term_power, floor_days, least_vol_up
//! [[vol_percent]]                       # instead of [vol_shock]: up_to_days, up, down (0.30 is 30 % of the vol)
//! [[vol_points]]                        # up_to_days, up, down (0.30 is 30 points)
//! [skew] [static_discount.long] [static_discount.short] [forward_contingency] [offset]
//! [[charge]]                            # name, place, kind and the parameters of the kind
//! [factor]                              # initial, maintenance, depeg_threshold, depeg_factor
//! [collateral]                          # cash = ["USDC"]; [collateral.haircut.ETH] initial, maintenance,
//!                                       # in_scenarios = true, false or "hedging"
//! [borrow]                              # initial, maintenance: rates on what is owed in an asset
//! ```

use super::at_least;
use super::model::{
    Band, ByAsset, ChargeKind, ChargeRule, CollateralRule, Combine, DiscountLaw, DoubtedHoldings, Factors,
    ForwardContingency, Growth, Haircut, HedgeTable, HedgeTier, InScenarios, Numeraire, Offset, Place,
    QuotePair, Rates, RelativeVol, Scenario, ScenarioModel, Skew, SpotMove, StaticDiscount, Table, UnitBy,
    VolBand, VolMove, VolShock, Weight,
};
use crate::rulebook::section::{Bound, Section, asset_named};
use units::Asset;

const BELOW: &str = "is below maintenance: an account could open what is liquidated at once";

const VOLS: [(&str, VolMove); 7] = [
    ("same", VolMove::Same),
    ("up", VolMove::Up),
    ("down", VolMove::Down),
    ("up_points", VolMove::UpPoints),
    ("down_points", VolMove::DownPoints),
    ("skew_linear", VolMove::SkewLinear),
    ("skew_absolute", VolMove::SkewAbsolute),
];

impl ScenarioModel {
    /// Reads and checks all sections; mistakes are recorded with the section.
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        let unit_by =
            root.word("unit_by", &[("underlying", UnitBy::Underlying), ("settlement", UnitBy::Settlement)]);
        let combine = root.word(
            "combine",
            &[("sum", Combine::Sum), ("joint", Combine::Joint), ("segregated", Combine::Segregated)],
        );
        let numeraire =
            root.word("numeraire", &[("usd", Numeraire::Usd), ("settlement", Numeraire::Settlement)]);
        let underlyings = assets(root, "underlyings");
        let charges = root.children("charge").iter().filter_map(|s| charge(s, &underlyings)).collect();
        let model = Self {
            // After a mistake in a word the first stands in, so that all other sections are still read.
            unit_by: unit_by.unwrap_or(UnitBy::Underlying),
            combine: combine.unwrap_or(match numeraire {
                Some(Numeraire::Settlement) => Combine::Segregated,
                _ => Combine::Sum,
            }),
            numeraire: numeraire.unwrap_or(Numeraire::Usd),
            scenarios: root.children("grid").iter().flat_map(grid).collect(),
            price_range: by_asset(root, "price_range", Bound::Within(1e-6, 0.99), &underlyings),
            vol_shock: vol_shock(root),
            skew: root.optional_child("skew").map(|s| skew(&s)),
            static_discount: root.optional_child("static_discount").map(|s| static_discount(&s)),
            forward_contingency: root.optional_child("forward_contingency").map(|s| forward_contingency(&s)),
            offset: offset(root, &underlyings),
            underlyings,
            charges,
            factor: factors(root),
            collateral: collateral(root),
            borrow: root.optional_child("borrow").map(|s| rates(&s)),
        };
        model.check(root);
        Some(model)
    }

    /// Rules between sections.
    fn check(&self, root: &Section<'_>) {
        if !root.has("grid") {
            root.mistake("grid", "a scenario rulebook needs at least one [[grid]] with moves and vols");
        }
        let any = |test: fn(VolMove) -> bool| self.scenarios.iter().any(|s| test(s.vol));
        let vols = &self.vol_shock;
        if any(|v| matches!(v, VolMove::Up | VolMove::Down))
            && vols.relative.is_none()
            && vols.percent.is_empty()
        {
            root.mistake("vol_shock", "is missing (or [[vol_percent]]): a grid moves vols up or down by it");
        }
        if vols.relative.is_some() && !vols.percent.is_empty() {
            root.mistake("vol_percent", "goes without [vol_shock]: both say by what part vols move");
        }
        if self.borrow.is_some() && self.combine == Combine::Segregated {
            root.mistake("borrow", "goes without combine = \"segregated\": segregated wallets do not borrow");
        }
        if any(|v| matches!(v, VolMove::UpPoints | VolMove::DownPoints)) && self.vol_shock.points.is_empty() {
            root.mistake("vol_points", "is missing: a grid moves vols by points");
        }
        if any(VolMove::is_skew) && self.skew.is_none() {
            root.mistake("skew", "is missing: a grid has skew scenarios");
        }
        let uses_range = self
            .scenarios
            .iter()
            .any(|s| matches!(s.spot, SpotMove::OfRange(_)) || matches!(s.weight, Weight::EdgeScaled(_)));
        if uses_range {
            covers(root, "price_range", &self.price_range, &self.underlyings);
        }
        self.keeps_prices(root);
        if self.combine != Combine::Segregated && self.numeraire == Numeraire::Settlement {
            root.mistake(
                "numeraire",
                "\"settlement\" goes with combine = \"segregated\": coins of several kinds do not add",
            );
        }
    }

    /// No range move takes a price to zero or below.
    fn keeps_prices(&self, root: &Section<'_>) {
        let ranges = self.price_range.default.iter().chain(self.price_range.of.values());
        let widest = ranges.copied().fold(0.0, at_least);
        let lowest = self.scenarios.iter().filter_map(|s| match s.spot {
            SpotMove::OfRange(part) => Some(part * widest),
            SpotMove::Relative(_) => None,
        });
        if lowest.fold(0.0, |a, b| -at_least(-a, -b)) <= -1.0 {
            root.mistake(
                "price_range",
                "times the lowest of range_moves must stay above -1: a price stays above zero",
            );
        }
    }
}

/// A table by asset has a number for every underlying; none named is any.
fn covers(section: &Section<'_>, key: &str, by: &ByAsset, underlyings: &[Asset]) {
    let missing: Vec<&str> =
        underlyings.iter().filter(|asset| by.get(asset).is_none()).map(Asset::as_str).collect();
    if !missing.is_empty() {
        section.mistake(key, &format!("has no number for {}: add it or a default", missing.join(", ")));
    } else if underlyings.is_empty() && by.default.is_none() {
        section.mistake(key, "needs a default, because the rulebook covers any underlying");
    }
}

fn assets(section: &Section<'_>, key: &str) -> Vec<Asset> {
    let parsed = section.texts(key).into_iter().filter_map(|name| match asset_named(&name) {
        Ok(asset) => Some(asset),
        Err(error) => {
            section.mistake(key, &error);
            None
        }
    });
    parsed.collect()
}

/// Numbers by asset; one for an asset that is not covered would change nothing, so it is a slip of the pen.
fn by_asset(section: &Section<'_>, key: &str, bound: Bound, underlyings: &[Asset]) -> ByAsset {
    let (default, of) = section.number_or_by_asset(key, bound).unwrap_or_default();
    for asset in of.keys().filter(|asset| !underlyings.is_empty() && !underlyings.contains(asset)) {
        section.mistake(
            key,
            &format!("names {asset}, which is not among underlyings: correct it or add it there"),
        );
    }
    ByAsset { default, of }
}

/// Numbers by asset that a rule needs for every underlying. A key at fault has its own mistake only.
fn for_all(section: &Section<'_>, key: &str, bound: Bound, underlyings: &[Asset]) -> ByAsset {
    let before = section.mistakes_so_far();
    let by = by_asset(section, key, bound, underlyings);
    if section.mistakes_so_far() == before {
        covers(section, key, &by, underlyings);
    }
    by
}

fn grid(section: &Section<'_>) -> Vec<Scenario> {
    let before = section.mistakes_so_far();
    let mut moves: Vec<SpotMove> = Vec::new();
    if section.has("range_moves") {
        moves.extend(
            section.numbers("range_moves", Bound::Within(-20.0, 20.0)).into_iter().map(SpotMove::OfRange),
        );
    }
    if section.has("moves") || !section.has("range_moves") {
        moves.extend(section.numbers("moves", Bound::Return).into_iter().map(SpotMove::Relative));
    }
    let given = ["moves", "range_moves"].into_iter().find(|key| section.has(key));
    if let Some(key) = given.filter(|_| moves.is_empty() && section.mistakes_so_far() == before) {
        section.mistake(key, "must list at least one move, such as [0.0]");
    }
    let vols = section.texts("vols").into_iter().filter_map(|word| {
        let known = VOLS.iter().find(|(name, _)| *name == word);
        if known.is_none() {
            let words: Vec<&str> = VOLS.iter().map(|(name, _)| *name).collect();
            section.mistake("vols", &format!("'{word}' is none of: {}", words.join(", ")));
        }
        known.copied()
    });
    let vols: Vec<(&str, VolMove)> = vols.collect();
    if vols.is_empty() {
        section.mistake("vols", "must name at least one vol move, such as [\"same\"]");
    }
    let fixed = section.number_or("weight", Bound::NotNegative, 1.0);
    let edge = section.optional_number("edge_weight", Bound::NotNegative);
    let days = section.number_or("days", Bound::NotNegative, 0.0);
    let table = if section.has("table") {
        section.word("table", &[("standard", Table::Standard), ("extended", Table::Extended)])
    } else {
        Some(Table::Standard)
    };
    if edge.is_some() && section.has("weight") {
        section.mistake("edge_weight", "goes without weight: a scenario has one of them");
    }
    if edge.is_some() && moves.iter().any(|m| matches!(m, SpotMove::Relative(0.0) | SpotMove::OfRange(0.0))) {
        section.mistake("edge_weight", "goes without a move of 0: it divides by the move");
    }
    let mut scenarios = Vec::new();
    for spot in &moves {
        for (word, vol) in &vols {
            scenarios.push(Scenario {
                name: name(*spot, word, days),
                spot: *spot,
                vol: *vol,
                days,
                weight: edge.map_or(Weight::Fixed(fixed), Weight::EdgeScaled),
                table: table.unwrap_or(Table::Standard),
            });
        }
    }
    scenarios
}

/// `-18 % up`, `-0.75 R same`, with days when some pass.
fn name(spot: SpotMove, vol: &str, days: f64) -> String {
    let spot = match spot {
        SpotMove::Relative(0.0) => "0 %".to_owned(),
        SpotMove::Relative(by) => format!("{:+} %", (by * 1e6).round() / 1e4),
        SpotMove::OfRange(0.0) => "0 R".to_owned(),
        SpotMove::OfRange(by) => format!("{:+} R", (by * 1e4).round() / 1e4),
    };
    let vol = vol.replace('_', " ");
    if days > 0.0 { format!("{spot} {vol} +{days} d") } else { format!("{spot} {vol}") }
}

fn vol_shock(root: &Section<'_>) -> VolShock {
    let relative = root.optional_child("vol_shock").map(|s| RelativeVol {
        range_up: s.number("range_up", Bound::NotNegative),
        range_down: s.number("range_down", Bound::NotNegative),
        short_term_power: s.number("short_term_power", Bound::Within(0.0, 2.0)),
        long_term_power: s.number("long_term_power", Bound::Within(0.0, 2.0)),
        floor_days: s.number("floor_days", Bound::Positive),
        least_vol_up: s.number("least_vol_up", Bound::NotNegative),
    });
    VolShock { relative, percent: vol_bands(root, "vol_percent"), points: vol_bands(root, "vol_points") }
}

fn vol_bands(root: &Section<'_>, key: &str) -> Vec<VolBand> {
    let bands: Vec<VolBand> = root
        .children(key)
        .iter()
        .map(|s| VolBand {
            up_to_days: s.number("up_to_days", Bound::NotNegative),
            up: s.number("up", Bound::NotNegative),
            down: s.number("down", Bound::NotNegative),
        })
        .collect();
    if bands.iter().zip(bands.iter().skip(1)).any(|(a, b)| a.up_to_days >= b.up_to_days) {
        root.mistake(key, "bands must ascend in up_to_days");
    }
    bands
}

fn skew(s: &Section<'_>) -> Skew {
    Skew {
        linear_cap: s.number("linear_cap", Bound::NotNegative),
        linear_cap_per_root_year: s.number("linear_cap_per_root_year", Bound::Finite),
        absolute_cap: s.number("absolute_cap", Bound::NotNegative),
        absolute_cap_per_root_year: s.number("absolute_cap_per_root_year", Bound::Finite),
        least_width: s.number("least_width", Bound::Positive),
        width: s.number("width", Bound::Positive),
        vol_static: s.number("vol_static", Bound::NotNegative),
        vol_per_root_year: s.number("vol_per_root_year", Bound::Finite),
    }
}

fn static_discount(section: &Section<'_>) -> StaticDiscount {
    let law = |s: &Section<'_>| DiscountLaw {
        base: s.number("base", Bound::Positive),
        rate_multiple: s.number("rate_multiple", Bound::NotNegative),
        rate_add: s.number("rate_add", Bound::NotNegative),
    };
    let harmless = DiscountLaw { base: 1.0, rate_multiple: 0.0, rate_add: 0.0 };
    let discount = StaticDiscount {
        long: section.child("long").map_or(harmless, |s| law(&s)),
        short: section.optional_child("short").map(|s| law(&s)),
    };
    if discount.long.base > 1.0 {
        section.mistake("long", "base is at most 1: a discount lowers what longs are worth");
    }
    if discount.short.is_some_and(|short| short.base < 1.0) {
        section.mistake("short", "base is at least 1: a discount raises what shorts cost");
    }
    discount
}

fn forward_contingency(s: &Section<'_>) -> ForwardContingency {
    ForwardContingency {
        up: s.number("up", Bound::NotNegative),
        down: s.number("down", Bound::Within(-0.99, 0.0)),
        add: s.number("add", Bound::NotNegative),
        per_year: s.number("per_year", Bound::NotNegative),
    }
}

fn offset(root: &Section<'_>, underlyings: &[Asset]) -> Offset {
    let Some(s) = root.optional_child("offset") else { return Offset::default() };
    let gain = by_asset(&s, "gain", Bound::Fraction, underlyings);
    let most_gain_usd = by_asset(&s, "most_gain_usd", Bound::NotNegative, underlyings);
    // Without the key gains have no limit; with it none may lose its limit by a slip.
    if s.has("most_gain_usd") && most_gain_usd.default.is_none() {
        let counted = underlyings.iter().chain(gain.of.keys());
        let mut unlimited: Vec<&str> = counted
            .filter(|asset| gain.get(asset).is_some() && most_gain_usd.get(asset).is_none())
            .map(Asset::as_str)
            .collect();
        unlimited.sort_unstable();
        unlimited.dedup();
        if !unlimited.is_empty() {
            let names = unlimited.join(", ");
            s.mistake(
                "most_gain_usd",
                &format!("has no number for {names}, whose gains count: add it or a default"),
            );
        }
    }
    Offset {
        gain,
        most_gain_usd,
        dampener_usd: by_asset(&s, "dampener_usd", Bound::NotNegative, underlyings),
    }
}

fn factors(root: &Section<'_>) -> Factors {
    let Some(s) = root.child("factor") else {
        return Factors { initial: 1.0, maintenance: 1.0, depeg_threshold: 0.0, depeg_factor: 0.0 };
    };
    let (initial, maintenance) = s.levels(Bound::Positive, BELOW);
    Factors {
        initial,
        maintenance,
        depeg_threshold: s.number_or("depeg_threshold", Bound::Within(0.0, 1.0), 0.0),
        depeg_factor: s.number_or("depeg_factor", Bound::NotNegative, 0.0),
    }
}

fn collateral(root: &Section<'_>) -> CollateralRule {
    let Some(section) = root.child("collateral") else { return CollateralRule::default() };
    let mut rule =
        CollateralRule { cash: assets(&section, "cash"), haircut: std::collections::BTreeMap::new() };
    for (name, s) in section.named_children("haircut") {
        let below = "is below maintenance: collateral would count less after a loss of nothing";
        let (initial, maintenance) = s.levels(Bound::Fraction, below);
        let haircut = Haircut { initial, maintenance, in_scenarios: in_scenarios(&s) };
        match Asset::new(&name) {
            Ok(asset) => {
                rule.haircut.insert(asset, haircut);
            }
            Err(error) => section.mistake("haircut", &error.to_string()),
        }
    }
    rule
}

fn in_scenarios(s: &Section<'_>) -> InScenarios {
    if s.is_text("in_scenarios") {
        return s.word("in_scenarios", &[("hedging", InScenarios::Hedging)]).unwrap_or_default();
    }
    if s.flag_or("in_scenarios", false) { InScenarios::Whole } else { InScenarios::Nothing }
}

/// Kinds of charges by the word of the file.
#[derive(Debug, Clone, Copy)]
enum Word {
    Futures,
    Perpetuals,
    Holdings,
    NakedOptions,
    ShortOptions,
    Confidence,
    ExpiryDelta,
    DeltaShock,
    CloseOut,
    CalendarSpread,
    QuoteHedge,
}

const KINDS: [(&str, Word); 11] = [
    ("futures", Word::Futures),
    ("perpetuals", Word::Perpetuals),
    ("holdings", Word::Holdings),
    ("naked_options", Word::NakedOptions),
    ("short_options", Word::ShortOptions),
    ("confidence", Word::Confidence),
    ("expiry_delta", Word::ExpiryDelta),
    ("delta_shock", Word::DeltaShock),
    ("close_out", Word::CloseOut),
    ("calendar_spread", Word::CalendarSpread),
    ("quote_hedge", Word::QuoteHedge),
];

fn charge(s: &Section<'_>, underlyings: &[Asset]) -> Option<ChargeRule> {
    let all = |key: &str| for_all(s, key, Bound::NotNegative, underlyings);
    let name = s.text("name");
    let place =
        s.word("place", &[("scaled", Place::Scaled), ("added", Place::Added), ("floor", Place::Floor)]);
    let Some(kind) = s.word("kind", &KINDS) else {
        s.leave_rest();
        return None;
    };
    let kind = match kind {
        Word::Futures => ChargeKind::Futures { rate: rates(s), perpetuals_only: false },
        Word::Perpetuals => ChargeKind::Futures { rate: rates(s), perpetuals_only: true },
        Word::Holdings => ChargeKind::Holdings(rates(s)),
        Word::NakedOptions => ChargeKind::NakedOptions(rates(s)),
        Word::ShortOptions => ChargeKind::ShortOptions(rates(s)),
        Word::Confidence => ChargeKind::Confidence {
            threshold: s.number("threshold", Bound::Fraction),
            factor: s.number("factor", Bound::NotNegative),
            holdings: doubted_holdings(s),
        },
        Word::ExpiryDelta => ChargeKind::ExpiryDelta {
            per_year: all("per_year"),
            growth: s
                .word("growth", &[("linear", Growth::Linear), ("exponential", Growth::Exponential)])
                .unwrap_or(Growth::Linear),
            least: all("least"),
        },
        Word::DeltaShock => ChargeKind::DeltaShock {
            threshold_usd: s.number("threshold_usd", Bound::NotNegative),
            slope_per_coin: all("slope_per_coin"),
            most: s.number("most", Bound::Fraction),
        },
        Word::CloseOut => ChargeKind::CloseOut { rate: all("rate"), bands: bands(s) },
        Word::CalendarSpread => {
            let per_year = if s.has("per_year") { all("per_year") } else { ByAsset::all(0.0) };
            ChargeKind::CalendarSpread { rate: all("rate"), per_year }
        }
        Word::QuoteHedge => ChargeKind::QuoteHedge { pairs: quote_pairs(s), tables: hedge_tables(s) },
    };
    Some(ChargeRule { name, place: place?, kind })
}

fn doubted_holdings(s: &Section<'_>) -> DoubtedHoldings {
    if !s.has("holdings") {
        return DoubtedHoldings::default();
    }
    let words = [("own", DoubtedHoldings::Own), ("with_futures", DoubtedHoldings::WithFutures)];
    s.word("holdings", &words).unwrap_or_default()
}

fn rates(s: &Section<'_>) -> Rates {
    let (initial, maintenance) = s.levels(Bound::NotNegative, BELOW);
    Rates { initial, maintenance }
}

fn bands(section: &Section<'_>) -> Vec<Band> {
    let bands: Vec<Band> = section
        .children("band")
        .iter()
        .map(|s| Band {
            up_to_usd: s.optional_number("up_to_usd", Bound::Positive).unwrap_or(f64::MAX),
            multiplier: s.number("multiplier", Bound::NotNegative),
        })
        .collect();
    if bands.iter().zip(bands.iter().skip(1)).any(|(a, b)| a.up_to_usd >= b.up_to_usd) {
        section.mistake("band", "bands must ascend in up_to_usd; the last may leave it out");
    }
    bands
}

/// `["USDT-USD"]`.
fn quote_pairs(section: &Section<'_>) -> Vec<QuotePair> {
    let texts = section.texts("pairs");
    if texts.is_empty() {
        section.mistake("pairs", "must name the pairs in the order of matching, such as [\"USDT-USD\"]");
    }
    let pair = |text: &String| {
        let (first, second) = text.split_once('-')?;
        Some(QuotePair { first: Asset::new(first).ok()?, second: Asset::new(second).ok()? })
    };
    let pairs: Vec<QuotePair> = texts.iter().filter_map(pair).filter(|p| p.first != p.second).collect();
    if pairs.len() != texts.len() {
        section.mistake("pairs", "each pair is two different currencies with a hyphen, such as \"USDT-USD\"");
    }
    pairs
}

fn hedge_tables(section: &Section<'_>) -> Vec<HedgeTable> {
    let table = |s: &Section<'_>| HedgeTable {
        at_least_usd: s.number_or("at_least_usd", Bound::NotNegative, 0.0),
        tiers: hedge_tiers(s),
    };
    let tables: Vec<HedgeTable> = section.children("table").iter().map(table).collect();
    if tables.iter().zip(tables.iter().skip(1)).any(|(a, b)| a.at_least_usd <= b.at_least_usd) {
        section.mistake("table", "tables must fall in at_least_usd");
    }
    if tables.last().is_none_or(|last| last.at_least_usd > 0.0) {
        section.mistake("table", "the last [[charge.table]] has no at_least_usd: it holds below all others");
    }
    tables
}

fn hedge_tiers(section: &Section<'_>) -> Vec<HedgeTier> {
    let tier = |s: &Section<'_>| HedgeTier {
        up_to_usd: s.optional_number("up_to_usd", Bound::Positive).unwrap_or(f64::MAX),
        rate: s.number("rate", Bound::Fraction),
    };
    let tiers: Vec<HedgeTier> = section.children("tier").iter().map(tier).collect();
    if tiers.iter().zip(tiers.iter().skip(1)).any(|(a, b)| a.up_to_usd >= b.up_to_usd) {
        section.mistake("tier", "tiers must ascend in up_to_usd");
    }
    if tiers.last().is_none_or(|last| last.up_to_usd < f64::MAX) {
        section.mistake("tier", "the last tier has no up_to_usd: no size may go uncharged");
    }
    tiers
}
