//! The order of events, in tables, and against a model that does everything at once and by brute force.

use std::time::Duration;

use proptest::prelude::*;

use super::{Action, Engine, Timeout};

const SECOND: Duration = Duration::from_secs(1);

/// What comes next, until nothing does.
fn drain(engine: &mut Engine<&'static str>) -> Vec<&'static str> {
    std::iter::from_fn(|| {
        let next = engine.next();
        if next.is_some() {
            engine.begin_event();
        }
        next
    })
    .collect()
}

/// One event, whose callback does `work`.
fn event<E>(engine: &mut Engine<E>, changed: bool, work: impl FnOnce(&mut Engine<E>)) {
    engine.begin_event();
    work(engine);
    engine.end_event(changed);
    engine.begin_timeouts();
}

#[test]
fn f3_inserted_events_come_first_then_postponed_ones_then_timeouts_that_are_due() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| engine.postpone("postponed first"));
    event(&mut engine, false, |engine| engine.postpone("postponed second"));
    event(&mut engine, true, |engine| {
        engine.set_timeout(Timeout::State, Duration::ZERO, "due");
        engine.insert("inserted first");
        engine.insert("inserted second");
        engine.postpone("postponed last");
    });
    let order = drain(&mut engine);
    let expected =
        ["inserted first", "inserted second", "postponed first", "postponed second", "postponed last", "due"];
    assert_eq!(order, expected);
}

#[test]
fn f3_what_an_inserted_event_inserts_comes_before_what_was_inserted_with_it() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| ["a", "c"].into_iter().for_each(|name| engine.insert(name)));
    assert_eq!(engine.next(), Some("a"));
    event(&mut engine, false, |engine| engine.insert("b"));
    assert_eq!(drain(&mut engine), ["b", "c"]);
}

#[test]
fn f4_what_is_postponed_waits_for_a_change() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| engine.postpone("postponed"));
    event(&mut engine, false, |_| {});
    assert_eq!((drain(&mut engine), engine.postponed()), (vec![], 1));
    event(&mut engine, true, |_| {});
    assert_eq!((drain(&mut engine), engine.postponed()), (vec!["postponed"], 0));
}

#[test]
fn f5_any_event_cancels_the_event_timeout_and_only_a_change_that_of_the_state() {
    let set_all = |engine: &mut Engine<&'static str>| {
        engine.set_timeout(Timeout::Event, SECOND, "event");
        engine.set_timeout(Timeout::State, SECOND, "state");
        engine.set_timeout(Timeout::named("lamp"), SECOND, "named");
    };
    for (changed, left) in [(false, vec!["state", "named"]), (true, vec!["named"])] {
        let mut engine = Engine::new();
        event(&mut engine, false, set_all);
        event(&mut engine, changed, |_| {});
        // All three ring, as they may: a timer that was cancelled can have been on its way.
        (1..=3).for_each(|serial| engine.ring(serial));
        assert_eq!(drain(&mut engine), left, "changed: {changed}");
    }
}

#[test]
fn f5_a_timeout_that_is_set_again_begins_anew_and_one_that_is_updated_keeps_its_time() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| engine.set_timeout(Timeout::State, SECOND, "first"));
    event(&mut engine, false, |engine| engine.set_timeout(Timeout::State, SECOND * 2, "second"));
    event(&mut engine, false, |engine| engine.update_timeout(Timeout::State, "updated"));
    let expected = [
        Action::Start { serial: 1, after: SECOND },
        Action::Cancel { serial: 1 },
        Action::Start { serial: 2, after: SECOND * 2 },
    ];
    assert_eq!(engine.take_actions(), expected);
    engine.ring(1);
    assert_eq!(drain(&mut engine), [""; 0]);
    engine.ring(2);
    assert_eq!(drain(&mut engine), ["updated"]);
}

