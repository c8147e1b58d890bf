//! Who is there, as clients are told.

use serde_json::{Map, Value, json};

use crate::support::{Client, Server, ok, refused};

const TOPIC: &str = "presence:1";

/// What a client knows who follows the rules: the state, and the diffs since.
#[derive(Default, Debug)]
struct Roster(Map<String, Value>);

impl Roster {
    /// Joins first, then leaves, by `phx_ref`: as phoenix.js does it.
    fn apply(&mut self, diff: &Value) {
        let fields: Vec<_> = diff.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["joins", "leaves"]);
        for (key, entry) in diff["joins"].as_object().unwrap() {
            let known = self.0.entry(key.clone()).or_insert_with(|| json!({"metas": []}));
            let mut metas = entry["metas"].as_array().unwrap().clone();
            let is_new = |meta: &Value| !metas.iter().any(|new| new["phx_ref"] == meta["phx_ref"]);
            let kept: Vec<_> = metas_of(known).iter().filter(|meta| is_new(meta)).cloned().collect();
            metas.splice(..0, kept);
            let mut entry = entry.clone();
            entry["metas"] = metas.into();
            *known = entry;
        }
        for (key, entry) in diff["leaves"].as_object().unwrap() {
            let Some(known) = self.0.get_mut(key) else { continue };
            let gone: Vec<_> = metas_of(entry).iter().map(|meta| meta["phx_ref"].clone()).collect();
            known["metas"].as_array_mut().unwrap().retain(|meta| !gone.contains(&meta["phx_ref"]));
            if metas_of(known).is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Reads on until the roster is as wanted; answers are skipped.
    async fn until(&mut self, client: &mut Client, what: &str, holds: impl Fn(&Roster) -> bool) {
        while !holds(self) {
            let message = client.receive().await;
            match message[3].as_str() {
                Some("presence_state") => self.0 = message[4].as_object().unwrap().clone(),
                Some("presence_diff") => self.apply(&message[4]),
                Some("phx_reply") => {}
                _ => panic!("{message} while waiting for {what}"),
            }
        }
    }
}

fn metas_of(entry: &Value) -> &Vec<Value> {
    entry["metas"].as_array().unwrap()
}

/// A client of the topic that was told the state and has seen itself come.
async fn present(server: &Server, user: &str, params: Value) -> (Client, Roster) {
    let mut client = server.client(user).await;
    client.join_with(TOPIC, params).await;
    let mut roster = Roster::default();
    roster.until(&mut client, "itself", |roster| roster.0.contains_key(user)).await;
    // Its own join may come once more, as a diff.
    (client, roster)
}

/// The next diff; what else is told is skipped.
async fn diff(client: &mut Client) -> Value {
    client.event("presence_diff").await
}

/// The next diff that speaks of a key on one of its sides.
async fn diff_of(client: &mut Client, side: &str, key: &str) -> Value {
    loop {
        let diff = diff(client).await;
        if !diff[side][key].is_null() {
            return diff;
        }
    }
}

#[tokio::test]
async fn c12_1_a_presence_is_a_key_with_metas_and_what_is_shown_beside_them() {
    let server = Server::start().await;
    let (mut ada, _) = present(&server, "ada", json!({"meta": {"mood": "calm"}})).await;
    let list = ada.ask(TOPIC, "list", json!({})).await["response"].clone();
    let phx_ref = list["ada"]["metas"][0]["phx_ref"].as_str().unwrap().to_owned();
    assert!(!phx_ref.is_empty());
    let meta = json!({"mood": "calm", "phx_ref": phx_ref});
    assert_eq!(list, json!({"ada": {"metas": [meta], "user": {"name": "User ada"}}}));
    // After an update it names the one before.
    let updated = ada.ask(TOPIC, "update", json!({"meta": {"mood": "merry"}})).await;
    let new = updated["response"]["phx_ref"].clone();
    assert_ne!(new, json!(phx_ref));
    let list = ada.ask(TOPIC, "list", json!({})).await["response"].clone();
    let meta = json!({"mood": "merry", "phx_ref": new, "phx_ref_prev": phx_ref});
    assert_eq!(list["ada"]["metas"], json!([meta]));
}

#[tokio::test]
async fn c12_1_a_key_is_a_text_and_every_phx_ref_another() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join_with(TOPIC, json!({"key": 7})).await;
    for key in ["a", "b", "ü 😀", ""] {
        assert_eq!(client.ask(TOPIC, "track", json!({"key": key, "meta": {}})).await["status"], "ok");
    }
    let list = client.ask(TOPIC, "list", json!({})).await["response"].clone();
    let list = list.as_object().unwrap();
    let mut keys: Vec<_> = list.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["", "7", "a", "b", "ü 😀"]);
    let refs: std::collections::BTreeSet<_> =
        list.values().map(|entry| entry["metas"][0]["phx_ref"].to_string()).collect();
    assert_eq!(refs.len(), 5);
}

