//! Families of scenarios: what each has to say of itself, and how all are checked.

use std::{fmt::Display, time::Duration};

use crate::{
    dice::Dice,
    erlang::Beam,
    journal::{Chapter, Journal, Order, chapters},
    report,
    seeds::Seeds,
    throng,
};

/// A period in which no restart is forgotten: the BEAM counts in whole seconds (S16).
pub(crate) const PERIOD: Duration = Duration::from_secs(3_600);

/// At most so many scenarios that differ are made smaller and shown.
const SHOWN_MAX: usize = 3;
/// So often a scenario is made smaller at most.
const SHRINKS_MAX: usize = 40;

/// Scenarios of one kind.
pub(crate) trait Family: Clone + Sized {
    /// What it is called, here and on the BEAM, where a module of this name plays it.
    const NAME: &'static str;

    /// The scenario of a seed.
    fn generate(dice: &mut Dice) -> Self;

    /// The Erlang term that says the same.
    fn term(&self) -> String;

    /// Its steps in words, as its journal counts them.
    fn steps(&self) -> Vec<String>;

    /// The same scenario with one step less, if it can do without.
    fn without_step(&self, step: usize) -> Option<Self>;

    /// Plays it on Throng.
    fn play(&self, journal: Journal) -> impl Future<Output = ()>;

    /// What the place of a line of its journal means, by the lines of its step and the line.
    fn order(&self) -> impl Fn(&[&str], &str) -> Order;
}

/// What both sides made of a scenario.
pub(crate) struct Played<F> {
    pub(crate) scenario: F,
    pub(crate) beam: Vec<Chapter>,
    pub(crate) throng: Vec<Chapter>,
}

impl<F> Played<F> {
    fn differs(&self) -> bool {
        self.beam != self.throng
    }
}

/// Plays the scenarios of all seeds on both sides.
///
/// # Panics
///
/// With what differs, and the command that replays it.
pub(crate) fn check<F: Family>(count: u64) {
    let seeds = Seeds::from_environment(count);
    println!("{}: {seeds}", F::NAME);
    let beam = Beam::compile();
    let scenarios = seeds.iter().map(|seed| F::generate(&mut Dice::new(seed))).collect();
    let played = play(&beam, scenarios);
    let steps: usize = played.iter().map(|played| played.scenario.steps().len()).sum();
    let lines: usize = played.iter().flat_map(|played| &played.beam).map(|chapter| chapter.lines.len()).sum();
    println!("{}: {} scenarios, {steps} steps, {lines} lines on the BEAM", F::NAME, played.len());
    if seeds.is_single() {
        played.iter().for_each(|played| println!("{}", report::side_by_side(played)));
    }
    let differing: Vec<(u64, Played<F>)> =
        seeds.iter().zip(played).filter(|(_, played)| played.differs()).collect();
    let count = differing.len();
    let shown = differing.into_iter().take(SHOWN_MAX);
    let shown: Vec<String> =
        shown.map(|(seed, played)| report::difference(seed, &played, &shrink(&beam, &played))).collect();
    assert!(count == 0, "{count} scenarios differ from the BEAM:\n\n{}", shown.join("\n\n"));
}

fn play<F: Family>(beam: &Beam, scenarios: Vec<F>) -> Vec<Played<F>> {
    let terms: Vec<String> = scenarios.iter().map(F::term).collect();
    let on_beam = beam.play(F::NAME, &terms);
    let on_throng = throng::play(&scenarios);
    let played = scenarios.into_iter().zip(on_beam).zip(on_throng).map(|((scenario, beam), throng)| {
        let order = scenario.order();
        let (beam, throng) = (chapters(&beam, &order), chapters(&throng, &order));
        drop(order);
        Played { scenario, beam, throng }
    });
    played.collect()
}

/// Leaves out steps for as long as both sides still differ.
fn shrink<F: Family>(beam: &Beam, differing: &Played<F>) -> Option<Played<F>> {
    let mut smallest: Option<Played<F>> = None;
    for _ in 0..SHRINKS_MAX {
        let from = smallest.as_ref().map_or(&differing.scenario, |played| &played.scenario);
        let fewer = (0..from.steps().len()).rev().filter_map(|step| from.without_step(step)).collect();
        match play(beam, fewer).into_iter().find(Played::differs) {
            Some(smaller) => smallest = Some(smaller),
            None => break,
        }
    }
    smallest
}

/// An Erlang list.
pub(crate) fn list(terms: &[impl Display]) -> String {
    let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
    format!("[{}]", terms.join(","))
}
