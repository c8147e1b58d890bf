use throng::prelude::*;

#[derive(Message)]
#[message(reply = u64)]
struct Count;

struct Counter;

impl GenServer for Counter {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Counter)
    }
}

impl Handler<Count> for Counter {
    async fn handle(&mut self, _: Count, _: &mut Ctx<Self>) -> Handled<Count> {
        Ok(1)
    }
}

fn count(counter: Pid<Counter>) {
    let _ = counter.cast(Count);
}

fn main() {}
