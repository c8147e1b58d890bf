use throng::prelude::*;

#[derive(Message)]
struct Open;

#[derive(Message)]
struct Close;

#[derive(Message)]
struct Lock;

struct Door;

impl StateMachine for Door {
    type Args = ();
    type State = bool;
    async fn init(_: (), _: &mut Ctx<Machine<Self>>) -> Init<(bool, Self)> {
        Ok((false, Door))
    }
}

impl EventHandler<Close> for Door {
    async fn handle_event(&mut self, _: &bool, _: Close, ctx: &mut EventCtx<'_, Self>) -> Handled<Close> {
        ctx.next_event(Open);
        Ok(())
    }
}

impl EventHandler<Lock> for Door {
    async fn handle_event(&mut self, _: &bool, _: Lock, _: &mut EventCtx<'_, Self>) -> Handled<Lock> {
        Ok(())
    }
}

async fn open(door: Pid<Machine<Door>>) {
    let _ = door.call(Open).await;
}

fn main() {}
