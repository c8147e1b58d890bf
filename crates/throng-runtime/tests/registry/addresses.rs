//! Keys as addresses (N9, N11).

use std::error::Error;

use throng_runtime::{
    Address, CallError, ChildError, Ctx, DynamicSupervisor, GenServer, Init, Node, Registry,
};

use crate::world::{Actor, Do};

#[tokio::test]
async fn n9_a_key_is_an_address_of_whoever_holds_it() {
    let node = Node::new("test");
    let registry = Registry::<&str>::new();
    let via = registry.via::<Actor>("key");
    let nobody = via.call(Do(Box::new(|_| ()))).await;
    assert!(matches!(nobody, Err(CallError::NoProcess { .. })));
    let back = via.cast(Do(Box::new(|_: &mut Ctx<Actor>| ()))).unwrap_err();
    assert_eq!(back.target().to_string(), "key", "a cast to nobody gives its message back");
    let first = node.start(Actor::child(()).via(via.clone())).await.unwrap();
    assert_eq!(via.call(Do(Box::new(|ctx: &mut Ctx<Actor>| ctx.me()))).await.unwrap(), first);
    assert_eq!(registry.lookup(&"key"), Some((first.id(), ())));

    // At another server's type the key is not an address of it.
    struct Other;
    impl GenServer for Other {
        type Args = ();
        async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
            Ok(Other)
        }
    }
    assert!(registry.via::<Other>("key").resolve().is_none());
}

#[tokio::test]
async fn n9_a_key_that_is_taken_is_named_once_with_who_holds_it() {
    let node = Node::new("test");
    let registry = Registry::<(&str, u8)>::new();
    let child = || Actor::child(()).via(registry.via(("ann", 3)));
    let first = node.start(child()).await.unwrap();
    let rooms = node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let error = DynamicSupervisor::start_child(&rooms, child()).await.unwrap_err();
    assert!(matches!(error, ChildError::Start(_)));
    // As whoever prints a chain of errors does.
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    let taken = format!("the name (\"ann\", 3) is taken by process {}", first.id());
    assert_eq!(words, format!("the child did not start: {taken}"));
    let text = Registry::<String>::new().via::<Actor>("two words".into());
    assert_eq!(text.target().to_string(), "two words", "text needs no quotes");
}
