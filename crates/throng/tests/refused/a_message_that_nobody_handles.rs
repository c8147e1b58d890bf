use throng::prelude::*;

#[derive(Message)]
struct Open;

#[derive(Message)]
struct Close;

#[derive(Message)]
struct Lock;

struct Door;

impl GenServer for Door {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Door)
    }
}

impl Handler<Close> for Door {
    async fn handle(&mut self, _: Close, _: &mut Ctx<Self>) -> Handled<Close> {
        Ok(())
    }
}

impl Handler<Lock> for Door {
    async fn handle(&mut self, _: Lock, _: &mut Ctx<Self>) -> Handled<Lock> {
        Ok(())
    }
}

fn open(door: Pid<Door>) {
    let _ = door.cast(Open);
}

fn main() {}
