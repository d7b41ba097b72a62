//! Faults: what a broken oracle, a depeg, a hedge closed by auto-deleveraging or a lost venue does to an account's margin.
//!
//! A fault is named data with a source. It changes a state; the account is margined three times: as it is, as the venue sees
//! it after the fault, and as it truly is. A depeg, a deleveraging and a haircut are seen by the venue; a wrong oracle moves
//! the venue's view and not the truth; a stale oracle hides the truth from the venue.
//!
//! ```toml
//! [[fault]]
//! name = "BTC oracle 5 % low"
//! source = "where the size comes from"
//! kind = "oracle_offset"           # the venue margins on moved prices
//! percent = -5
//! assets = ["BTC"]                 # left out: all coins
//! venue = "drift"                  # left out: every venue
//! ```
//!
//! | kind | keys | venue's view | truth |
//! |---|---|---|---|
//! | `oracle_offset` | `percent`, `assets`, `venue` | prices of the assets moved | unchanged |
//! | `oracle_stale` | `percent`, `assets`, `venue` | unchanged | prices of the assets moved |
//! | `depeg` | `asset`, `to` (USD), `venue` | the asset at its new rate | the same |
//! | `adl` | `venue` | the future with the largest gain closed at its mark | the same |
//! | `venue_haircut` | `venue`, `fraction` | that fraction of each positive balance lost | the same |

use crate::impact::Standing;
use crate::report::Unmargined;
use crate::rulebook::Rulebook;
use crate::rulebook::section::{Bound, Mistakes, Section};
use crate::state::{AccountState, Move};
use crate::whatif::Place;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Issues, Venue};

/// A named fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Short name for tables.
    pub name: String,
    /// Where its size comes from.
    pub source: String,
    /// The venue it strikes; none strikes all.
    pub venue: Option<Venue>,
    /// What breaks.
    pub kind: FaultKind,
}

/// What breaks.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The oracle is off: the venue margins on prices that nobody trades at.
    OracleOffset(PriceMove),
    /// The market moved and the oracle did not.
    OracleStale(PriceMove),
    /// An asset leaves its peg.
    Depeg {
        /// Which.
        asset: Asset,
        /// Its new price, USD.
        to_usd: f64,
    },
    /// Auto-deleveraging closes the future with the largest gain.
    Adl,
    /// A part of every positive balance is lost.
    Haircut {
        /// Which part, 0 to 1.
        fraction: f64,
    },
}

/// A move of some prices.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceMove {
    /// Factor on the USD price.
    pub factor: f64,
    /// Of these; empty means all coins.
    pub assets: Vec<Asset>,
}

/// What a fault does to one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Name of the fault.
    pub fault: String,
    /// Which account.
    pub place: Place,
    /// Model id.
    pub rulebook: String,
    /// Without the fault.
    pub before: Standing,
    /// What the venue computes after it, and acts on.
    pub venue_view: Standing,
    /// What it would compute on true prices.
    pub truth: Standing,
    /// True surplus less the venue's at maintenance: below zero is a loss the venue does not see.
    pub hidden_usd: f64,
    /// What the fault did, or why it did nothing, where the figures do not say so.
    pub note: Option<String>,
    /// What the figures leave out, before or after: they are partial.
    pub unmargined: Vec<Unmargined>,
}

/// A fault applied to one state.
#[derive(Debug, Clone, PartialEq)]
struct Struck {
    venue_view: AccountState,
    truth: AccountState,
    note: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    OracleOffset,
    OracleStale,
    Depeg,
    Adl,
    Haircut,
}

const KINDS: [(&str, Kind); 5] = [
    ("oracle_offset", Kind::OracleOffset),
    ("oracle_stale", Kind::OracleStale),
    ("depeg", Kind::Depeg),
    ("adl", Kind::Adl),
    ("venue_haircut", Kind::Haircut),
];