#[test]
fn f5_a_timeout_of_the_new_state_is_not_cancelled_by_the_change_that_sets_it() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| engine.set_timeout(Timeout::State, SECOND, "old state's"));
    event(&mut engine, true, |engine| engine.set_timeout(Timeout::State, SECOND, "new state's"));
    (1..=2).for_each(|serial| engine.ring(serial));
    assert_eq!(drain(&mut engine), ["new state's"]);
}

#[test]
fn f5_an_update_of_a_timeout_that_the_change_cancelled_is_due_at_once() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| engine.set_timeout(Timeout::State, SECOND, "old"));
    event(&mut engine, true, |engine| engine.update_timeout(Timeout::State, "updated"));
    assert_eq!(drain(&mut engine), ["updated"]);
}

#[test]
fn f5_an_event_timeout_of_no_time_is_lost_to_an_inserted_event() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| {
        engine.set_timeout(Timeout::Event, Duration::ZERO, "lost");
        engine.set_timeout(Timeout::named("lamp"), Duration::ZERO, "kept");
        engine.insert("inserted");
    });
    assert_eq!(drain(&mut engine), ["inserted", "kept"]);
}

#[test]
fn f5_the_last_word_on_a_timeout_counts() {
    let mut engine = Engine::new();
    event(&mut engine, false, |engine| {
        engine.set_timeout(Timeout::named("x"), Duration::ZERO, "x1");
        engine.set_timeout(Timeout::named("x"), Duration::ZERO, "x2");
        engine.set_timeout(Timeout::named("y"), Duration::ZERO, "y");
        engine.cancel_timeout(Timeout::named("y"));
    });
    assert_eq!(drain(&mut engine), ["x2"]);
}

/// What a callback does in the property below.
#[derive(Clone, Debug)]
enum Deed {
    Insert,
    Postpone,
    Set(usize, bool),
    Update(usize),
    Cancel(usize),
}

/// What happens to a machine that has nothing to do.
#[derive(Clone, Debug)]
enum Happening {
    Message,
    Ring(usize),
}

/// The rules, said as plainly as can be: lists that are put together anew after each event, and timeouts that are looked for
/// everywhere when they are cancelled.
#[derive(Default)]
struct Model {
    queue: Vec<(Option<usize>, u32)>,
    postponed: Vec<u32>,
    running: Vec<(usize, u32)>,
}

impl Model {
    fn cancel(&mut self, timeout: usize) {
        self.queue.retain(|(due, _)| *due != Some(timeout));
        self.running.retain(|(running, _)| *running != timeout);
    }

    fn set(&mut self, timeout: usize, at_once: bool, event: u32) {
        self.cancel(timeout);
        if at_once { self.queue.push((Some(timeout), event)) } else { self.running.push((timeout, event)) }
    }

    fn update(&mut self, timeout: usize, event: u32) {
        let queued = self.queue.iter_mut().find(|(due, _)| *due == Some(timeout)).map(|(_, event)| event);
        let running =
            self.running.iter_mut().find(|(running, _)| *running == timeout).map(|(_, event)| event);
        match queued.or(running) {
            Some(known) => *known = event,
            None => self.set(timeout, true, event),
        }
    }

    fn ring(&mut self, timeout: usize) {
        if let Some(at) = self.running.iter().position(|(running, _)| *running == timeout) {
            let (timeout, event) = self.running.remove(at);
            self.queue.push((Some(timeout), event));
        }
    }

    fn next(&mut self) -> Option<u32> {
        if self.queue.is_empty() { None } else { Some(self.queue.remove(0).1) }
    }

