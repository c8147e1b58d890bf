//! What is counted, logged and traced of a server (Y1, Y3).

use std::sync::Arc;

use parking_lot::Mutex;
use throng_runtime::{
    Address, Node, Pid,
    sys::{self, SysEventKind},
};

use crate::clerk::{Clerk, Later, Note, child, clerk};

async fn do_some(clerk: Pid<Clerk>) {
    clerk.cast(Note(1)).unwrap();
    clerk.call(Note(2)).await.unwrap();
    clerk.call(Later).await.unwrap();
    // The event of a handler's end comes just after its answer.
    sys::suspend(&clerk).await.unwrap();
    sys::resume(&clerk).await.unwrap();
}

#[tokio::test]
async fn y1_statistics_count_from_when_they_are_turned_on_until_they_are_turned_off() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    clerk.call(Note(0)).await.unwrap();
    assert_eq!(sys::statistics(&clerk).await.unwrap(), None);
    sys::start_statistics(&clerk).await.unwrap();
    do_some(clerk).await;
    let counted = sys::statistics(&clerk).await.unwrap().unwrap();
    assert_eq!((counted.messages_in, counted.messages_out), (3, 1));
    assert!(counted.since <= counted.now);
    assert!(!counted.busy.is_zero());
    sys::start_statistics(&clerk).await.unwrap();
    assert_eq!(sys::get_status(clerk).await.unwrap().statistics.unwrap().messages_in, 3, "it went on");
    sys::stop_statistics(&clerk).await.unwrap();
    assert_eq!(sys::statistics(&clerk).await.unwrap(), None);
}

fn short(event: &sys::SysEvent) -> (SysEventKind, &'static str) {
    (event.kind, event.message.rsplit("::").next().unwrap())
}

const EXPECTED: [(SysEventKind, &str); 6] = [
    (SysEventKind::In, "Note"),
    (SysEventKind::NoReply, "Note"),
    (SysEventKind::InCall, "Note"),
    (SysEventKind::Out, "Note"),
    (SysEventKind::InCall, "Later"),
    (SysEventKind::NoReply, "Later"),
];

#[tokio::test]
async fn y3_the_log_tells_what_came_in_and_what_went_out() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    sys::log(&clerk, 100).await.unwrap();
    do_some(clerk).await;
    let log = sys::get_log(&clerk).await.unwrap();
    assert_eq!(log.iter().map(short).collect::<Vec<_>>(), EXPECTED);
    sys::log(&clerk, 2).await.unwrap();
    assert_eq!(sys::get_log(&clerk).await.unwrap().len(), 2);
    (0..10).for_each(|number| clerk.cast(Note(number)).unwrap());
    clerk.sync().await.unwrap();
    assert_eq!(sys::get_log(&clerk).await.unwrap().len(), 2, "it keeps no more than it was told to");
}

#[tokio::test]
async fn y3_listeners_are_told_each_event_and_their_panics_harm_nobody() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    sys::install(&clerk, |_, _| panic!("a bad listener")).await.unwrap();
    let noted = seen.clone();
    sys::install(&clerk, move |_, event| noted.lock().push(short(event))).await.unwrap();
    do_some(clerk).await;
    assert_eq!(*seen.lock(), EXPECTED);
    assert_eq!(sys::get_status(clerk).await.unwrap().listeners, 2);
    sys::no_debug(&clerk).await.unwrap();
    clerk.call(Note(3)).await.unwrap();
    assert_eq!(seen.lock().len(), EXPECTED.len());
    assert!(Arc::try_unwrap(seen).is_ok(), "what was installed is gone");
}

#[tokio::test]
async fn y3_a_trace_goes_to_tracing() {
    use std::io::Write;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let written = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || lines.clone()).finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let node = Node::new("test");
    let (child, _heard, _) = child();
    let clerk = node.start(child.id("clerk 7")).await.unwrap();
    sys::trace(&clerk, true).await.unwrap();
    assert!(sys::get_status(clerk).await.unwrap().traced);
    do_some(clerk).await;
    sys::trace(&clerk, false).await.unwrap();
    clerk.call(Note(3)).await.unwrap();
    let words = String::from_utf8(written.0.lock().clone()).unwrap();
    let traced: Vec<_> = words.lines().filter(|line| line.contains("server traced")).collect();
    assert_eq!(traced.len(), EXPECTED.len(), "{words}");
    assert!(traced[3].contains("Out") && traced[3].contains(&clerk.id().to_string()), "{words}");
    assert!(traced[3].contains("label=\"clerk 7\""), "{words}");
}
