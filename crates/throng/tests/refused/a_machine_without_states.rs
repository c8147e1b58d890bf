use throng::prelude::*;

struct Door;

fn start<D: StateMachine>(_: D) {}

fn main() {
    start(Door);
}
