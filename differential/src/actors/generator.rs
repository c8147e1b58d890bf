//! Turns from a seed (pure).

use super::{Act, ActorSpec, Actors, Turn};
use crate::{dice::Dice, reason::Reason};

pub(super) fn generate(dice: &mut Dice) -> Actors {
    let count = dice.between(2, 5);
    let actors: Vec<ActorSpec> =
        (1..=count).map(|nth| ActorSpec { name: format!("p{nth}"), traps: dice.chance(50) }).collect();
    let mut writer =
        Writer { dice, actors: &actors, numbers: 0, monitors: Vec::new(), new_monitors: Vec::new() };
    let turns = (0..writer.dice.between(6, 18)).map(|_| writer.turn()).collect();
    Actors { turns, actors }
}

struct Writer<'a> {
    dice: &'a mut Dice,
    actors: &'a [ActorSpec],
    numbers: usize,
    /// Who monitors whom by which number, since an earlier turn: of a monitor on the dead the BEAM tells at any time.
    monitors: Vec<(String, String, usize)>,
    /// Those of this turn.
    new_monitors: Vec<(String, String, usize)>,
}

impl Writer<'_> {
    fn turn(&mut self) -> Turn {
        let at = self.dice.roll(self.actors.len());
        let actor = self.actors[at].clone();
        self.monitors.append(&mut self.new_monitors);
        let mut acts = Vec::new();
        for _ in 0..self.dice.between(1, 5) {
            let peer = self.peer();
            acts.push(self.quiet_act(&actor.name, peer));
        }
        match self.dice.roll(100) {
            0..30 => acts.extend(self.ending(&actor)),
            30..55 => {
                let (peer, reason) = (self.peer(), self.reason());
                acts.push(Act::Exit(peer, reason));
            }
            55..63 => acts.push(Act::Stop(self.reason())),
            63..66 => acts.push(Act::Panic),
            _ => {}
        }
        Turn { actor: actor.name, acts }
    }

    /// Has another end, and goes on with it: what it sent is in the mailbox then. Whoever does not trap exits may end of it
    /// at any time, so for those it is the last act; and of all others only the dead one is known not to be about to end.
    fn ending(&mut self, actor: &ActorSpec) -> Vec<Act> {
        let peer = self.peer();
        if peer == actor.name {
            return Vec::new();
        }
        let mut acts = vec![Act::End(peer.clone(), self.reason())];
        if actor.traps {
            for _ in 0..self.dice.roll(4) {
                let act = self.quiet_act(&actor.name, peer.clone());
                acts.push(act);
            }
        }
        acts
    }

    /// Something that ends nobody.
    fn quiet_act(&mut self, actor: &str, peer: String) -> Act {
        match self.dice.roll(100) {
            0..28 => Act::Link(peer),
            28..38 => Act::Unlink(peer),
            38..48 => Act::UnlinkFlush(peer),
            // To the BEAM a monitor on oneself is none.
            48..68 if peer != actor => {
                self.numbers += 1;
                self.new_monitors.push((actor.to_owned(), peer.clone(), self.numbers));
                Act::Monitor(peer, self.numbers)
            }
            68..84 => {
                let is_wanted =
                    |(owner, target, _): &&(String, String, usize)| owner == actor && *target == peer;
                let own: Vec<usize> =
                    self.monitors.iter().filter(is_wanted).map(|(_, _, number)| *number).collect();
                match self.dice.pick(&own).copied() {
                    Some(number) if self.dice.chance(50) => Act::Demonitor(number),
                    Some(number) => Act::DemonitorFlush(number),
                    None => Act::Link(peer),
                }
            }
            _ => {
                self.numbers += 1;
                Act::Send(peer, self.numbers)
            }
        }
    }

    fn peer(&mut self) -> String {
        let at = self.dice.roll(self.actors.len());
        self.actors[at].name.clone()
    }

    fn reason(&mut self) -> Reason {
        use Reason::{Boom, Kill, Normal, Shutdown, ShutdownWith};
        self.dice.one_of([Normal, Normal, Shutdown, ShutdownWith, Boom, Boom, Kill])
    }
}
