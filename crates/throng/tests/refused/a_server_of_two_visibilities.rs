use throng::prelude::*;

pub struct Account;

impl GenServer for Account {
    type Args = ();
    async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Account)
    }
}

#[server]
impl Account {
    #[call]
    pub fn balance(&self) -> u64 {
        1
    }

    #[call]
    fn secret(&self) -> u64 {
        2
    }
}

fn main() {}
