//! §18.6: what is known outlives the program, if it ends in order.

use std::path::PathBuf;

use serde_json::json;
use throng_pubsub::{FileStore, HistoryBuilder, HistoryOptions};
use throng_runtime::{Exit, Pid};

use crate::support::{Halls, history_of, kept, soon, told};

/// A file of the test's own.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("throng-restart-{name}-{}", std::process::id())))
    }

    fn history(&self) -> HistoryBuilder {
        kept(HistoryOptions::default()).store(FileStore::new(&self.0))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// One run of a program with halls.
struct Run {
    halls: Halls,
    keeper: Pid<throng_pubsub::HistoryKeeper>,
}

impl Run {
    async fn begin(file: &File) -> Run {
        let halls = Halls::keeping(file.history(), |builder| builder).await;
        // Before anybody comes, as in a supervision tree.
        let keeper = halls.server.node.start(&halls.history).await.unwrap();
        Run { halls, keeper }
    }

    async fn end_in_order(self) {
        self.halls.server.stop().await;
        soon("the keeper", self.halls.server.node.stop(self.keeper, Exit::Shutdown, None)).await.unwrap();
    }

    async fn end_by_kill(self) {
        self.halls.server.node.exit(self.keeper, Exit::Kill);
        self.halls.server.node.wait(self.keeper).await;
        self.halls.server.stop().await;
    }
}

#[tokio::test]
async fn c18_6_what_was_said_before_a_graceful_restart_is_known_after_it() {
    let file = File::new("graceful");
    let run = Run::begin(&file).await;
    let mut ada = run.halls.client("ada").await;
    ada.join("hall:1").await;
    for n in 1..=3 {
        assert_eq!(ada.ask("hall:1", "say", json!({ "n": n, "_message_id": n })).await.0, "ok");
    }
    let (_, reply) = ada.try_join("hall:1", json!({})).await;
    let since = history_of(&reply)["since"].as_str().unwrap().replace(":3", ":1");
    run.end_in_order().await;
    assert_eq!(ada.close_code().await, Some(1012));

    let run = Run::begin(&file).await;
    let mut ada = run.halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
    assert_eq!((told(history_of(&reply)), &history_of(&reply)["gap"]), (vec![(2, 2), (3, 3)], &json!(false)));
    // The answer to what was sent before is known as well.
    assert_eq!(ada.ask("hall:1", "say", json!({ "n": 3, "_message_id": 3 })).await.0, "ok");
    assert_eq!(run.halls.handled(), 0);
    run.halls.say("hall:1", 4);
    let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
    assert_eq!(told(history_of(&reply)), [(2, 2), (3, 3), (4, 4)]);
}

#[tokio::test]
async fn c18_6_after_a_kill_clients_are_told_of_the_gap() {
    let file = File::new("kill");
    let run = Run::begin(&file).await;
    run.halls.say("hall:1", 1);
    run.end_in_order().await;
    // Taken in by this one, and so not there for the next.
    let run = Run::begin(&file).await;
    let mut ada = run.halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": 0 })).await;
    assert_eq!(told(history_of(&reply)), [(1, 1)]);
    let since = history_of(&reply)["since"].clone();
    run.halls.say("hall:1", 2);
    run.end_by_kill().await;

    let run = Run::begin(&file).await;
    let mut ada = run.halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
    assert_eq!((told(history_of(&reply)), &history_of(&reply)["gap"]), (vec![], &json!(true)));
    run.end_in_order().await;
}

#[tokio::test]
async fn c18_6_what_is_said_after_it_was_written_is_of_another_log() {
    let file = File::new("late");
    let run = Run::begin(&file).await;
    run.halls.say("hall:1", 1);
    run.halls.server.node.stop(run.keeper, Exit::Shutdown, None).await.unwrap();
    run.halls.say("hall:1", 2);
    let mut ada = run.halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({})).await;
    let late = history_of(&reply)["since"].clone();
    run.halls.server.stop().await;

    let run = Run::begin(&file).await;
    run.halls.say("hall:1", 3);
    let mut ada = run.halls.client("ada").await;
    let (_, reply) = ada.try_join("hall:1", json!({ "since": late })).await;
    assert_eq!(history_of(&reply)["gap"], true, "its place must not be taken for one of this log");
    run.end_in_order().await;
}

#[tokio::test]
async fn c18_6_a_file_that_was_damaged_is_never_replayed() {
    let file = File::new("damaged");
    for damage in [0, 1, 2] {
        let run = Run::begin(&file).await;
        (1..=5).for_each(|n| run.halls.say("hall:1", n));
        let mut ada = run.halls.client("ada").await;
        let (_, reply) = ada.try_join("hall:1", json!({})).await;
        let since = history_of(&reply)["since"].clone();
        run.end_in_order().await;
        let mut bytes = std::fs::read(&file.0).unwrap();
        match damage {
            0 => bytes.truncate(bytes.len() / 2),
            1 => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            _ => bytes.clear(),
        }
        std::fs::write(&file.0, bytes).unwrap();

        let run = Run::begin(&file).await;
        let mut ada = run.halls.client("ada").await;
        let (_, reply) = ada.try_join("hall:1", json!({ "since": since })).await;
        assert_eq!((told(history_of(&reply)), &history_of(&reply)["gap"]), (vec![], &json!(true)));
        run.end_in_order().await;
    }
}