#[tokio::test]
async fn c12_2_tracking_twice_and_updating_nothing_are_errors() {
    let server = Server::start().await;
    let (mut ada, _) = present(&server, "ada", json!({})).await;
    assert_eq!(ada.ask(TOPIC, "track", json!({"key": "ada"})).await, refused("already_tracked"));
    assert_eq!(ada.ask(TOPIC, "update", json!({"key": "eve", "meta": {}})).await, refused("nopresence"));
    assert_eq!(ada.ask(TOPIC, "track", json!({"key": "eve"})).await["status"], "ok");
    assert_eq!(ada.ask(TOPIC, "update", json!({"key": "eve", "meta": {"a": 1}})).await["status"], "ok");
    for _ in 0..2 {
        assert_eq!(ada.ask(TOPIC, "untrack", json!({"key": "eve"})).await, ok(json!({})));
    }
    assert_eq!(ada.ask(TOPIC, "update", json!({"key": "eve", "meta": {}})).await, refused("nopresence"));
}

#[tokio::test]
async fn c12_2_an_update_replaces_the_whole_meta() {
    let server = Server::start().await;
    let (mut ada, _) = present(&server, "ada", json!({"meta": {"a": 1, "b": 2}})).await;
    ada.ask(TOPIC, "update", json!({"meta": {"c": 3}})).await;
    let entry = ada.ask(TOPIC, "get", json!({"key": "ada"})).await["response"]["presence"].clone();
    let meta = &entry["metas"][0];
    assert_eq!((&meta["a"], &meta["b"], &meta["c"]), (&Value::Null, &Value::Null, &json!(3)));
}

#[tokio::test]
async fn c12_2_a_key_is_looked_up_with_what_is_shown_beside_it() {
    let server = Server::start().await;
    let (mut ada, roster) = present(&server, "ada", json!({"meta": {"a": 1}})).await;
    let entry = ada.ask(TOPIC, "get", json!({"key": "ada"})).await["response"]["presence"].clone();
    assert_eq!(entry, roster.0["ada"]);
    assert_eq!(entry["user"], json!({"name": "User ada"}));
    assert_eq!(ada.ask(TOPIC, "get", json!({"key": "eve"})).await, ok(json!({"presence": null})));
}

#[tokio::test]
async fn c12_2_two_tabs_are_one_key_with_two_metas() {
    let server = Server::start().await;
    let (mut tab, mut roster) = present(&server, "ada", json!({"meta": {"tab": 1}})).await;
    let (other, _) = present(&server, "ada", json!({"meta": {"tab": 2}})).await;
    let metas = |roster: &Roster| roster.0.get("ada").map_or(0, |entry| metas_of(entry).len());
    roster.until(&mut tab, "the second tab", |roster| metas(roster) == 2).await;
    drop(other);
    roster.until(&mut tab, "its end", |roster| metas(roster) == 1).await;
    assert_eq!(roster.0["ada"]["metas"][0]["tab"], 1);
}

#[tokio::test]
async fn c12_2_a_presence_ends_with_its_channel_however_that_ends() {
    let server = Server::start().await;
    let (mut ada, mut roster) = present(&server, "ada", json!({})).await;
    for end in ["phx_leave", "crash", "hang up"] {
        let (mut bob, _) = present(&server, "bob", json!({})).await;
        assert_eq!(bob.ask(TOPIC, "track", json!({"key": "bobs other"})).await["status"], "ok");
        roster.until(&mut ada, "bob", |roster| roster.keys() == ["ada", "bob", "bobs other"]).await;
        match end {
            "hang up" => drop(bob.hang_up().await),
            event => drop(bob.push(&Value::Null, TOPIC, event, json!({})).await),
        }
        roster.until(&mut ada, end, |roster| roster.keys() == ["ada"]).await;
    }
}

#[tokio::test]
async fn c12_3_a_newcomer_is_told_the_state_after_the_reply() {
    let server = Server::start().await;
    let (_ada, _) = present(&server, "ada", json!({"meta": {"a": 1}})).await;
    for _ in 0..2 {
        // On every join, or phoenix.js would wait for it.
        let mut bob = server.client("bob").await;
        let join_ref = bob.send_join(TOPIC, json!({"track": false})).await;
        bob.expect(json!([join_ref, join_ref, TOPIC, "phx_reply", ok(json!({}))])).await;
        let state = bob.receive().await;
        assert_eq!((&state[0], &state[3]), (&join_ref, &json!("presence_state")));
        assert_eq!(state[4]["ada"]["metas"][0]["a"], 1);
        assert_eq!(state[4]["ada"]["user"], json!({"name": "User ada"}));
        assert_eq!(state[4].as_object().unwrap().len(), 1);
        bob.hang_up().await;
    }
}