impl Fault {
    /// Parses and checks a file of faults.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, Issues> {
        let mistakes = Mistakes::new(file);
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                mistakes.add("", "", error.to_string().trim());
                return Err(mistakes.into_issues());
            }
        };
        let root = Section::root(&table, &mistakes);
        let mut names = BTreeSet::new();
        let mut faults = Vec::new();
        let sections = root.children("fault");
        if sections.is_empty() && mistakes.is_empty() {
            mistakes.add("fault", "", "has no entry: add one that begins with [[fault]]");
        }
        for section in sections {
            let name = section.text("name");
            faults.extend(read(&section, &name));
            if !name.is_empty() && !names.insert(name) {
                section.mistake("name", "names a fault that is there already");
            }
        }
        drop(root);
        let issues = mistakes.into_issues();
        if issues.is_empty() { Ok(faults) } else { Err(issues) }
    }

    /// Margins one account before the fault and after.
    #[must_use]
    pub fn effect(&self, rulebook: &Rulebook, state: &AccountState) -> Effect {
        let outcome = |state: &AccountState| rulebook.outcome(state);
        self.effect_by(outcome, state, &rulebook.header.id)
    }

    fn effect_by(
        &self,
        margin: impl Fn(&AccountState) -> crate::report::Outcome,
        state: &AccountState,
        rulebook: &str,
    ) -> Effect {
        let struck = self.strike(state);
        let (before, view, truth) = (margin(state), margin(&struck.venue_view), margin(&struck.truth));
        let mut unmargined = before.unmargined.clone();
        for part in view.unmargined.iter().chain(&truth.unmargined) {
            if !unmargined.contains(part) {
                unmargined.push(part.clone());
            }
        }
        Effect {
            fault: self.name.clone(),
            place: Place::of(state),
            rulebook: rulebook.to_owned(),
            before: Standing::from(&before),
            venue_view: Standing::from(&view),
            truth: Standing::from(&truth),
            hidden_usd: truth.surplus().maintenance - view.surplus().maintenance,
            note: struck.note,
            unmargined,
        }
    }

    fn strike(&self, state: &AccountState) -> Struck {
        let unchanged = || state.clone();
        if self.venue.as_ref().is_some_and(|venue| *venue != state.venue) {
            let note = Some(format!("not on {}", state.venue));
            return Struck { venue_view: unchanged(), truth: unchanged(), note };
        }
        match &self.kind {
            FaultKind::OracleOffset(off) => {
                Struck { venue_view: state.moved(&off.as_move()), truth: unchanged(), note: None }
            }
            FaultKind::OracleStale(moved) => {
                Struck { venue_view: unchanged(), truth: state.moved(&moved.as_move()), note: None }
            }
            FaultKind::Depeg { asset, to_usd } => match price_usd(state, asset).filter(|usd| *usd > 0.0) {
                Some(usd) => seen(state.moved(&Move::of(asset.clone(), to_usd / usd)), None),
                None => seen(unchanged(), Some(format!("no {asset} in this account"))),
            },
            FaultKind::Adl => deleveraged(state),
            FaultKind::Haircut { fraction } => {
                let mut state = unchanged();
                for holding in state.balances.iter_mut().filter(|holding| holding.amount > 0.0) {
                    holding.amount *= 1.0 - fraction;
                }
                seen(state, None)
            }
        }
    }
}

impl PriceMove {
    fn as_move(&self) -> Move {
        if self.assets.is_empty() {
            return Move::coins(self.factor);
        }
        let of: BTreeMap<Asset, f64> = self.assets.iter().map(|asset| (asset.clone(), self.factor)).collect();
        Move { coins: 1.0, of }
    }
}

/// The venue sees what is true.
fn seen(state: AccountState, note: Option<String>) -> Struck {
    Struck { venue_view: state.clone(), truth: state, note }
}

/// USD price of an asset anywhere in a state: held, settled in, quoted in, or an underlying.
fn price_usd(state: &AccountState, asset: &Asset) -> Option<f64> {
    let held = state.balances.iter().find(|holding| holding.asset == *asset).map(|holding| holding.price_usd);
    let leg = || {
        state.legs.iter().find_map(|leg| {
            if leg.contract.settlement_asset() == asset {
                return Some(leg.settlement_usd);
            }
            (leg.contract.underlying == *asset).then_some(leg.index_usd)
        })
    };
    held.or_else(leg)
}

/// Closes the future with the largest gain; of two equal ones the first.
fn deleveraged(state: &AccountState) -> Struck {
    let futures = state.legs.iter().enumerate().filter(|(_, leg)| !leg.is_option());
    let mut first: Option<(usize, f64)> = None;
    for (place, leg) in futures {
        let gain = leg.gain_usd();
        if gain > first.map_or(0.0, |(_, most)| most) {
            first = Some((place, gain));
        }
    }
    let mut after = state.clone();
    let Some((place, gain)) = first else {
        let unknown = state.legs.iter().any(|leg| !leg.is_option() && leg.entry_value.is_none());
        let why = if unknown { "; entries that are unknown count as no gain" } else { "" };
        return seen(after, Some(format!("no future with a gain{why}")));
    };
    let symbol = state.legs.get(place).map(|leg| leg.symbol.to_string()).unwrap_or_default();
    after.close_leg(place);
    seen(after, Some(format!("closes {symbol} with a gain of {gain:.2} USD")))
}

