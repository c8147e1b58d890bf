//! Steps from a seed (pure).

use super::{Init, Item, NAMES, Servers, StartSpec, Step, Then};
use crate::{dice::Dice, reason::Reason};

pub(super) fn generate(dice: &mut Dice) -> Servers {
    let mut writer = Writer { dice, numbers: 0 };
    let mut steps = vec![writer.start(NAMES[0]), writer.start(NAMES[1])];
    let more = writer.dice.between(6, 18);
    steps.extend((0..more).map(|_| writer.step()));
    Servers { steps }
}

struct Writer<'a> {
    dice: &'a mut Dice,
    numbers: usize,
}

impl Writer<'_> {
    fn step(&mut self) -> Step {
        let name = self.dice.one_of(NAMES);
        match self.dice.roll(100) {
            0..25 => self.start(name),
            25..48 => Step::Send(name, self.item()),
            48..78 => {
                let items: Vec<Item> = (0..self.dice.roll(6)).map(|_| self.item()).collect();
                let then = self.then(&items);
                Step::Queue(name, items, then)
            }
            78..82 => Step::Idle(name),
            82..85 => Step::Late(name),
            85..88 => Step::CallsItself(name),
            88..92 => Step::Stop(name, self.reason()),
            92..96 => Step::Whereis(name),
            _ => Step::ParentExit(self.reason()),
        }
    }

    fn start(&mut self, name: &'static str) -> Step {
        let init = match self.dice.roll(100) {
            0..60 => Init::Up,
            60..75 => Init::Continues(self.dice.between(1, 3)),
            75..84 => Init::Fails(self.reason()),
            84..89 => Init::Panics,
            89..95 => Init::Ignores,
            _ => Init::Hangs,
        };
        let (linked, traps, panics) = (self.dice.chance(50), self.dice.chance(50), self.dice.chance(10));
        Step::Start(name, StartSpec { linked, traps, init, panics })
    }

    fn item(&mut self) -> Item {
        self.numbers += 1;
        let number = self.numbers;
        match self.dice.roll(100) {
            0..25 => Item::Cast(number),
            25..50 => Item::Call(number),
            50..60 => Item::Defer(number),
            60..70 => Item::Answer,
            70..76 => Item::CallStop(number, self.reason(), self.dice.chance(50)),
            76..79 => Item::CallPanic(number),
            79..83 => Item::CastStop(self.reason()),
            83..85 => Item::CastPanic,
            85..94 => Item::Exit(self.reason()),
            _ => Item::Stop(self.reason()),
        }
    }

    /// An idle timeout of zero comes if nothing is there: so there is nothing, or certainly something.
    fn then(&mut self, items: &[Item]) -> Then {
        let is_certain = matches!(items.first(), None | Some(Item::Cast(_) | Item::Call(_)));
        match self.dice.roll(100) {
            0..25 => Then::Continues(self.dice.between(1, 3)),
            25..40 if is_certain => Then::Idles,
            _ => Then::Waits,
        }
    }

    fn reason(&mut self) -> Reason {
        use Reason::{Boom, Kill, Normal, Shutdown, ShutdownWith};
        self.dice.one_of([Normal, Normal, Shutdown, ShutdownWith, Boom, Boom, Kill])
    }
}
