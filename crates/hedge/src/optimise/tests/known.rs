use super::*;

#[test]
fn debug_one() {
    let mut i = instrument("I0", 0.0, &[("R0", 1.0)]);
    i.cost = Sides { bought: -1.0, sold: 1.0 };
    i.lot = 0.1;
    i.liquidity = Sides { bought: 0.1, sold: 0.2 };
    let mut p = problem(vec![row("R0", 0.0, Band::Soft { width: 0.0, price: 1.0 })], vec![i]);
    p.aim = Aim::Tail {
        tail: Tail { alpha: 0.0, losses: vec![0.0, 1.0], gains: vec![vec![-2.0, 1.0]] },
        cost_weight: 0.0,
    };
    let form = Form::new(&p);
    let mut r = Relaxation::new(&form, p.effort);
    println!("{form:?}");
    println!("{:?}", r.solve(&Boxes::of(&form)));
}
