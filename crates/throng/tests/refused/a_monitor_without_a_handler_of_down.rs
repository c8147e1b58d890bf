use throng::prelude::*;

#[derive(Message)]
struct Call;

#[derive(Message)]
struct Rest;

struct Nurse;

// Two, so that the compiler lists these, and not the handlers that all of Throng's servers have.
impl Handler<Call> for Nurse {
    async fn handle(&mut self, _: Call, _: &mut Ctx<Self>) -> Handled<Call> {
        Ok(())
    }
}

impl Handler<Rest> for Nurse {
    async fn handle(&mut self, _: Rest, _: &mut Ctx<Self>) -> Handled<Rest> {
        Ok(())
    }
}

impl GenServer for Nurse {
    type Args = ProcessId;

    async fn init(patient: ProcessId, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.monitor(patient);
        Ok(Nurse)
    }
}

fn main() {}
