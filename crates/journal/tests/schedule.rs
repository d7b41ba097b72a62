//! Property: whatever dies and whenever, a driver that goes on where the journal ends comes to the state and the outputs of a
//! run without a crash.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{ID, Ledger, Move, small, time};
use journal::sim::{Fault, SimDisk};
use journal::{Config, JournalError, Machine, OutputId, Rederive, Released, Runner, Seq};
use proptest::prelude::*;

type Outputs = Vec<Released<(u8, i64)>>;

/// What the world outside keeps: outputs acted on, and the head of the last commit that it has finished with.
#[derive(Default)]
struct Outside {
    outputs: Outputs,
    done: u64,
}

impl Outside {
    fn act(&mut self, outputs: Outputs, head: Seq) {
        let last = |outputs: &Outputs| {
            outputs.last().map(|output| output.id).unwrap_or(OutputId { seq: Seq::ZERO, index: 0 })
        };
        for output in outputs {
            if output.id > last(&self.outputs) {
                self.outputs.push(output);
            }
        }
        self.done = head.get();
    }
}

/// One life: goes on after the last durable event. Ok when all are durable.
fn live(
    disk: &SimDisk,
    config: Config,
    events: &[Move],
    batch: usize,
    outside: &mut Outside,
) -> Result<Ledger, JournalError> {
    let rederive = Rederive::After(Seq::new(outside.done));
    let (mut runner, recovered) =
        Runner::open(disk.clone(), ID, config, &Ledger::default(), time(0), rederive)?;
    let head = recovered.opened.head.seq;
    outside.act(recovered.outputs, head);
    let mut rest =
        (head.get() + 1..).zip(events.iter().skip(usize::try_from(head.get()).unwrap_or(usize::MAX)));
    loop {
        let mut taken = 0;
        for (number, event) in rest.by_ref().take(batch) {
            runner.submit(time(number), event)?;
            taken += 1;
        }
        if taken == 0 {
            return Ok(runner.machine().clone());
        }
        let durable = runner.commit()?;
        outside.act(durable.outputs, durable.committed.head.seq);
        if runner.is_snapshot_due() {
            runner.write_snapshot()?;
        }
    }
}

fn event() -> impl Strategy<Value = Move> {
    let text = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        (0usize..900).prop_map(|length| vec![0; length]),
        (0usize..900).prop_map(|length| vec![b'x'; length]),
    ];
    (0u8..5, any::<i32>(), text).prop_map(|(account, amount, text)| Move { account, amount, text })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => (1u64..80).prop_map(|call| Fault::Power { call }),
        2 => (1u64..80).prop_map(|call| Fault::Kill { call }),
        1 => (1u64..30).prop_map(|sync| Fault::Sync { sync }),
        1 => (1u64..30).prop_map(|write| Fault::Write { write }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: u32::try_from(common::seeds(200)).unwrap_or(200), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_schedule_of_crashes_ends_in_the_same_state_and_the_same_outputs_once_each(
        events in proptest::collection::vec(event(), 1..60),
        schedule in proptest::collection::vec((fault(), any::<bool>()), 0..8),
        batch in 1usize..3,
        seed in any::<u64>(),
    ) {
        let config = Config { snapshot_every: 7, ..small() };
        let mut calm = Outside::default();
        let expected = live(&SimDisk::new(0), config, &events, batch, &mut calm).unwrap();
        let mut disk = SimDisk::new(seed);
        let mut outside = Outside::default();
        let mut end = None;
        for (fault, power) in schedule {
            disk.plan(fault);
            end = live(&disk, config, &events, batch, &mut outside).ok();
            if !disk.is_down() {
                if power { disk.cut_power() } else { disk.kill() }
            }
            disk = disk.restarted();
        }
        let last = live(&disk, config, &events, batch, &mut outside).unwrap();
        prop_assert_eq!(last.state_hash(), expected.state_hash());
        prop_assert!(end.is_none_or(|end| end == expected));
        prop_assert_eq!(&outside.outputs, &calm.outputs);
    }
}