fn read(section: &Section<'_>, name: &str) -> Option<Fault> {
    let source = section.text("source");
    let kind = section.word("kind", &KINDS);
    let venue = section.has("venue").then(|| section.text("venue")).and_then(|name| {
        let venue = Venue::new(&name);
        if let Err(error) = &venue {
            section.mistake("venue", &error.to_string());
        }
        venue.ok()
    });
    let kind = match kind? {
        Kind::OracleOffset => FaultKind::OracleOffset(price_move(section)),
        Kind::OracleStale => FaultKind::OracleStale(price_move(section)),
        Kind::Depeg => {
            let asset = assets(section, "asset", &[section.text("asset")]).into_iter().next();
            let to_usd = section.number("to", Bound::Positive);
            FaultKind::Depeg { asset: asset?, to_usd }
        }
        Kind::Adl => FaultKind::Adl,
        Kind::Haircut => {
            if venue.is_none() && !section.has("venue") {
                section.mistake("venue", "is missing: name the venue that is lost");
            }
            FaultKind::Haircut { fraction: section.number("fraction", Bound::Fraction) }
        }
    };
    Some(Fault { name: name.to_owned(), source, venue, kind })
}

fn price_move(section: &Section<'_>) -> PriceMove {
    let percent = section.number("percent", Bound::Within(-99.99, 9_900.0));
    let assets = assets(section, "assets", &section.texts("assets"));
    if section.has("assets") && assets.is_empty() {
        section.mistake("assets", "must name an asset; leave it out for all coins");
    }
    PriceMove { factor: 1.0 + percent / 100.0, assets }
}

