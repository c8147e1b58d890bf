//! Many crashes at once: nobody is lost, nobody runs twice.

use std::time::Duration;

use throng_runtime::{
    Address, Ctx, DynamicSupervisor, Exit, GenServer, Init, Name, Node, Registry, Supervisor,
};

struct Idle;

impl GenServer for Idle {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Idle)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_a_named_child_is_back_after_each_of_thousands_of_kills() {
    const NAME: Name<Idle> = Name::new("idle");
    let node = Node::new("test");
    let tree = Supervisor::one_for_one("top")
        .max_restarts(usize::MAX, Duration::from_secs(1))
        .child(Idle::child(()).name(NAME));
    let tree = node.start(tree).await.unwrap();
    for round in 0..3_000 {
        let before = node.whereis(NAME).unwrap();
        node.exit(before, Exit::Kill);
        node.wait(before).await;
        assert_eq!(Supervisor::count_children(&tree).await.unwrap().active, 1, "round {round}");
        assert_ne!(node.whereis(NAME).unwrap(), before, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_a_hundred_children_survive_thousands_of_kills_under_their_keys() {
    let node = Node::new("test");
    let keys = Registry::<u32>::new();
    let pool = DynamicSupervisor::new("pool").max_restarts(usize::MAX, Duration::from_secs(1));
    let pool = node.start(pool).await.unwrap();
    for key in 0..100 {
        DynamicSupervisor::start_child(&pool, Idle::child(()).via(keys.via(key))).await.unwrap();
    }
    for _ in 0..50 {
        let victims: Vec<_> = (0..100).filter_map(|key| keys.whereis::<Idle>(&key)).collect();
        for victim in &victims {
            victim.exit(Exit::Kill);
        }
        for victim in victims {
            node.wait(victim).await;
        }
        let count = DynamicSupervisor::count_children(&pool).await.unwrap();
        assert_eq!((count.specs, count.active, keys.count()), (100, 100, 100));
    }
    node.stop(pool, Exit::Shutdown, None).await.unwrap();
    assert_eq!(keys.count(), 0);
}
