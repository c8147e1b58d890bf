//! A client that means well, and asks and asks while others do harm: each answer has to come, and in its turn.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::json;

use super::Peer;

/// Questions that are under way at a time.
const UNDER_WAY: u64 = 20;
/// What it asks at the least.
const QUESTIONS_MIN: u64 = 500;

/// The client, at work on a thread of its own.
pub(crate) struct Witness {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Witness {
    pub(crate) fn watch(addr: SocketAddr) -> Witness {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let mut peer = Peer::connect(addr);
        peer.join("room:witness");
        Witness { is_over, thread: thread::spawn(move || ask(&mut peer, &over)) }
    }

    /// Asks a little longer, and says how many answers came, which are all.
    pub(crate) fn has_been_served(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn ask(peer: &mut Peer, is_over: &AtomicBool) -> u64 {
    let topic = "room:witness";
    let mut answered = 0;
    while answered < QUESTIONS_MIN || !is_over.load(Ordering::Relaxed) {
        let questions = answered..answered + UNDER_WAY;
        for n in questions.clone() {
            peer.send(&json!([topic, n, topic, "echo", n]).to_string());
        }
        for n in questions {
            let answer = json!([topic, n, topic, "phx_reply", { "status": "ok", "response": n }]);
            assert_eq!(peer.message(), answer);
        }
        answered += UNDER_WAY;
        // Within its own quota.
        thread::sleep(std::time::Duration::from_millis(25));
    }
    answered
}
