//! What was answered lately, and what is being handled (pure).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::{Answer, AnswerOptions};

/// What an answer costs beside its text and its name.
const ANSWER_OVERHEAD_BYTES: usize = 160;
/// What a client costs on a topic.
const SCOPE_OVERHEAD_BYTES: usize = 192;

/// Whose messages are told apart by their ids: a client's on a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::history) struct Scope {
    pub(in crate::history) client: Arc<str>,
    pub(in crate::history) topic: Arc<str>,
}

/// The messages of all clients; `W` waits for the end of one that is being handled.
#[derive(Debug)]
pub(super) struct Window<W> {
    scopes: HashMap<Scope, Messages<W>>,
    bytes: usize,
}

#[derive(Debug)]
struct Messages<W> {
    by_id: HashMap<Arc<str>, Message<W>>,
    /// Those that were handled, oldest first.
    handled: VecDeque<(u64, Arc<str>)>,
}

#[derive(Debug)]
enum Message<W> {
    InHand(InHand<W>),
    Handled(Outcome),
}

/// A message that somebody handles, or is about to.
#[derive(Debug)]
struct InHand<W> {
    waiters: VecDeque<W>,
    passing: Passing,
}

/// Whether the message is on its way from who gave it up to the next who waits.
#[derive(Debug, PartialEq)]
enum Passing {
    No,
    Yes,
    /// And that one gave it up on the spot.
    Refused,
}

/// How the handling of a message ended.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::history) enum Outcome {
    /// With this answer, or with none.
    Answered(Option<Answer>),
    /// By a crash: half of it may have been done.
    Crashed,
}

/// What is known of a message that arrives.
#[derive(Debug, PartialEq)]
pub(super) enum Known<W> {
    /// Nothing: it is in hand from now on.
    No(W),
    /// It is in hand already, and `W` waits.
    InHand,
    /// It was handled.
    Handled(W, Outcome),
}

/// An outcome as it is written down.
pub(in crate::history) struct Kept<'a> {
    pub(in crate::history) at: u64,
    pub(in crate::history) id: &'a Arc<str>,
    pub(in crate::history) outcome: &'a Outcome,
}

impl<W> Window<W> {
    pub(super) fn new() -> Window<W> {
        Window { scopes: HashMap::new(), bytes: 0 }
    }

    /// Takes a message in hand, unless it is there or was.
    pub(super) fn arrive(&mut self, scope: &Scope, id: &Arc<str>, waiter: W) -> Known<W> {
        let bytes = &mut self.bytes;
        let messages = self.scopes.entry(scope.clone()).or_insert_with(|| {
            *bytes += scope.bytes();
            Messages { by_id: HashMap::new(), handled: VecDeque::new() }
        });
        match messages.by_id.get_mut(id) {
            Some(Message::InHand(in_hand)) => {
                in_hand.waiters.push_back(waiter);
                Known::InHand
            }
            Some(Message::Handled(outcome)) => Known::Handled(waiter, outcome.clone()),
            None => {
                messages.by_id.insert(id.clone(), Message::InHand(InHand::new()));
                Known::No(waiter)
            }
        }
    }

    /// Keeps how the handling ended. Gives back who waited for it.
    pub(super) fn settle(
        &mut self,
        scope: &Scope,
        id: &Arc<str>,
        outcome: Outcome,
        now: u64,
        options: &AnswerOptions,
    ) -> Vec<W> {
        let Some(messages) = self.scopes.get_mut(scope) else { return Vec::new() };
        let Some(message) = messages.by_id.get_mut(id) else { return Vec::new() };
        let Message::InHand(in_hand) = message else { return Vec::new() };
        let waiters = std::mem::take(&mut in_hand.waiters).into();
        self.bytes += bytes(id, &outcome);
        *message = Message::Handled(outcome);
        messages.handled.push_back((now, id.clone()));
        self.trim(scope, now, options);
        if self.bytes > options.bytes_max {
            self.make_room(options);
        }
        waiters
    }

    /// Gives up a message that nobody has begun to handle: to the first who waits for it, or else it is not known any more. Whoever
    /// passes it on says so when that is [done](Window::passed_on).
    pub(super) fn give_up(&mut self, scope: &Scope, id: &Arc<str>) -> Option<W> {
        let Message::InHand(in_hand) = self.scopes.get_mut(scope)?.by_id.get_mut(id)? else { return None };
        if in_hand.passing != Passing::No {
            in_hand.passing = Passing::Refused;
            return None;
        }
        self.pass(scope, id)
    }

    /// A message was passed on. If it was given up again meanwhile, it goes to the next.
    pub(super) fn passed_on(&mut self, scope: &Scope, id: &Arc<str>) -> Option<W> {
        let Message::InHand(in_hand) = self.scopes.get_mut(scope)?.by_id.get_mut(id)? else { return None };
        match std::mem::replace(&mut in_hand.passing, Passing::No) {
            Passing::Refused => self.pass(scope, id),
            Passing::Yes | Passing::No => None,
        }
    }

