//! One block of paths, stepped together: the kernels work on its lanes.

use super::{Jumps, LANES, Leg, PathResult, Setup, Strategy};
use hedge::policy::{Band, DeltaPolicy, Exposure, Policy, Sight, decide};
use paper::Draw;
use pricing::OptionKind;
use pricing::batch::{Columns, Greeks5Columns, greeks5_slice};
use pricing::kernel;

type Lanes = [f64; LANES];

/// Trades below this many coins are rounding, not trades.
const LEAST_TRADE: f64 = 1e-12;

pub(super) struct Block<'a> {
    setup: &'a Setup,
    draws: Vec<Draw>,
    /// Logarithm of spot over its start.
    growth: Lanes,
    spot: Lanes,
    scratch: Scratch,
    greeks: Greeks,
}

/// Delta and gamma of the book, and the vol and expiry that its gamma comes from.
struct Greeks {
    delta: Lanes,
    gamma: Lanes,
    vol: Lanes,
    expiry: Lanes,
}

/// Columns of the kernel.
struct Scratch {
    strike: Lanes,
    vol: Lanes,
    expiry: Lanes,
    discount: Lanes,
    kind: [OptionKind; LANES],
    value: Lanes,
    delta: Lanes,
    gamma: Lanes,
    vega: Lanes,
    theta: Lanes,
    weight: Lanes,
    factor: Lanes,
    shifted: Lanes,
}

/// One strategy's books on the lanes.
struct Books {
    held: Lanes,
    /// Decided, not filled: a ring of the delay.
    pending: Vec<Lanes>,
    cash: Lanes,
    result: [PathResult; LANES],
    /// Step of the last decision of a clock or trade of a band.
    moved: [Option<usize>; LANES],
}

impl<'a> Block<'a> {
    pub(super) fn new(setup: &'a Setup, first: usize, pairs: usize) -> Self {
        let draws =
            (first..first + pairs).map(|pair| Draw::new(setup.seed, &format!("pair {pair}"))).collect();
        Self {
            setup,
            draws,
            growth: [0.0; LANES],
            spot: [setup.spot; LANES],
            scratch: Scratch::new(),
            greeks: Greeks {
                delta: [0.0; LANES],
                gamma: [0.0; LANES],
                vol: [0.0; LANES],
                expiry: [0.0; LANES],
            },
        }
    }

    /// What each strategy comes to on each path.
    pub(super) fn run(mut self, strategies: &[Strategy]) -> Vec<Vec<PathResult>> {
        let paths = 2 * self.draws.len();
        let mut books: Vec<Books> =
            strategies.iter().map(|strategy| Books::new(strategy.delay_steps)).collect();
        let opening = self.values(0);
        for step in 0..self.setup.steps {
            self.look(step);
            for (strategy, books) in strategies.iter().zip(&mut books) {
                if let Some(policy) = &strategy.policy {
                    self.act(step, (strategy, policy), books, paths);
                }
            }
            self.advance();
        }
        let closing = self.values(self.setup.steps);
        let settle = |(strategy, mut books): (&Strategy, Books)| {
            books.close(strategy, &self.spot, paths);
            let mut result = books.result[..paths].to_vec();
            for (lane, path) in result.iter_mut().enumerate() {
                path.profit = closing[lane] - opening[lane] + books.cash[lane];
            }
            result
        };
        strategies.iter().zip(books).map(settle).collect()
    }

    /// Value of the book after a step.
    fn values(&mut self, step: usize) -> Lanes {
        let mut sum = [0.0; LANES];
        for leg in &self.setup.legs {
            self.scratch.price(&self.spot, leg, self.setup.years_left(leg, step), None);
            for (sum, value) in sum.iter_mut().zip(&self.scratch.value) {
                *sum = leg.quantity.mul_add(*value, *sum);
            }
        }
        sum
    }

