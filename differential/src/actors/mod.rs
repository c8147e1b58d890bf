//! Processes that link, monitor, exit and send: the model (pure).

mod actor;
mod generator;
mod stage;

use std::fmt;

use crate::{
    dice::Dice,
    family::{Family, list},
    journal::{Journal, Order},
    reason::Reason,
};

/// Some processes, and what they do, turn by turn.
#[derive(Clone, Debug)]
pub(crate) struct Actors {
    actors: Vec<ActorSpec>,
    turns: Vec<Turn>,
}

#[derive(Clone, Debug)]
struct ActorSpec {
    name: String,
    traps: bool,
}

/// What one of them does, without a look at its mailbox in between.
#[derive(Clone, Debug)]
struct Turn {
    actor: String,
    acts: Vec<Act>,
}

#[derive(Clone, Debug)]
enum Act {
    Link(String),
    Unlink(String),
    UnlinkFlush(String),
    /// Monitors somebody, by a number of its own.
    Monitor(String, usize),
    Demonitor(usize),
    DemonitorFlush(usize),
    Send(String, usize),
    /// Has another end, and waits until it has.
    End(String, Reason),
    /// Asks somebody to exit. The last act of a turn, as what comes of it comes at any time.
    Exit(String, Reason),
    /// Ends itself.
    Stop(Reason),
    Panic,
}

impl Family for Actors {
    const NAME: &'static str = "actors";

    fn generate(dice: &mut Dice) -> Self {
        generator::generate(dice)
    }

    fn term(&self) -> String {
        format!("{{{},{}}}", list(&self.actors), list(&self.turns))
    }

    fn steps(&self) -> Vec<String> {
        std::iter::once("all start".to_owned()).chain(self.turns.iter().map(Turn::to_string)).collect()
    }

    fn without_step(&self, step: usize) -> Option<Self> {
        let mut less = self.clone();
        (1..=less.turns.len()).contains(&step).then(|| less.turns.remove(step - 1))?;
        Some(less)
    }

    async fn play(&self, journal: Journal) {
        stage::play(self, journal).await;
    }

    fn order(&self) -> impl Fn(&[&str], &str) -> Order {
        |step, line| {
            let Some((receiver, news)) = line.split_once(" < ") else {
                // One turn at a time, so one act after the other.
                return if line.contains(" ended ") { Order::Free } else { Order::Sequence };
            };
            let sender = news.split(':').next().unwrap_or_default();
            if step.iter().any(|line| line.starts_with(&format!("{receiver} ended "))) {
                // Whether it still got to it before the signal that ended it came is open (P2).
                Order::Ignored
            } else if news.contains(": down ") {
                // Several monitors of one process tell of its end in any order.
                Order::Free
            } else {
                // What one sends another arrives in the order it was sent, and nothing else is promised (P1, P2).
                Order::Among(format!("{receiver} < {sender}"))
            }
        }
    }
}

impl fmt::Display for ActorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{},{}}}", self.name, self.traps)
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{},{}}}", self.actor, list(&self.acts))
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(peer) => write!(f, "{{link,{peer}}}"),
            Self::Unlink(peer) => write!(f, "{{unlink,{peer}}}"),
            Self::UnlinkFlush(peer) => write!(f, "{{unlink_flush,{peer}}}"),
            Self::Monitor(peer, number) => write!(f, "{{monitor,{peer},{number}}}"),
            Self::Demonitor(number) => write!(f, "{{demonitor,{number}}}"),
            Self::DemonitorFlush(number) => write!(f, "{{demonitor_flush,{number}}}"),
            Self::Send(peer, number) => write!(f, "{{send,{peer},{number}}}"),
            Self::End(peer, reason) => write!(f, "{{'end',{peer},{reason}}}"),
            Self::Exit(peer, reason) => write!(f, "{{exit,{peer},{reason}}}"),
            Self::Stop(reason) => write!(f, "{{stop,{reason}}}"),
            Self::Panic => f.write_str("panic"),
        }
    }
}
