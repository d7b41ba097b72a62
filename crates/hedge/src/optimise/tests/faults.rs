//! Input that is wrong, and problems that have no answer: what is wrong is named.

use super::*;

const HARD: Band = Band::Hard { width: 0.0 };

fn sound() -> Problem {
    problem(vec![row("delta", -5.0, HARD)], vec![instrument("PERP", 2.0, &[("delta", 1.0)])])
}

fn with_tail(alpha: f64) -> Problem {
    let mut problem = sound();
    let tail = Tail { alpha, losses: vec![1.0, 2.0], gains: vec![vec![0.5, -0.5]] };
    problem.aim = Aim::Tail { tail, cost_weight: 1.0 };
    problem
}

/// Everything that is said of a problem.
fn said(problem: &Problem) -> Vec<String> {
    match optimise(problem) {
        Err(OptimiseError::Unsound(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// How a problem is spoiled, and what is said of it then.
type Case = (fn(&mut Problem), &'static str);

#[test]
fn every_broken_rule_is_named() {
    let cases: [Case; 19] = [
        (|p| p.instruments.clear(), "no instrument is given"),
        (|p| p.rows[0].exposure = f64::NAN, "exposure of row 'delta' is NaN: a finite number is needed"),
        (|p| p.rows[0].band = Band::Hard { width: -1.0 }, "band of row 'delta' is -1: it cannot be negative"),
        (|p| p.rows[0].band = Band::Soft { width: 0.0, price: f64::INFINITY }, "price of row 'delta' is inf"),
        (|p| p.rows.push(p.rows[0].clone()), "row 'delta' is given twice"),
        (|p| p.instruments.push(p.instruments[0].clone()), "instrument 'PERP' is given twice"),
        (|p| p.instruments[0].lot = 0.0, "instrument 'PERP' has lots of 0: a lot is greater than zero"),
        (|p| p.instruments[0].lot = f64::NAN, "lot of 'PERP' is NaN"),
        (|p| p.instruments[0].impact = -1.0, "impact of 'PERP' is -1"),
        (|p| p.instruments[0].minimum = -1.0, "minimum of 'PERP' is -1"),
        (|p| p.instruments[0].liquidity.sold = f64::INFINITY, "liquidity of 'PERP', sold is inf"),
        (
            |p| p.instruments[0].cost = Sides { bought: -3.0, sold: 2.0 },
            "'PERP' pays for trading both ways: its costs sum to -1",
        ),
        (
            |p| p.instruments[0].moves[0].row = "gamma".to_owned(),
            "'PERP' names row 'gamma', which is not in the problem",
        ),
        (|p| p.instruments[0].moves[0].per_unit = f64::NAN, "move of row 'delta' by 'PERP' is NaN"),
        (
            |p| p.instruments[0].moves = [&p.instruments[0].moves[..]; 2].concat(),
            "row of an instrument 'PERP: delta' is given twice",
        ),
        (
            |p| {
                p.instruments[0].margin =
                    Some(VenueMargin { venue: "V".to_owned(), per_unit: Sides { bought: 1.0, sold: -2.0 } });
            },
            "'PERP' releases margin both ways: its coefficients sum to -1",
        ),
        (
            |p| {
                p.instruments[0].margin =
                    Some(VenueMargin { venue: "V".to_owned(), per_unit: Sides::both(1.0) });
            },
            "'PERP' names venue 'V', which is not in the problem",
        ),
        (
            |p| p.venues.push(Venue { name: "V".to_owned(), used: 0.0, limit: f64::NAN }),
            "margin limit of 'V' is NaN",
        ),
        (|p| p.rows.clear(), "neither a row nor a scenario is given"),
    ];
    for (spoil, expected) in cases {
        let mut problem = sound();
        spoil(&mut problem);
        let said = said(&problem);
        assert!(said.iter().any(|s| s.contains(expected)), "{expected}: {said:?}");
    }
}

#[test]
fn a_cube_that_does_not_fit_is_named() {
    for alpha in [1.0, -0.1, f64::NAN, 95.0] {
        assert_eq!(
            said(&with_tail(alpha)),
            [format!("alpha is {alpha}: a level of CVaR is at least 0 and less than 1")]
        );
    }
    let spoiled = |spoil: fn(&mut Tail)| {
        let mut problem = with_tail(0.5);
        if let Aim::Tail { tail, .. } = &mut problem.aim {
            spoil(tail);
        }
        said(&problem)
    };
    assert_eq!(spoiled(|t| t.losses[1] = f64::NAN), ["loss in scenario 1 is NaN: a finite number is needed"]);
    assert_eq!(
        spoiled(|t| t.gains[0][1] = f64::INFINITY),
        ["gain of 'PERP' in scenario 1 is inf: a finite number is needed"]
    );
    assert_eq!(spoiled(|t| t.gains[0].truncate(1)), ["gains of 'PERP': 1 given, 2 needed"]);
    assert_eq!(spoiled(|t| t.gains.clear()), ["lists of gains: 0 given, 1 needed"]);
    let empty = spoiled(|t| {
        t.losses.clear();
        t.gains[0].clear();
    });
    assert_eq!(empty, ["no scenario is given"]);
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut problem = sound();
    problem.rows[0].exposure = f64::NAN;
    problem.instruments[0].lot = 0.0;
    assert_eq!(said(&problem).len(), 2);
    let text = optimise(&problem).unwrap_err().to_string();
    assert!(text.contains("exposure of row 'delta'") && text.contains("lots of 0"), "{text}");
}

#[test]
fn a_row_that_nothing_moves_is_unhedgeable() {
    let mut problem = sound();
    problem.rows.push(row("BTC vega 27MAR26", 300.0, Band::Hard { width: 10.0 }));
    let text = optimise(&problem).unwrap_err().to_string();
    assert_eq!(
        text,
        "unhedgeable: row 'BTC vega 27MAR26' is 300, outside its hard band of 10, and no instrument moves it"
    );
    // Soft, it is reported and paid for.
    problem.rows[1].band = Band::Soft { width: 10.0, price: 2.0 };
    let hedge = optimise(&problem).unwrap();
    assert!(hedge.rows[1].unmovable && hedge.rows[1].penalty == 580.0);
    assert_eq!((hedge.objective, hedge.gap()), (590.0, 0.0));
}

#[test]
fn without_liquidity_the_row_and_what_would_move_it_are_named() {
    let mut problem = sound();
    problem.instruments[0].liquidity = Sides::default();
    let error = optimise(&problem).unwrap_err();
    let instruments = vec!["PERP".to_owned()];
    assert_eq!(error, OptimiseError::NoLiquidity { row: "delta".to_owned(), instruments });
    // A lot that is larger than what can be traded is as bad.
    let mut problem = sound();
    problem.lots = Lots::Whole;
    problem.instruments[0].lot = 2_000.0;
    assert!(matches!(optimise(&problem), Err(OptimiseError::Infeasible(_))));
}

#[test]
fn limits_that_exclude_one_another_are_named_with_what_would_do() {
    // Delta needs 5 bought, the margin allows 4, and the only other instrument moves vega out of its band.
    let mut problem = sound();
    problem.rows.push(row("vega", 0.0, Band::Hard { width: 3.0 }));
    problem.rows.push(row("gamma", 1.0, Band::Hard { width: 8.0 }));
    problem.instruments.push(instrument("CALL", 1.0, &[("delta", 0.5), ("vega", 10.0)]));
    problem.instruments.push(instrument("OTHER", 1.0, &[("gamma", 0.5)]));
    problem.venues.push(Venue { name: "deribit".to_owned(), used: 60.0, limit: 100.0 });
    problem.venues.push(Venue { name: "okx".to_owned(), used: 60.0, limit: 100.0 });
    let margin = VenueMargin { venue: "deribit".to_owned(), per_unit: Sides::both(10.0) };
    problem.instruments[0].margin = Some(margin);
    let Err(OptimiseError::Infeasible(conflicts)) = optimise(&problem) else { panic!("feasible") };
    let [band, vega, deribit] = conflicts.as_slice() else { panic!("{conflicts:?}") };
    // Four of the perpetual and 0.3 calls bring delta to -0.85.
    assert!(
        matches!(band, Conflict::Band { row, needs: Some(n), .. } if row == "delta" && (n - 0.85).abs() < 1e-9),
        "{band:?}"
    );
    // Two calls are needed beside four perpetuals: vega 20.
    assert!(
        matches!(vega, Conflict::Band { row, needs: Some(n), .. } if row == "vega" && (n - 20.0).abs() < 1e-9),
        "{vega:?}"
    );
    // 4.85 perpetuals are needed beside 0.3 calls.
    assert!(
        matches!(deribit, Conflict::Margin { venue, needs: Some(n), .. } if venue == "deribit" && (n - 108.5).abs() < 1e-9),
        "{deribit:?}"
    );
    // Loosening one, and only one, to what it needs makes it feasible.
    problem.venues[0].limit = 108.5 + 1e-6;
    assert!(optimise(&problem).is_ok());
    problem.venues[0].limit = 108.5 - 1e-3;
    assert!(matches!(optimise(&problem), Err(OptimiseError::Infeasible(_))));
}

#[test]
fn liquidity_that_is_too_small_is_named_with_its_side() {
    let mut problem = sound();
    problem.instruments[0].liquidity = Sides { bought: 3.0, sold: 1_000.0 };
    let text = optimise(&problem).unwrap_err().to_string();
    assert_eq!(
        text,
        "infeasible: these limits exclude one another: at most 3 of 'PERP' bought (needs 5); row 'delta' within 0 (needs 2)"
    );
}

#[test]
fn a_budget_of_cvar_that_cannot_be_kept_says_what_can() {
    let mut problem = with_tail(0.5);
    let Aim::Tail { tail, .. } = problem.aim.clone() else { panic!() };
    problem.rows.clear();
    problem.instruments[0].moves.clear();
    // Losses 1 - x/2 and 2 + x/2: equal at x = -1, where both are 1.5.
    problem.aim = Aim::CostWithin { tail, budget: 1.25 };
    let Err(OptimiseError::Infeasible(conflicts)) = optimise(&problem) else { panic!("feasible") };
    assert_eq!(conflicts, [Conflict::Budget { budget: 1.25, needs: Some(1.5) }]);
}

#[test]
fn whole_lots_that_cannot_be_are_told_from_a_search_that_was_cut_short() {
    let mut problem = sound();
    problem.lots = Lots::Whole;
    problem.instruments[0].lot = 3.0;
    problem.rows[0].band = Band::Hard { width: 0.5 };
    assert!(matches!(optimise(&problem), Err(OptimiseError::NoWholeLots { .. })));
    problem.effort.nodes = 1;
    assert!(matches!(optimise(&problem), Err(OptimiseError::Unfinished { .. })));
    problem.effort = Effort { pivots: 1, ..Effort::default() };
    assert!(matches!(optimise(&problem), Err(OptimiseError::Unfinished { .. })));
}

#[test]
fn a_book_within_its_bands_is_left_alone() {
    let mut problem = sound();
    problem.rows[0].band = Band::Hard { width: 5.0 };
    let hedge = optimise(&problem).unwrap();
    assert_eq!((hedge.traded().count(), hedge.objective, hedge.gap()), (0, 0.0, 0.0));
    assert_eq!(hedge.end, End::Optimal);
}
