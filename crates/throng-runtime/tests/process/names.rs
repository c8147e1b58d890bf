use throng_runtime::{
    Address, CallError, Ctx, Exit, GenServer, Init, Name, Naming, Node, Pid, ProcessId, StartError, Via,
};

use crate::probe::{Note, Probe, Saw, sync, within};

struct Holder;

impl GenServer for Holder {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self)
    }
}

const NAME: Name<Holder> = Name::new("holder");
const OTHER: Name<Probe> = Name::new("holder");

#[tokio::test]
async fn p31_a_name_has_one_holder() {
    let node = Node::new("test");
    let first = node.start(Holder::child(()).name(NAME)).await.unwrap();
    let second = node.start(Holder::child(()).name(NAME)).await;
    assert!(
        matches!(second, Err(StartError::AlreadyStarted { holder, .. }) if holder == first.id()),
        "{second:?}"
    );
    assert_eq!(node.whereis(NAME), Some(first));
    let unnamed = node.start(Holder::child(())).await.unwrap();
    assert_ne!(unnamed, first);
}

#[tokio::test]
async fn p31_a_name_is_not_read_at_another_servers_type() {
    let node = Node::new("test");
    node.start(Holder::child(()).name(NAME)).await.unwrap();
    assert!(node.whereis(OTHER).is_none());
    assert!(matches!(node.via(OTHER).call(Note(1)).await, Err(CallError::NoProcess { .. })));
}

#[tokio::test]
async fn p20_p32_whoever_sees_down_finds_the_name_free() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    for round in 0..2_000 {
        let holder = node.start(Holder::child(()).name(NAME)).await;
        let holder = holder.unwrap_or_else(|error| panic!("round {round}: {error}"));
        within(watcher, move |ctx| ctx.monitor(holder)).await;
        holder.exit(Exit::Kill);
        assert!(matches!(seen.recv().await, Some(Saw::Down(_, id, _)) if id == holder.id()));
    }
    sync(watcher).await;
}

#[tokio::test]
async fn p33_a_name_service_of_ones_own_is_an_address() {
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Desk(Arc<Mutex<Option<Pid<Holder>>>>);
    impl Naming<Holder> for Desk {
        fn whereis(&self) -> Option<Pid<Holder>> {
            *self.0.lock().unwrap()
        }
        fn claim(&self, pid: Pid<Holder>) -> Result<(), ProcessId> {
            let mut held = self.0.lock().unwrap();
            match *held {
                Some(holder) => Err(holder.id()),
                None => {
                    *held = Some(pid);
                    Ok(())
                }
            }
        }
        fn describe(&self) -> String {
            "the desk".into()
        }
    }

    let node = Node::new("test");
    let desk = Via::new(Desk::default());
    assert_eq!(desk.target().to_string(), "the desk");
    assert!(desk.resolve().is_none());
    let holder = node.start(Holder::child(()).via(desk.clone())).await.unwrap();
    assert_eq!(desk.resolve(), Some(holder));
    let taken = node.start(Holder::child(()).via(desk)).await;
    assert!(matches!(taken, Err(StartError::AlreadyStarted { holder: id, .. }) if id == holder.id()));
}
