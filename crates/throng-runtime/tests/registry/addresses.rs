//! Keys as addresses (N9, N11).

use throng_runtime::{Address, CallError, Ctx, GenServer, Init, Node, Registry};

use crate::world::{Actor, Do};

#[tokio::test]
async fn n9_a_key_is_an_address_of_whoever_holds_it() {
    let node = Node::new("test");
    let registry = Registry::<&str>::new();
    let via = registry.via::<Actor>("key");
    let nobody = via.call(Do(Box::new(|_| ()))).await;
    assert!(matches!(nobody, Err(CallError::NoProcess { .. })));
    let back = via.cast(Do(Box::new(|_: &mut Ctx<Actor>| ()))).unwrap_err();
    assert_eq!(back.target().to_string(), "\"key\"", "a cast to nobody gives its message back");
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