    fn handle(&mut self, event: u32, changed: bool, deeds: &[Deed], names: &mut impl FnMut() -> u32) {
        const EVENT: usize = 0;
        const STATE: usize = 1;
        self.cancel(EVENT);
        let mut inserted = Vec::new();
        let mut timeouts = Vec::new();
        for deed in deeds {
            match deed {
                Deed::Insert => inserted.push((None, names())),
                Deed::Postpone => self.postponed.push(event),
                Deed::Cancel(_) => timeouts.push((deed.clone(), 0)),
                Deed::Set(..) | Deed::Update(_) => timeouts.push((deed.clone(), names())),
            }
        }
        if changed {
            self.cancel(STATE);
            let mut retried: Vec<_> = self.postponed.drain(..).map(|event| (None, event)).collect();
            retried.append(&mut self.queue);
            self.queue = retried;
        }
        inserted.append(&mut self.queue);
        self.queue = inserted;
        for (deed, name) in timeouts {
            match deed {
                Deed::Set(timeout, at_once) => self.set(timeout, at_once, name),
                Deed::Update(timeout) => self.update(timeout, name),
                Deed::Cancel(timeout) => self.cancel(timeout),
                Deed::Insert | Deed::Postpone => {}
            }
        }
    }
}

fn timeout(index: usize) -> Timeout {
    [Timeout::Event, Timeout::State, Timeout::named("a"), Timeout::named("b")][index].clone()
}

fn handle(
    engine: &mut Engine<u32>,
    hand: u32,
    changed: bool,
    deeds: &[Deed],
    names: &mut impl FnMut() -> u32,
) {
    event(engine, changed, |engine| {
        for deed in deeds {
            match deed {
                Deed::Insert => engine.insert(names()),
                Deed::Postpone => engine.postpone(hand),
                Deed::Set(index, at_once) => {
                    let after = if *at_once { Duration::ZERO } else { SECOND };
                    engine.set_timeout(timeout(*index), after, names());
                }
                Deed::Update(index) => engine.update_timeout(timeout(*index), names()),
                Deed::Cancel(index) => engine.cancel_timeout(timeout(*index)),
            }
        }
    });
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::Insert),
        Just(Deed::Postpone),
        (0..4_usize, any::<bool>()).prop_map(|(timeout, at_once)| Deed::Set(timeout, at_once)),
        (0..4_usize).prop_map(Deed::Update),
        (0..4_usize).prop_map(Deed::Cancel),
    ]
}

fn step() -> impl Strategy<Value = (Happening, bool, Vec<Deed>)> {
    let happening = prop_oneof![3 => Just(Happening::Message), 1 => (0..4_usize).prop_map(Happening::Ring)];
    (happening, any::<bool>(), proptest::collection::vec(deed(), 0..4))
}

/// Which serial runs for a timeout, as the engine's actions say.
fn follow(engine: &mut Engine<u32>, serials: &mut [Option<u64>; 4]) {
    for action in engine.take_actions() {
        match action {
            Action::Start { serial, .. } => {
                let timer = engine.timers.iter().find(|timer| timer.serial == serial);
                // Set and cancelled in the same turn: there is nothing to follow.
                let index = timer.and_then(|timer| (0..4).find(|index| timeout(*index) == timer.timeout));
                if let Some(index) = index {
                    serials[index] = Some(serial);
                }
            }
            Action::Cancel { serial } => {
                serials.iter_mut().filter(|known| **known == Some(serial)).for_each(|known| *known = None);
            }
        }
    }
}

proptest! {
    #[test]
    fn f3_f4_f5_the_order_is_that_of_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        let (mut engine, mut model) = (Engine::new(), Model::default());
        let mut serials = [None; 4];
        let (mut mine, mut its) = (0, 0);
        for (happening, changed, deeds) in steps {
            let (ours, expected) = (engine.next(), model.next());
            prop_assert_eq!(ours, expected);
            let hand = match (ours, happening) {
                (Some(event), _) => event,
                (None, Happening::Message) => {
                    mine += 1;
                    its += 1;
                    mine
                }
                (None, Happening::Ring(index)) => {
                    model.ring(index);
                    if let Some(serial) = serials[index].take() {
                        engine.ring(serial);
                    }
                    continue;
                }
            };
            let mut name = || { mine += 1; mine };
            handle(&mut engine, hand, changed, &deeds, &mut name);
            let mut name = || { its += 1; its };
            model.handle(hand, changed, &deeds, &mut name);
            follow(&mut engine, &mut serials);
            prop_assert_eq!(engine.postponed(), model.postponed.len());
        }
    }
}