fn assets(section: &Section<'_>, key: &str, names: &[String]) -> Vec<Asset> {
    let checked = names.iter().filter_map(|name| {
        let asset = Asset::new(name);
        if let Err(error) = &asset {
            section.mistake(key, &error.to_string());
        }
        asset.ok()
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Levels, Outcome};
    use crate::state::Holding;
    use crate::testing::{asset, linear_perpetual, state};

    /// 5 % of the notional against balances and gains.
    fn margin(state: &AccountState) -> Outcome {
        let asked: f64 = state.legs.iter().map(|leg| 0.05 * leg.notional_usd()).sum();
        let equity = state.balances.iter().map(Holding::value_usd).sum::<f64>()
            + state.legs.iter().map(crate::state::Leg::gain_usd).sum::<f64>();
        let requirement = Levels { initial: 2.0 * asked, maintenance: asked };
        Outcome { equity_usd: equity, counted: Levels::both(equity), requirement, ..Outcome::default() }
    }

    /// Long spot BTC hedged by a short with a gain of 10,000; 2,000 USDT.
    fn hedged() -> AccountState {
        let short = linear_perpetual("BTC", "USDT", -1.0, 110_000.0, 100_000.0);
        let long = linear_perpetual("ETH", "USDT", 1.0, 2_999.0, 3_000.0);
        state("v", vec![short, long], &[("BTC", 1.0, 100_000.0), ("USDT", 2_000.0, 1.0)])
    }

    fn effect(text: &str) -> Effect {
        let text = format!("[[fault]]\nname = \"f\"\nsource = \"s\"\n{text}");
        Fault::parse("f.toml", &text).unwrap()[0].effect_by(margin, &hedged(), "flat")
    }

    #[track_caller]
    fn near(found: f64, expected: f64) {
        // Sums of a few figures near 100,000.
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// 112,001 of equity less 5 % of 103,000.
    const BEFORE: f64 = 112_001.0 - 5_150.0;

    #[test]
    fn a_wrong_oracle_moves_the_venues_view_alone() {
        let found = effect("kind = \"oracle_offset\"\npercent = -10\nassets = [\"BTC\"]\n");
        near(found.before.surplus.maintenance, BEFORE);
        // Coin and short cancel; 10,000 of notional less asks 500 less.
        near(found.venue_view.surplus.maintenance, BEFORE + 500.0);
        assert_eq!(found.truth, found.before);
        near(found.hidden_usd, -500.0);
        let all = effect("kind = \"oracle_offset\"\npercent = -10\n");
        // ETH falls as well: 300 of loss, 15 of requirement.
        near(all.venue_view.surplus.maintenance, BEFORE + 500.0 - 300.0 + 15.0);
    }

    #[test]
    fn a_stale_oracle_hides_the_truth() {
        let found = effect("kind = \"oracle_stale\"\npercent = -50\nassets = [\"ETH\"]\nvenue = \"V\"\n");
        assert_eq!(found.venue_view, found.before);
        near(found.truth.surplus.maintenance, BEFORE - 1_500.0 + 75.0);
        near(found.hidden_usd, -1_425.0);
    }

    #[test]
    fn a_depeg_sets_the_rate() {
        let found = effect("kind = \"depeg\"\nasset = \"usdt\"\nto = 0.8\n");
        // In USDT BTC rises to 125,000 and ETH to 3,750; gains are 110,000 - 125,000 and 3,750 - 2,999 of 0.8 USD each; the
        // notional in USD stays.
        let equity = 100_000.0 + 0.8 * (2_000.0 - 15_000.0 + 751.0);
        near(found.venue_view.surplus.maintenance, equity - 5_150.0);
        assert_eq!((found.truth, found.hidden_usd.to_bits()), (found.venue_view, 0.0f64.to_bits()));
        let other = effect("kind = \"depeg\"\nasset = \"DAI\"\nto = 0.8\n");
        assert_eq!((other.venue_view, other.note.as_deref()), (other.before, Some("no DAI in this account")));
    }

    #[test]
    fn deleveraging_takes_the_hedge_and_leaves_the_risk() {
        let found = effect("kind = \"adl\"\n");
        // The gain is realised, the 100,000 of notional is gone, and the coin is naked.
        near(found.venue_view.surplus.maintenance, BEFORE + 5_000.0);
        assert_eq!(found.note.as_deref(), Some("closes BTC-PERP with a gain of 10000.00 USD"));
        let after = deleveraged(&hedged()).truth;
        assert_eq!(after.legs.len(), 1);
        near(after.balances.iter().find(|held| held.asset == asset("USDT")).unwrap().amount, 12_000.0);
        let mut flat = hedged();
        flat.legs.clear();
        assert_eq!(deleveraged(&flat).note.as_deref(), Some("no future with a gain"));
    }

    #[test]
    fn a_haircut_takes_a_part_of_what_the_venue_holds() {
        let found = effect("kind = \"venue_haircut\"\nvenue = \"v\"\nfraction = 0.25\n");
        near(found.venue_view.surplus.maintenance, BEFORE - 0.25 * 102_000.0);
        let other = effect("kind = \"venue_haircut\"\nvenue = \"w\"\nfraction = 0.25\n");
        assert_eq!((other.venue_view, other.note.as_deref()), (other.before, Some("not on v")));
        let all = effect("kind = \"venue_haircut\"\nvenue = \"v\"\nfraction = 1\n");
        // Gains are not a balance and stay.
        near(all.venue_view.surplus.maintenance, BEFORE - 102_000.0);
    }

    #[test]
    fn every_mistake_of_a_file_is_reported() {
        let text = "[[fault]]\nname = \"a\"\nkind = \"oracle_offset\"\npercent = -100\nassets = []\nto = 1\n\
                    [[fault]]\nname = \"a\"\nsource = \"s\"\nkind = \"depeg\"\nasset = \"\"\nto = 0\n\
                    [[fault]]\nname = \"b\"\nsource = \"s\"\nkind = \"venue_haircut\"\nfraction = 2\n\
                    [[fault]]\nname = \"c\"\nsource = \"s\"\nkind = \"flood\"\nvenue = \"a,b\"\n";
        let issues = Fault::parse("f.toml", text).unwrap_err();
        let found: Vec<String> = issues.kept().iter().map(ToString::to_string).collect();
        for part in [
            "fault[1].source: is missing",
            "fault[1].percent = '-100'",
            "fault[1].assets = '[]'",
            "fault[1].to: is not a parameter",
            "fault[2].name = '\"a\"': names a fault",
            "fault[2].asset",
            "fault[2].to = '0'",
            "fault[3].venue: is missing",
            "fault[3].fraction = '2'",
            "fault[4].kind = '\"flood\"'",
            "fault[4].venue = '\"a,b\"'",
        ] {
            assert!(found.iter().any(|line| line.contains(part)), "{part} in {found:#?}");
        }
    }

    #[test]
    fn a_file_without_faults_is_refused_and_a_missing_name_is_one_mistake() {
        for text in ["", "fault = []\n"] {
            let issues = Fault::parse("f.toml", text).unwrap_err();
            assert_eq!(
                issues.kept()[0].to_string(),
                "f.toml, fault: has no entry: add one that begins with [[fault]]"
            );
        }
        let issues = Fault::parse("f.toml", "[[fault]]\nsource = \"s\"\nkind = \"adl\"\n").unwrap_err();
        let found: Vec<String> = issues.kept().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("fault[1].name: is missing"), "{found:?}");
    }

    #[test]
    fn the_shipped_file_is_sound_and_has_every_kind() {
        let faults = Fault::parse("faults.toml", include_str!("../../../scenarios/faults.toml")).unwrap();
        let kinds: BTreeSet<String> =
            faults.iter().map(|fault| format!("{:?}", std::mem::discriminant(&fault.kind))).collect();
        assert_eq!(kinds.len(), KINDS.len());
    }
}
