//! Servers with names that start, are called and end: the model (pure).

mod generator;
mod server;
mod stage;

use std::fmt;

use crate::{
    dice::Dice,
    family::{Family, list},
    journal::{Journal, Order},
    reason::Reason,
};

/// What is done with some names, step by step.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    steps: Vec<Step>,
}

/// The names that servers register.
const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Start(&'static str, StartSpec),
    /// A server is sent something when it has nothing else to do.
    Send(&'static str, Item),
    /// A server is sent things, in this order, while it is at work, and then goes on like this.
    Queue(&'static str, Vec<Item>, Then),
    /// A server is to say when nothing comes for a while, and nothing does.
    Idle(&'static str),
    /// A server is called with a limit that is too short, and answers afterwards.
    Late(&'static str),
    CallsItself(&'static str),
    Stop(&'static str, Reason),
    Whereis(&'static str),
    /// Whoever started the linked servers ends.
    ParentExit(Reason),
}

#[derive(Clone, Copy, Debug)]
struct StartSpec {
    /// By a parent, or by nobody.
    linked: bool,
    traps: bool,
    init: Init,
    /// Whether `terminate` panics.
    panics: bool,
}

#[derive(Clone, Copy, Debug)]
enum Init {
    Up,
    /// So many messages to itself come before all others.
    Continues(usize),
    Fails(Reason),
    Panics,
    Ignores,
    /// Longer than it may.
    Hangs,
}

/// Something that is sent.
#[derive(Clone, Copy, Debug)]
enum Item {
    Cast(usize),
    Call(usize),
    /// A call that is answered later.
    Defer(usize),
    /// The deferred calls are to be answered, the newest first.
    Answer,
    /// A call whose handler stops the server, with an answer or without.
    CallStop(usize, Reason, bool),
    CallPanic(usize),
    CastStop(Reason),
    CastPanic,
    /// A stranger's request to exit.
    Exit(Reason),
    /// A request to stop in an orderly way; nobody waits for it.
    Stop(Reason),
}

/// How a handler goes on.
#[derive(Clone, Copy, Debug)]
enum Then {
    Waits,
    Continues(usize),
    /// With an idle timeout of zero.
    Idles,
}

impl Family for Servers {
    const NAME: &'static str = "servers";

    fn generate(dice: &mut Dice) -> Self {
        generator::generate(dice)
    }

    fn term(&self) -> String {
        list(&self.steps)
    }

    fn steps(&self) -> Vec<String> {
        self.steps.iter().map(Step::to_string).collect()
    }

    fn without_step(&self, step: usize) -> Option<Self> {
        let mut less = self.clone();
        (step < less.steps.len()).then(|| less.steps.remove(step))?;
        Some(less)
    }

    async fn play(&self, journal: Journal) {
        stage::play(self, journal).await;
    }

    fn order(&self) -> impl Fn(&[&str], &str) -> Order {
        // A server does one thing after the other; those that end with their parent do so beside each other. Observers and
        // callers learn of an end in any order.
        |_, line| match line.split_once(' ') {
            Some((_, news)) if news.starts_with("down ") => Order::Free,
            Some((who, _)) => Order::Among(who.to_owned()),
            None => Order::Sequence,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name, spec) => write!(f, "{{start,{name},{spec}}}"),
            Self::Send(name, item) => write!(f, "{{send,{name},{item}}}"),
            Self::Queue(name, items, then) => write!(f, "{{queue,{name},{},{then}}}", list(items)),
            Self::Idle(name) => write!(f, "{{idle,{name}}}"),
            Self::Late(name) => write!(f, "{{late,{name}}}"),
            Self::CallsItself(name) => write!(f, "{{calls_itself,{name}}}"),
            Self::Stop(name, reason) => write!(f, "{{stop,{name},{reason}}}"),
            Self::Whereis(name) => write!(f, "{{whereis,{name}}}"),
            Self::ParentExit(reason) => write!(f, "{{parent_exit,{reason}}}"),
        }
    }
}

impl fmt::Display for StartSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { linked, traps, init, panics } = self;
        write!(f, "{{{linked},{traps},{init},{panics}}}")
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Continues(times) => write!(f, "{{continues,{times}}}"),
            Self::Fails(reason) => write!(f, "{{fails,{reason}}}"),
            Self::Panics => f.write_str("panics"),
            Self::Ignores => f.write_str("ignores"),
            Self::Hangs => f.write_str("hangs"),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cast(number) => write!(f, "{{cast,{number}}}"),
            Self::Call(number) => write!(f, "{{call,{number}}}"),
            Self::Defer(number) => write!(f, "{{defer,{number}}}"),
            Self::Answer => f.write_str("answer"),
            Self::CallStop(number, reason, answers) => write!(f, "{{call_stop,{number},{reason},{answers}}}"),
            Self::CallPanic(number) => write!(f, "{{call_panic,{number}}}"),
            Self::CastStop(reason) => write!(f, "{{cast_stop,{reason}}}"),
            Self::CastPanic => f.write_str("cast_panic"),
            Self::Exit(reason) => write!(f, "{{exit,{reason}}}"),
            Self::Stop(reason) => write!(f, "{{stop,{reason}}}"),
        }
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waits => f.write_str("waits"),
            Self::Continues(times) => write!(f, "{{continues,{times}}}"),
            Self::Idles => f.write_str("idles"),
        }
    }
}
