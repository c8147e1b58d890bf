//! `#[server]`: what a block of methods stands for, used as a user would, under every lint that a user may have.
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, unused, clippy::all, clippy::pedantic)]
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]
#![allow(
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    clippy::unused_async,
    clippy::unused_self,
    reason = "of the methods as they are written here: none of it is about what is made of them"
)]

use std::time::Duration;

use throng::{CallError, Halt, multi_call, prelude::*};

/// What an account has.
#[derive(Debug)]
pub struct Account {
    balance: u64,
    log: Vec<&'static str>,
}

/// Too little was there.
#[derive(Debug, PartialEq, Eq)]
pub struct Overdrawn(pub u64);

impl GenServer for Account {
    type Args = u64;

    async fn init(balance: u64, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Account { balance, log: Vec::new() })
    }
}

#[server]
impl Account {
    /// Takes something off the balance; what is left.
    #[call]
    pub async fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
        self.balance = self.left(amount)?;
        Ok(self.balance)
    }

    #[call(derive(Clone, Debug), message = ReadBalance)]
    #[doc = "What is there."]
    pub fn balance(&self) -> u64 {
        self.balance
    }

    /// Counts what a sum in words says; words that are no number end the account.
    #[call]
    pub fn deposit(&mut self, sum: String, note: &'static str) -> Result<u64, Halt> {
        self.balance += sum.parse::<u64>()?;
        self.log.push(note);
        Ok(self.balance)
    }

    /// Says nothing, in its own time.
    #[call]
    pub async fn audit(&mut self) {
        self.log.push("audited");
    }

    /// What was noted.
    #[call]
    pub async fn notes(&mut self, _ctx: &mut Ctx<Self>, mut first: usize) -> Vec<&'static str> {
        first += 1;
        self.log.iter().copied().skip(first - 1).collect()
    }

    /// Ends the account.
    #[cast]
    pub fn close(&mut self, reason: Exit, ctx: &mut Ctx<Self>) {
        ctx.stop(reason);
    }

    /// A note, unless there are too many.
    #[cast]
    pub async fn note(&mut self, words: &'static str) -> Result<(), Halt> {
        if self.log.len() > 100 {
            return Err(Exit::other("too many notes").into());
        }
        self.log.push(words);
        Ok(())
    }

    fn left(&self, amount: u64) -> Result<u64, Overdrawn> {
        self.balance.checked_sub(amount).ok_or_else(|| Overdrawn(amount - self.balance))
    }
}

/// A handler written by hand beside those of the block.
struct Double;

impl Message for Double {
    type Reply = ();
}

impl Handler<Double> for Account {
    async fn handle(&mut self, _: Double, _: &mut Ctx<Self>) -> Handled<Double> {
        self.balance *= 2;
        Ok(())
    }
}

async fn account(node: &Node) -> Pid<Account> {
    node.start(Account::child(100)).await.unwrap()
}

#[tokio::test]
async fn the_client_asks_and_the_methods_answer() {
    let node = Node::new("test");
    let account = account(&node).await;
    assert_eq!(account.withdraw(30).await.unwrap(), Ok(70));
    assert_eq!(account.withdraw(90).await.unwrap(), Err(Overdrawn(20)));
    assert_eq!(account.deposit("5".into(), "found").timeout(Duration::from_secs(1)).await.unwrap(), 75);
    account.cast(Double).unwrap();
    assert_eq!(account.balance().await.unwrap(), 150);
    account.note("noted").unwrap();
    account.audit().await.unwrap();
    assert_eq!(account.notes(1).await.unwrap(), ["noted", "audited"]);
}

#[tokio::test]
async fn every_address_is_a_client() {
    const NAME: Name<Account> = Name::new("account");
    async fn look(account: &impl AccountClient) -> Result<u64, CallError> {
        account.balance().await
    }
    let node = Node::new("test");
    let account = node.start(Account::child(1).name(NAME)).await.unwrap();
    assert_eq!((look(&account).await.unwrap(), look(&node.via(NAME)).await.unwrap()), (1, 1));
}

#[tokio::test]
async fn the_messages_are_messages_like_others() {
    let node = Node::new("test");
    let accounts = [account(&node).await, account(&node).await];
    assert_eq!(multi_call(&accounts, ReadBalance).await.replies.len(), 2);
    assert_eq!(accounts[0].call(Withdraw { amount: 1 }).await.unwrap(), Ok(99));
}

#[tokio::test]
async fn an_error_that_may_halt_ends_the_server_and_a_cast_can_too() {
    let node = Node::new("test");
    let first = account(&node).await;
    let error = first.deposit("many".into(), "never").await.unwrap_err();
    assert!(matches!(&error, CallError::Exited { .. }), "{error}");
    assert!(!node.is_alive(first));
    let second = account(&node).await;
    second.close(Exit::Shutdown).unwrap();
    assert!(node.wait(second).await.is_clean());
}

mod teller {
    use throng::prelude::*;

    pub(super) struct Teller;

    impl GenServer for Teller {
        type Args = ();

        async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
            Ok(Teller)
        }
    }

    #[server]
    impl Teller {
        #[call]
        pub(super) fn greet(&self, name: String) -> String {
            format!("Good day, {name}.")
        }
    }

    #[server(client = Back)]
    impl Teller {
        #[call]
        fn vault(&self) -> u64 {
            42
        }
    }

    pub(super) async fn peek(teller: Pid<Teller>) -> u64 {
        teller.vault().await.unwrap()
    }
}

#[tokio::test]
async fn visibility_is_that_of_the_methods_and_a_type_may_have_two_blocks() {
    use teller::TellerClient;
    let node = Node::new("test");
    let teller = node.start(teller::Teller::child(())).await.unwrap();
    assert_eq!(teller.greet("Ada".into()).await.unwrap(), "Good day, Ada.");
    assert_eq!(teller::peek(teller).await, 42);
}