    /// Delta and gamma of the book at a step, at the vols of its legs.
    fn look(&mut self, step: usize) {
        let Self { setup, scratch, greeks, spot, .. } = self;
        *greeks =
            Greeks { delta: [0.0; LANES], gamma: [0.0; LANES], vol: [0.0; LANES], expiry: [0.0; LANES] };
        scratch.weight = [0.0; LANES];
        for leg in &setup.legs {
            let years = setup.years_left(leg, step);
            scratch.price(spot, leg, years, None);
            for lane in 0..LANES {
                let gamma = leg.quantity * scratch.gamma[lane];
                greeks.delta[lane] = leg.quantity.mul_add(scratch.delta[lane], greeks.delta[lane]);
                greeks.gamma[lane] += gamma;
                scratch.weight[lane] += gamma.abs();
                greeks.vol[lane] = gamma.abs().mul_add(leg.vol, greeks.vol[lane]);
                greeks.expiry[lane] = gamma.abs().mul_add(years, greeks.expiry[lane]);
            }
        }
        let nearest = setup.legs.iter().map(|leg| setup.years_left(leg, step)).fold(f64::INFINITY, f64::min);
        for lane in 0..LANES {
            let weight = scratch.weight[lane];
            let is_known = weight > 0.0;
            greeks.vol[lane] = if is_known { greeks.vol[lane] / weight } else { setup.diffusion.vol };
            greeks.expiry[lane] = if is_known { greeks.expiry[lane] / weight } else { nearest };
        }
    }

    /// Fills what is due, decides, and puts what is decided on its way.
    fn act(
        &mut self,
        step: usize,
        (strategy, policy): (&Strategy, &Policy),
        books: &mut Books,
        paths: usize,
    ) {
        books.fill(step, strategy, &self.spot);
        if step + strategy.delay_steps >= self.setup.steps {
            return;
        }
        let mut bands = [Band::Hold; LANES];
        let (mut any, mut shifted) = (false, false);
        self.scratch.factor = [1.0; LANES];
        for (lane, band) in bands.iter_mut().enumerate().take(paths) {
            let sight = self.sight(lane, step, strategy, books);
            *band = policy.band(&sight);
            if *band != Band::Hold {
                any = true;
                let factor = policy.variance_factor(&sight);
                shifted |= factor.to_bits() != 1.0_f64.to_bits();
                self.scratch.factor[lane] = factor;
            }
        }
        if !any {
            return;
        }
        if shifted {
            self.shift(step);
        }
        let delta = if shifted { &self.scratch.shifted } else { &self.greeks.delta };
        for lane in 0..paths {
            let position = Exposure { delta: delta[lane], held: books.expected(lane) };
            let trade = decide(bands[lane], position);
            let is_clock =
                matches!(policy, Policy::Clock(_) | Policy::Leland(_)) && bands[lane] != Band::Hold;
            if is_clock || trade.is_some() {
                books.moved[lane] = Some(step);
            }
            if let Some(quantity) = trade.filter(|quantity| quantity.abs() > LEAST_TRADE) {
                books.order(step, strategy, lane, quantity);
            }
        }
        if strategy.delay_steps == 0 {
            books.fill(step, strategy, &self.spot);
        }
    }

    fn sight(&self, lane: usize, step: usize, strategy: &Strategy, books: &Books) -> Sight {
        #[allow(clippy::cast_precision_loss)] // steps of a path
        let age =
            books.moved[lane].map_or(f64::INFINITY, |moved| (step - moved) as f64 * self.setup.step_years);
        Sight {
            spot: self.spot[lane],
            gamma: self.greeks.gamma[lane],
            vol: self.greeks.vol[lane],
            expiry_years: self.greeks.expiry[lane],
            cost: strategy.cost,
            hedge_age_years: age,
        }
    }

    /// Delta of the book at the vols that the policy wants.
    fn shift(&mut self, step: usize) {
        let Self { setup, scratch, spot, .. } = self;
        let mut roots = scratch.factor;
        for root in &mut roots {
            *root = root.sqrt();
        }
        let mut delta = [0.0; LANES];
        for leg in &setup.legs {
            scratch.price(spot, leg, setup.years_left(leg, step), Some(&roots));
            for (sum, delta) in delta.iter_mut().zip(&scratch.delta) {
                *sum = leg.quantity.mul_add(*delta, *sum);
            }
        }
        scratch.shifted = delta;
    }

    /// The next step of every path.
    fn advance(&mut self) {
        let Setup { diffusion, step_years, spot, .. } = self.setup;
        let mean_jump = diffusion.jumps.map_or(0.0, |jumps| jumps.per_year * jumps.compensator());
        let drift = -(0.5 * diffusion.vol * diffusion.vol + mean_jump) * step_years;
        let sd = diffusion.vol * step_years.sqrt();
        for (pair, draw) in self.draws.iter_mut().enumerate() {
            let z = draw.normal();
            let jump = diffusion.jumps.map_or(0.0, |jumps| jumps.draw(draw, *step_years));
            for (lane, z) in [(2 * pair, z), (2 * pair + 1, -z)] {
                self.growth[lane] += sd.mul_add(z, drift) + jump;
                self.spot[lane] = spot * kernel::exp(self.growth[lane]);
            }
        }
    }
}

