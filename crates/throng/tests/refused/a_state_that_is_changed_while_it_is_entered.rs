use throng::{EnterCtx, prelude::*};

struct Door;

impl StateMachine for Door {
    type Args = ();
    type State = bool;
    async fn init(_: (), _: &mut Ctx<Machine<Self>>) -> Init<(bool, Self)> {
        Ok((false, Door))
    }

    async fn state_enter(&mut self, _: &bool, open: &bool, ctx: &mut EnterCtx<'_, Self>) -> Result<(), Exit> {
        ctx.next_state(!open);
        Ok(())
    }
}

fn main() {}