    fn pass(&mut self, scope: &Scope, id: &Arc<str>) -> Option<W> {
        let messages = self.scopes.get_mut(scope)?;
        let Message::InHand(in_hand) = messages.by_id.get_mut(id)? else { return None };
        let next = in_hand.waiters.pop_front();
        if next.is_some() {
            in_hand.passing = Passing::Yes;
        } else {
            messages.by_id.remove(id);
            self.drop_if_empty(scope);
        }
        next
    }

    /// Takes in what was written down.
    pub(super) fn restore(
        &mut self,
        scope: &Scope,
        id: Arc<str>,
        outcome: Outcome,
        at: u64,
        options: &AnswerOptions,
    ) {
        if let Some(Message::InHand(_) | Message::Handled(_)) =
            self.scopes.get(scope).and_then(|messages| messages.by_id.get(&id))
        {
            return;
        }
        let bytes = &mut self.bytes;
        let messages = self.scopes.entry(scope.clone()).or_insert_with(|| {
            *bytes += scope.bytes();
            Messages { by_id: HashMap::new(), handled: VecDeque::new() }
        });
        messages.by_id.insert(id.clone(), Message::InHand(InHand::new()));
        drop(self.settle(scope, &id, outcome, at, options));
    }

    /// Forgets what is too old.
    pub(super) fn sweep(&mut self, now: u64, options: &AnswerOptions) {
        let scopes: Vec<_> = self.scopes.keys().cloned().collect();
        for scope in scopes {
            self.trim(&scope, now, options);
            self.drop_if_empty(&scope);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All that was handled, of each client in its order.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&Scope, Vec<Kept<'_>>)> {
        self.scopes.iter().map(|(scope, messages)| {
            let kept = messages.handled.iter().filter_map(|(at, id)| match messages.by_id.get(id) {
                Some(Message::Handled(outcome)) => Some(Kept { at: *at, id, outcome }),
                _ => None,
            });
            (scope, kept.collect())
        })
    }

    fn trim(&mut self, scope: &Scope, now: u64, options: &AnswerOptions) {
        let Some(messages) = self.scopes.get_mut(scope) else { return };
        while let Some((at, id)) = messages.handled.front() {
            let is_old = now.saturating_sub(*at) >= options.age_max_ms();
            if !is_old && messages.handled.len() <= options.messages_max {
                break;
            }
            if let Some(Message::Handled(outcome)) = messages.by_id.remove(id) {
                self.bytes -= bytes(id, &outcome);
            }
            messages.handled.pop_front();
        }
    }

    /// Forgets the clients that were answered the longest ago, until a tenth of the bound is free.
    fn make_room(&mut self, options: &AnswerOptions) {
        let mut scopes: Vec<_> = self
            .scopes
            .iter()
            .filter_map(|(scope, messages)| Some((messages.handled.back()?.0, scope.clone())))
            .collect();
        scopes.sort_by_key(|(answered, _)| *answered);
        let aim = options.bytes_max / 10 * 9;
        for (_, scope) in scopes {
            if self.bytes <= aim {
                break;
            }
            self.forget_handled(&scope);
        }
    }

    fn forget_handled(&mut self, scope: &Scope) {
        let Some(messages) = self.scopes.get_mut(scope) else { return };
        for (_, id) in std::mem::take(&mut messages.handled) {
            if let Some(Message::Handled(outcome)) = messages.by_id.remove(&id) {
                self.bytes -= bytes(&id, &outcome);
            }
        }
        self.drop_if_empty(scope);
    }

    fn drop_if_empty(&mut self, scope: &Scope) {
        if self.scopes.get(scope).is_some_and(|messages| messages.by_id.is_empty()) {
            self.scopes.remove(scope);
            self.bytes -= scope.bytes();
        }
    }
}

impl<W> InHand<W> {
    fn new() -> InHand<W> {
        InHand { waiters: VecDeque::new(), passing: Passing::No }
    }
}

impl Scope {
    fn bytes(&self) -> usize {
        SCOPE_OVERHEAD_BYTES + self.client.len() + self.topic.len()
    }
}

fn bytes(id: &str, outcome: &Outcome) -> usize {
    let answer = match outcome {
        Outcome::Answered(Some(answer)) => answer.status.len() + answer.response.as_wire().len(),
        Outcome::Answered(None) | Outcome::Crashed => 0,
    };
    ANSWER_OVERHEAD_BYTES + 2 * id.len() + answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::payload::Payload;

    fn scope(client: usize) -> Scope {
        Scope { client: format!("client:{client}").into(), topic: "room".into() }
    }

    fn answered(n: usize) -> Outcome {
        let response = Payload::new(serde_json::json!({ "n": n })).unwrap();
        Outcome::Answered(Some(Answer { status: "ok".into(), response }))
    }

    #[test]
    fn a_message_is_in_hand_once_and_known_when_it_was_handled() {
        let (mut window, options, id) = (Window::new(), AnswerOptions::default(), Arc::from("a"));
        assert_eq!(window.arrive(&scope(1), &id, "first"), Known::No("first"));
        assert_eq!(window.arrive(&scope(1), &id, "second"), Known::InHand);
        assert_eq!(window.arrive(&scope(2), &id, "another client"), Known::No("another client"));
        assert_eq!(window.settle(&scope(1), &id, answered(1), 0, &options), ["second"]);
        assert_eq!(window.arrive(&scope(1), &id, "third"), Known::Handled("third", answered(1)));
        assert!(
            window.settle(&scope(1), &id, answered(2), 0, &options).is_empty(),
            "the first answer counts"
        );
        assert_eq!(window.arrive(&scope(1), &id, "third"), Known::Handled("third", answered(1)));
    }

    #[test]
    fn what_nobody_began_is_handed_to_the_next_who_waits() {
        let (mut window, id) = (Window::new(), Arc::from("a"));
        for waiter in ["first", "second", "third"] {
            window.arrive(&scope(1), &id, waiter);
        }
        assert_eq!(window.give_up(&scope(1), &id), Some("second"));
        assert_eq!(window.passed_on(&scope(1), &id), None);
        assert_eq!(window.give_up(&scope(1), &id), Some("third"));
        assert_eq!(window.passed_on(&scope(1), &id), None);
        assert_eq!(window.give_up(&scope(1), &id), None);
        assert_eq!(window.bytes(), 0);
        assert_eq!(window.arrive(&scope(1), &id, "again"), Known::No("again"));
    }

    #[test]
    fn who_gives_it_up_on_the_spot_leaves_the_passing_on_to_who_passed_it() {
        let (mut window, id) = (Window::new(), Arc::from("a"));
        for waiter in ["first", "second", "third"] {
            window.arrive(&scope(1), &id, waiter);
        }
        assert_eq!(window.give_up(&scope(1), &id), Some("second"));
        assert_eq!(window.give_up(&scope(1), &id), None);
        assert_eq!(window.passed_on(&scope(1), &id), Some("third"));
        assert_eq!(window.give_up(&scope(1), &id), None);
        assert_eq!(window.passed_on(&scope(1), &id), None);
        assert_eq!(window.arrive(&scope(1), &id, "again"), Known::No("again"));
    }

    #[test]
    fn a_client_that_sends_many_pushes_out_its_own_alone() {
        let options = AnswerOptions::default().with(|options| options.messages_max = 3);
        let (mut window, mine) = (Window::new(), Arc::from("mine"));
        window.arrive(&scope(0), &mine, ());
        window.settle(&scope(0), &mine, answered(0), 0, &options);
        for n in 0..100 {
            let id = format!("{n}").into();
            window.arrive(&scope(1), &id, ());
            window.settle(&scope(1), &id, answered(n), 0, &options);
        }
        assert_eq!(window.kept().map(|(_, kept)| kept.len()).sum::<usize>(), 4);
        assert_eq!(window.arrive(&scope(0), &mine, ()), Known::Handled((), answered(0)));
    }

    proptest! {
        #[test]
        fn it_forgets_nothing_within_its_bounds_and_counts_every_byte(
            steps in prop::collection::vec((0..3_usize, 0..12_usize, 0..4_u8, 0..40_u64), 0..200),
            messages_max in 1..8_usize,
            bytes_max in 500..6_000_usize,
        ) {
            let options = AnswerOptions::default().with(|options| {
                options.messages_max = messages_max;
                options.bytes_max = bytes_max;
                options.age_max = Duration::from_millis(200);
            });
            let (mut window, mut now) = (Window::new(), 0);
            let mut in_hand: Vec<(usize, usize)> = Vec::new();
            for (client, n, kind, ms) in steps {
                let (scope, id) = (scope(client), Arc::from(n.to_string()));
                let was_in_hand = in_hand.contains(&(client, n));
                match kind {
                    0 | 1 => match window.arrive(&scope, &id, ()) {
                        Known::No(()) => {
                            prop_assert!(!was_in_hand, "it ran twice");
                            in_hand.push((client, n));
                        }
                        Known::InHand => prop_assert!(was_in_hand),
                        Known::Handled((), outcome) => prop_assert_eq!(outcome, answered(n)),
                    },
                    2 if was_in_hand => {
                        in_hand.retain(|known| *known != (client, n));
                        window.settle(&scope, &id, answered(n), now, &options);
                        prop_assert!(window.bytes() <= bytes_max + 3 * 300);
                    }
                    _ => { now += ms; window.sweep(now, &options); }
                }
                let counted: usize = window.scopes.iter().map(|(scope, messages)| {
                    scope.bytes() + messages.by_id.iter().map(|(id, message)| match message {
                        Message::InHand(_) => 0,
                        Message::Handled(outcome) => bytes(id, outcome),
                    }).sum::<usize>()
                }).sum();
                prop_assert_eq!(window.bytes(), counted);
                for (_, kept) in window.kept() {
                    prop_assert!(kept.len() <= messages_max);
                }
            }
        }
    }
}