impl Setup {
    #[allow(clippy::cast_precision_loss)] // steps of a path
    fn years_left(&self, leg: &Leg, step: usize) -> f64 {
        leg.expiry_steps.saturating_sub(step) as f64 * self.step_years
    }
}

impl Jumps {
    /// E[e^J] - 1.
    fn compensator(&self) -> f64 {
        kernel::exp(0.5 * self.sd * self.sd + self.mean) - 1.0
    }

    /// The jumps of a step: a Poisson number of normals.
    fn draw(&self, draw: &mut Draw, years: f64) -> f64 {
        let mut waited = draw.exponential(1.0);
        let mut sum = 0.0;
        while waited < self.per_year * years {
            sum += self.sd.mul_add(draw.normal(), self.mean);
            waited += draw.exponential(1.0);
        }
        sum
    }
}

impl Scratch {
    fn new() -> Self {
        let zero = [0.0; LANES];
        Self {
            strike: zero,
            vol: zero,
            expiry: zero,
            discount: [1.0; LANES],
            kind: [OptionKind::Call; LANES],
            value: zero,
            delta: zero,
            gamma: zero,
            vega: zero,
            theta: zero,
            weight: zero,
            factor: zero,
            shifted: zero,
        }
    }

    /// One leg on every lane, at its vol times the factors.
    fn price(&mut self, spot: &Lanes, leg: &Leg, years: f64, factors: Option<&Lanes>) {
        self.strike = [leg.strike; LANES];
        self.expiry = [years; LANES];
        self.kind = [leg.kind; LANES];
        self.vol = factors.map_or([leg.vol; LANES], |factors| factors.map(|factor| leg.vol * factor));
        let Self { strike, vol, expiry, discount, kind, value, delta, gamma, vega, theta, .. } = self;
        let columns = Columns { forward: spot, strike, vol, expiry_years: expiry, discount, kind };
        let mut out = Greeks5Columns { value, delta, gamma, vega, theta_per_year: theta };
        let done = greeks5_slice(&columns, &mut out);
        debug_assert!(done.is_ok(), "all columns have the length of the lanes");
    }
}

impl Books {
    fn new(delay: usize) -> Self {
        Self {
            held: [0.0; LANES],
            pending: vec![[0.0; LANES]; delay + 1],
            cash: [0.0; LANES],
            result: [PathResult::default(); LANES],
            moved: [None; LANES],
        }
    }

    /// What is held once everything decided is filled.
    fn expected(&self, lane: usize) -> f64 {
        self.pending.iter().fold(self.held[lane], |sum, ring| sum + ring[lane])
    }

    fn order(&mut self, step: usize, strategy: &Strategy, lane: usize, quantity: f64) {
        let slot = (step + strategy.delay_steps) % (strategy.delay_steps + 1);
        self.pending[slot][lane] += quantity;
    }

    /// Fills what was decided a delay ago.
    fn fill(&mut self, step: usize, strategy: &Strategy, spot: &Lanes) {
        let slot = step % (strategy.delay_steps + 1);
        for (lane, spot) in spot.iter().enumerate() {
            let quantity = std::mem::take(&mut self.pending[slot][lane]);
            if quantity != 0.0 {
                self.trade(strategy, lane, quantity, *spot);
            }
        }
    }

    fn trade(&mut self, strategy: &Strategy, lane: usize, quantity: f64, spot: f64) {
        let cost = strategy.cost.proportional * quantity.abs() * spot + strategy.cost.fixed_usd;
        self.held[lane] += quantity;
        self.cash[lane] -= quantity.mul_add(spot, cost);
        let path = &mut self.result[lane];
        path.cost += cost;
        path.turnover += quantity.abs();
        path.trades += 1;
    }

    /// Fills what is due at the end and closes the hedge.
    fn close(&mut self, strategy: &Strategy, spot: &Lanes, paths: usize) {
        for (lane, spot) in spot.iter().enumerate().take(paths) {
            let quantity = -self.held[lane];
            if quantity.abs() > LEAST_TRADE {
                self.trade(strategy, lane, quantity, *spot);
            }
        }
    }
}