#[tokio::test]
async fn c12_3_whoever_only_looks_sees_and_is_not_seen() {
    let server = Server::start().await;
    let mut eve = server.client("eve").await;
    eve.join_with(TOPIC, json!({"track": false})).await;
    assert_eq!(eve.event("presence_state").await, json!({}));
    let (mut ada, roster) = present(&server, "ada", json!({})).await;
    assert_eq!(roster.keys(), ["ada"]);
    assert_eq!(diff(&mut eve).await["joins"]["ada"]["user"]["name"], "User ada");
    let list = ada.ask(TOPIC, "list", json!({})).await;
    assert_eq!(list["response"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn c12_4_a_diff_has_what_joined_and_what_left() {
    let server = Server::start().await;
    let mut eve = server.client("eve").await;
    eve.join_with(TOPIC, json!({"track": false})).await;
    let (mut ada, roster) = present(&server, "ada", json!({"meta": {"a": 1}})).await;
    let came = diff(&mut eve).await;
    assert_eq!(came, json!({"joins": roster.0, "leaves": {}}));
    ada.ask(TOPIC, "untrack", json!({})).await;
    assert_eq!(diff(&mut eve).await, json!({"joins": {}, "leaves": roster.0}));
}

#[tokio::test]
async fn c12_4_an_update_is_one_diff_with_the_new_and_the_old() {
    let server = Server::start().await;
    let mut eve = server.client("eve").await;
    eve.join_with(TOPIC, json!({"track": false})).await;
    let (mut ada, roster) = present(&server, "ada", json!({"meta": {"a": 1}})).await;
    diff(&mut eve).await;
    let updated = ada.ask(TOPIC, "update", json!({"meta": {"a": 2}})).await["response"]["phx_ref"].clone();
    let old = &roster.0["ada"]["metas"][0];
    let told = diff_of(&mut eve, "joins", "ada").await;
    let new = json!({"a": 2, "phx_ref": updated, "phx_ref_prev": old["phx_ref"]});
    assert_eq!(told["joins"]["ada"]["metas"], json!([new]));
    assert_eq!(told["leaves"]["ada"]["metas"], json!([old]));
}

#[tokio::test]
async fn c12_4_everybody_agrees_at_the_end() {
    const CLIENTS: usize = 24;
    let server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        clients.push(present(&server, &format!("user{n}"), json!({"meta": {"n": n}})).await);
    }
    // A third changes, a third goes, a third stays as it is.
    for (n, (client, _)) in clients.iter_mut().enumerate() {
        match n % 3 {
            0 => drop(client.push(&Value::Null, TOPIC, "update", json!({"meta": {"new": true}})).await),
            1 => drop(client.push(&Value::Null, TOPIC, "untrack", json!({})).await),
            _ => {}
        }
    }
    let is_settled = |roster: &Roster| {
        let changed = roster.0.values().filter(|entry| entry["metas"][0]["new"] == true).count();
        (roster.0.len(), changed) == (CLIENTS * 2 / 3, CLIENTS / 3)
    };
    for (client, roster) in &mut clients {
        roster.until(client, "everybody's last word", is_settled).await;
    }
    let (_, truth) = &clients[0];
    for (_, roster) in &clients {
        assert_eq!(roster.0, truth.0);
    }
}

#[tokio::test]
async fn c12_5_what_is_fetched_stands_in_the_state_the_diffs_and_the_list() {
    let server = Server::start().await;
    let mut eve = server.client("eve").await;
    eve.join_with(TOPIC, json!({"track": false})).await;
    let (mut ada, roster) = present(&server, "ada", json!({})).await;
    let user = json!({"name": "User ada"});
    assert_eq!(roster.0["ada"]["user"], user);
    assert_eq!(diff(&mut eve).await["joins"]["ada"]["user"], user);
    assert_eq!(ada.ask(TOPIC, "list", json!({})).await["response"]["ada"]["user"], user);
    ada.hang_up().await;
    let left = diff(&mut eve).await;
    assert_eq!(left["leaves"]["ada"]["user"], user);
    assert_eq!(metas_of(&left["leaves"]["ada"]), metas_of(&roster.0["ada"]));
}

#[tokio::test]
async fn c12_2_a_crash_of_the_channel_is_an_error_like_any_other() {
    let server = Server::start().await;
    let (mut ada, _) = present(&server, "ada", json!({})).await;
    ada.push(&Value::Null, TOPIC, "crash", json!({})).await;
    assert_eq!(ada.event("phx_error").await, json!({"reason": "channel_crash"}));
}
