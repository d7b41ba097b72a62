//! What is allowed in a policy and may not be meant.

use engine::{Action, Execution, Policy, State, Variable};
use hedge::policy::Reads;
use instrument::{Specs, SymbolError, resolve};
use risk::GroupBy;
use units::{Asset, Symbol, Timestamp, Venue};

/// Kinds of rows, as groups are named by them.
const KINDS: [&str; 6] = ["option", "future", "perpetual", "spot", "balance", "gain"];

/// All of them, one sentence each.
pub(super) fn of(policy: &Policy, specs: &Specs, at: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    if format!("{}T00:00:00Z", policy.valid_from).parse::<Timestamp>().is_ok_and(|from| from > at) {
        warnings.push(format!("valid_from is {}: later than {at}", policy.valid_from));
    }
    let acts = !policy.hedges.is_empty() || !policy.collaterals.is_empty();
    if policy.limits.is_empty() && !acts && policy.triggers.is_empty() {
        warnings.push("nothing is limited, hedged or watched".into());
    }
    stale(policy, &mut warnings);
    only(policy, specs, &mut warnings);
    acting(policy, &mut warnings);
    free(policy, &mut warnings);
    warnings
}

/// A band that knows the cost is none where trades are free: then every tick is traded.
fn free(policy: &Policy, warnings: &mut Vec<String>) {
    for hedge in &policy.hedges {
        let row = policy.trading.iter().find(|row| row.fits(&hedge.listing));
        let cost = row.map_or(0.0, |row| row.fee + row.half_spread);
        if hedge.sizing.reads() >= Reads::Gamma
            && hedge.sizing.interval_years().is_none()
            && cost <= 0.0
            && hedge.fixed_cost.is_zero()
        {
            warnings.push(format!(
                "hedge '{}': its trades cost nothing (fee_bp + half_spread_bp is {}), so its band is nothing and every tick is traded",
                hedge.name,
                cost * 1e4
            ));
        }
    }
}

fn stale(policy: &Policy, warnings: &mut Vec<String>) {
    if policy.stale_after_seconds.is_some() {
        return;
    }
    warnings.push(
        "without stale_after_seconds no quote is ever too old: limits and triggers go by quotes of any age"
            .into(),
    );
    for trigger in &policy.triggers {
        if trigger.when.reads().contains(&Variable::Stale) {
            warnings.push(format!(
                "trigger '{}' reads stale, which is empty without stale_after_seconds",
                trigger.name
            ));
        }
    }
}

/// Names in `only` that no group can have.
fn only(policy: &Policy, specs: &Specs, warnings: &mut Vec<String>) {
    for limit in &policy.limits {
        for (place, names) in &limit.only {
            let Some(column) = limit.group_by.get(*place) else { continue };
            for name in names {
                if let Some(why) = unknown(*column, name, specs) {
                    warnings.push(format!(
                        "limit '{}': only has {} '{name}': {why}",
                        limit.name,
                        column.word()
                    ));
                }
            }
        }
    }
}

fn unknown(column: GroupBy, name: &str, specs: &Specs) -> Option<String> {
    let written = |normal: Option<String>| match normal {
        Some(normal) if normal == name => None,
        Some(normal) => Some(format!("it is written {normal}, and nothing is named so")),
        None => Some("nothing can be named so".into()),
    };
    match column {
        GroupBy::Venue => written(Venue::new(name).ok().map(|venue| venue.to_string())).or_else(|| {
            let (venue, symbol) = (Venue::new(name).ok()?, Symbol::new("BTC").ok()?);
            match resolve(&venue, &symbol, specs) {
                Err(error @ SymbolError::UnknownVenue { .. }) => Some(error.to_string()),
                _ => None,
            }
        }),
        GroupBy::Chain => written(units::Chain::new(name).ok().map(|chain| chain.to_string())),
        GroupBy::Underlying => written(Asset::new(name).ok().map(|asset| asset.to_string())),
        GroupBy::Kind => (!KINDS.contains(&name)).then(|| format!("there are {}", KINDS.join(", "))),
        GroupBy::Expiry | GroupBy::Account => None,
    }
}

fn acting(policy: &Policy, warnings: &mut Vec<String>) {
    for hedge in policy.hedges.iter().filter(|hedge| hedge.execution == Execution::Armed) {
        warnings.push(format!(
            "hedge '{}' sends orders by itself once a person has armed the engine",
            hedge.name
        ));
    }
    for rule in policy.collaterals.iter().filter(|rule| rule.execution == Execution::Armed) {
        warnings.push(format!(
            "collateral '{}' moves money by itself once a person has armed the engine",
            rule.name
        ));
    }
    for (place, hedge) in policy.hedges.iter().enumerate() {
        let others = policy.hedges.iter().skip(place + 1);
        for other in others.filter(|other| other.underlying == hedge.underlying) {
            warnings.push(format!(
                "hedges '{}' and '{}' keep the same delta, that of {}: with other bands or targets they trade against each other",
                hedge.name, other.name, hedge.underlying
            ));
        }
    }
    let stops = |trigger: &&engine::Trigger| {
        trigger.actions.contains(&Action::CancelOrders) && trigger.state() < State::ReduceOnly
    };
    for trigger in policy.triggers.iter().filter(stops).filter(|_| !policy.hedges.is_empty()) {
        warnings.push(format!(
            "trigger '{}' cancels orders once and lets hedges send others: add pause or reduce_only to hold them back",
            trigger.name
        ));
    }
    if let Some(orders) = &policy.orders
        && orders.largest > orders.hourly_turnover
    {
        warnings.push("orders.largest_usd is over hourly_turnover_usd: no order can be so large".into());
    }
    let known = margin::Rulebooks::embedded().unwrap_or_default();
    let named = policy.margin.iter().flat_map(|rules| &rules.rulebooks);
    for ((account, venue), id) in named.filter(|(_, id)| known.get(id).is_none()) {
        warnings.push(format!(
            "margin.rulebooks: '{id}' of {account}@{venue} does not ship with the program: until it is given, that margin is not known"
        ));
    }
    let flatten = policy.orders.as_ref().and_then(|orders| orders.flatten);
    if flatten == Some(Execution::Armed) {
        warnings.push(
            "in the state flatten everything is closed without asking once a person has armed the engine"
                .into(),
        );
    }
    let asked: Vec<&str> = policy
        .triggers
        .iter()
        .filter(|trigger| trigger.actions.contains(&Action::Flatten))
        .map(|trigger| trigger.name.as_str())
        .chain(policy.limits.iter().filter(|l| l.on_hard == State::Flatten).map(|l| l.name.as_str()))
        .collect();
    if !asked.is_empty() && flatten.is_none() {
        warnings.push(format!(
            "{} asks for the state flatten, and nobody closes anything in it: orders.flatten is not set",
            asked.join(", ")
        ));
    }
    if policy.orders.is_none() && policy.triggers.iter().any(|t| t.actions.contains(&Action::CancelOrders)) {
        warnings.push(
            "cancel_orders has nothing to cancel: without [orders] and a hedge no order is sent".into(),
        );
    }
}
