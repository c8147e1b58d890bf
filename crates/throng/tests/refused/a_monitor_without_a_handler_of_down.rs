use throng::prelude::*;

struct Nurse;

impl GenServer for Nurse {
    type Args = ProcessId;

    async fn init(patient: ProcessId, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.monitor(patient);
        Ok(Nurse)
    }
}

fn main() {}
