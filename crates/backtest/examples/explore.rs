use backtest::chains::*;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut spec = ChainsSpec::parse(&path, &text).map_err(|e| e.to_string()).unwrap();
    let t = std::time::Instant::now();
    let (h, issues) = spec.read(&mut |_| {}).unwrap();
    eprintln!("read {:?} issues {}", t.elapsed(), issues.total());
    for h in &h {
        let gaps: Vec<f64> = h
            .moments
            .windows(2)
            .map(|p| (p[1].time.unix_nanos() - p[0].time.unix_nanos()) as f64 / 3.6e12)
            .collect();
        let mut g = gaps.clone();
        g.sort_by(f64::total_cmp);
        let mut prem: Vec<f64> = h
            .moments
            .iter()
            .filter_map(|m| {
                m.perpetual.filter(|p| p.1 == PerpetualSource::Recorded).map(|p| (p.0 / m.index - 1.0) * 1e4)
            })
            .collect();
        prem.sort_by(f64::total_cmp);
        let q = |v: &Vec<f64>, p: f64| v[((v.len() - 1) as f64 * p) as usize];
        println!(
            "{} moments {} instruments {} quotes {} from {} to {} gaps min {:.2} med {:.2} 95 {:.2} max {:.2} over12 {} perp {} idx {} premium bp 5 {:.2} med {:.2} 95 {:.2} unused {:?}",
            h.asset,
            h.moments.len(),
            h.instruments.len(),
            h.moments.iter().map(|m| m.quotes.len()).sum::<usize>(),
            h.moments[0].time,
            h.moments.last().unwrap().time,
            g[0],
            q(&g, 0.5),
            q(&g, 0.95),
            g[g.len() - 1],
            g.iter().filter(|x| **x > 12.0).count(),
            h.perpetuals_from(PerpetualSource::Recorded),
            h.perpetuals_from(PerpetualSource::Index),
            q(&prem, 0.05),
            q(&prem, 0.5),
            q(&prem, 0.95),
            h.unused
        );
    }
    let t = std::time::Instant::now();
    let s = sweep(&spec.plan, &h, spec.reckoning, &mut |_| {}, &mut |_, _| {});
    eprintln!("sweep {:?}", t.elapsed());
    for (k, e) in &s.kinds {
        println!(
            "{} {} {} opened {} refused {:?}",
            h[k.history].asset,
            spec.plan.structures[k.structure],
            spec.plan.tenors_days[k.tenor],
            e.opened.len(),
            e.refused
        );
    }
    for c in &s.cells {
        let m = &c.summary;
        let d = c
            .against_best
            .as_ref()
            .map(|Compared { clock: p, difference: d }| {
                format!(
                    "vs {} mean {:.3} [{:.3},{:.3}] sd {:.3} [{:.3},{:.3}] cvar {:.3} [{:.3},{:.3}]",
                    spec.plan.policies[*p].name,
                    d.mean.value * 100.,
                    d.mean.low * 100.,
                    d.mean.high * 100.,
                    d.sd.value * 100.,
                    d.sd.low * 100.,
                    d.sd.high * 100.,
                    d.cvar95.value * 100.,
                    d.cvar95.low * 100.,
                    d.cvar95.high * 100.
                )
            })
            .unwrap_or_default();
        println!(
            "{}|{}|{}|{}|{}|n {}|mean {:.3}±{:.3}|sd {:.3}|cvar {:.3}|worst {:.3}|cost {:.4}|turn {:.3}|trades {:.1}|{}",
            h[c.kind.history].asset,
            spec.plan.structures[c.kind.structure],
            spec.plan.tenors_days[c.kind.tenor],
            spec.plan.policies[c.policy].name,
            c.delta.word(),
            m.positions,
            m.mean * 100.,
            m.mean_error * 100.,
            m.sd * 100.,
            m.cvar95 * 100.,
            m.worst * 100.,
            m.hedge_cost * 100.,
            m.turnover,
            m.trades,
            d
        );
    }
}
