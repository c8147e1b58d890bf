//! Giving memory back (G14).

use std::time::Duration;

use throng_runtime::{Address, Node, sys};
use tokio::time::Instant;

use crate::clerk::{Hibernate, Note, child, clerk, hear};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn g14_a_callback_asks_for_it_and_it_waits_for_messages_that_wait() {
    let node = Node::new("test");
    let (clerk, mut heard, _) = clerk(&node).await;
    clerk.cast(Hibernate).unwrap();
    assert_eq!(hear(&mut heard).await, "hibernate");
    clerk.cast(Note(1)).unwrap();
    assert_eq!(hear(&mut heard).await, "1", "the next message finds it as it was");
    clerk.sync().await.unwrap();
    assert!(heard.try_recv().is_err(), "once for each request");
}

#[tokio::test(start_paused = true)]
async fn g14_it_comes_once_after_the_time_without_a_message_and_again_after_the_next() {
    let node = Node::new("test");
    let (child, mut heard, _) = child();
    let clerk = node.start(child.hibernate_after(SECOND)).await.unwrap();
    let began = Instant::now();
    assert_eq!(hear(&mut heard).await, "hibernate");
    assert!(began.elapsed() >= SECOND);
    tokio::time::sleep(SECOND * 60).await;
    assert!(heard.try_recv().is_err(), "once");
    clerk.cast(Note(1)).unwrap();
    tokio::time::sleep(SECOND * 3 / 4).await;
    clerk.cast(Note(2)).unwrap();
    let last = Instant::now();
    for words in ["1", "2", "hibernate"] {
        assert_eq!(hear(&mut heard).await, words);
    }
    assert!(last.elapsed() >= SECOND, "any message begins the time anew");
    assert_eq!(sys::with_state(&clerk, |state| state.done.capacity()).await.unwrap(), 2);
}

#[tokio::test]
async fn g14_a_panic_in_it_ends_the_server_as_in_any_callback() {
    struct Restless;
    impl throng_runtime::GenServer for Restless {
        type Args = ();
        async fn init((): (), ctx: &mut throng_runtime::Ctx<Self>) -> throng_runtime::Init<Self> {
            ctx.hibernate();
            Ok(Restless)
        }
        fn hibernate(&mut self) {
            panic!("cannot sleep")
        }
    }
    let node = Node::new("test");
    let restless = throng_runtime::GenServer::child(());
    let (_, ended) = node.start_monitor::<Restless>(restless).await.unwrap();
    assert!(ended.await.to_string().ends_with("cannot sleep"));
}
