use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::history::position::Epochs;

fn record(n: u64, at: u64) -> Record {
    Record { event: "said".into(), payload: Payload::new(json!({ "n": n })).unwrap(), at }
}

fn options(messages_max: usize) -> HistoryOptions {
    HistoryOptions::default().with(|options| options.messages_max = messages_max)
}

fn log_of(messages: u64, options: &HistoryOptions) -> Log {
    let mut log = Log::new(Epochs::default().draw());
    (1..=messages).for_each(|n| {
        log.append(record(n, 0), options);
    });
    log
}

fn read(log: &Log, offset: u64) -> (Vec<u64>, bool) {
    let Reading { records, gap } = log.read(Since::Position(Position { offset, ..log.position() }));
    (records.iter().map(|(offset, _)| *offset).collect(), gap)
}

#[test]
fn c18_6_what_came_after_a_place_is_told_in_order() {
    let log = log_of(5, &options(3));
    assert_eq!(read(&log, 2), (vec![3, 4, 5], false));
    assert_eq!(read(&log, 4), (vec![5], false));
    assert_eq!(read(&log, 5), (vec![], false));
    assert_eq!(log.read(Since::Start).records.len(), 3);
}

#[test]
fn c18_6_what_is_lost_is_a_gap_and_what_is_kept_is_told_with_it() {
    let log = log_of(5, &options(3));
    assert_eq!(read(&log, 1), (vec![3, 4, 5], true));
    assert_eq!(read(&log, 6), (vec![3, 4, 5], true), "no log knows what comes");
    assert_eq!(read(&log, u64::MAX), (vec![3, 4, 5], true));
    assert!(log.read(Since::Unknown).gap);
    let other = Position { epoch: Epochs::default().draw(), offset: 4 };
    assert!(log.read(Since::Position(other)).gap);
}

#[test]
fn a_newcomer_has_missed_nothing() {
    assert_eq!(log_of(0, &options(3)).read(Since::Start), Reading { records: vec![], gap: false });
    assert!(!log_of(9, &options(3)).read(Since::Start).gap);
    assert_eq!(read(&log_of(0, &options(3)), 0), (vec![], false));
}

#[test]
fn a_message_that_alone_is_too_much_is_numbered_and_lost() {
    let narrow = HistoryOptions::default().with(|options| options.bytes_max = RECORD_OVERHEAD_BYTES);
    let log = log_of(1, &narrow);
    assert_eq!((log.position().offset, log.bytes()), (1, 0));
    assert_eq!(read(&log, 0), (vec![], true));
    assert_eq!(read(&log, 1), (vec![], false));
}

#[test]
fn a_clock_that_goes_back_forgets_nothing_early_and_does_not_panic() {
    let mut log = log_of(0, &options(3));
    log.append(record(1, 1_000_000), &options(3));
    log.trim(&options(3), 0);
    assert_eq!(read(&log, 0), (vec![1], false));
}

#[derive(Clone, Debug)]
enum Step {
    Append { bytes: usize },
    Pass { ms: u64 },
    Trim,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..300_usize).prop_map(|bytes| Step::Append { bytes }),
        2 => (0..400_u64).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Trim),
        1 => Just(Step::Restore),
    ]
}

proptest! {
    /// The model keeps everything, and says by the definition alone what has to be there.
    #[test]
    fn it_holds_what_a_log_that_forgets_nothing_holds_within_the_bounds(
        steps in prop::collection::vec(step(), 0..120),
        messages_max in 0..20_usize,
        bytes_max in 0..3_000_usize,
        age_ms in 1..1_000_u64,
    ) {
        let options = HistoryOptions::default().with(|options| {
            options.messages_max = messages_max;
            options.bytes_max = bytes_max;
            options.age_max = Duration::from_millis(age_ms);
        });
        let mut log = Log::new(Epochs::default().draw());
        let (mut now, mut said) = (0, Vec::<Record>::new());
        // Everything up to here has been forgotten, and nothing comes back.
        let mut forgotten = 0;
        for step in steps {
            match step {
                Step::Append { bytes } => {
                    let payload = Payload::new(json!({ "x": "x".repeat(bytes) })).unwrap();
                    let record = Record { event: "said".into(), payload, at: now };
                    said.push(record.clone());
                    prop_assert_eq!(log.append(record, &options).offset, said.len() as u64);
                }
                Step::Pass { ms } => { now += ms; continue; }
                Step::Trim => log.trim(&options, now),
                Step::Restore => {
                    log = Log::restored(log.position(), log.records().cloned().collect());
                    continue;
                }
            }
            let fits = |from: usize| {
                let kept = &said[from..];
                kept.len() <= messages_max
                    && kept.iter().map(Record::bytes).sum::<usize>() <= bytes_max
                    && kept.iter().all(|record| now - record.at < age_ms)
            };
            forgotten = (forgotten..=said.len()).find(|from| fits(*from)).unwrap();
            prop_assert_eq!(log.bytes(), said[forgotten..].iter().map(Record::bytes).sum::<usize>());
            for offset in 0..=said.len() + 1 {
                let reading = log.read(Since::Position(Position { offset: offset as u64, ..log.position() }));
                let gap = offset < forgotten || offset > said.len();
                let from = if gap { forgotten } else { offset };
                let expected: Vec<_> = (from as u64 + 1..).zip(said[from..].iter().cloned()).collect();
                prop_assert_eq!(reading, Reading { records: expected, gap });
            }
        }
    }
}
