//! A state machine runs as a `Machine`: its handlers are event handlers, its names those of a machine.

use throng::prelude::*;

struct Door;

impl StateMachine for Door {
    type Args = ();
    type State = bool;

    async fn init((): (), _: &mut Ctx<Machine<Self>>) -> Init<(bool, Self)> {
        Ok((false, Door))
    }
}

#[derive(Message)]
struct Open;

impl Handler<Open> for Door {
    async fn handle(&mut self, _: Open, _: &mut Ctx<Self>) -> Handled<Open> {
        Ok(())
    }
}

const DOOR: Name<Door> = Name::new("door");

fn main() {
    let _ = |node: Node| node.whereis(DOOR);
}
