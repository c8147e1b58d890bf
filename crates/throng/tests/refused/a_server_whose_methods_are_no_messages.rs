use throng::prelude::*;

struct Account;

impl GenServer for Account {
    type Args = ();
    async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Account)
    }
}

#[server]
impl Account {
    #[call]
    fn rename(&mut self, _name: &str) {}

    #[call]
    fn put<T>(&mut self, _what: T) {}

    #[cast]
    fn count(&mut self) -> u64 {
        1
    }

    #[call]
    fn exit(&mut self) {}

    #[call(reply = u64)]
    fn take(&mut self) {}
}

fn main() {}
