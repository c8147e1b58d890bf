//! §12: who is there, as clients see it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
};

use serde::Deserialize;
use serde_json::{Value, json};
use throng_pubsub::{Broadcast, Extras, PayloadError, Presence, Presences, PubSub};
use throng_runtime::{Exit, Node};
use throng_web::{Channel, Endpoint, JoinError, Reply, Socket, SocketRouter, SocketTrackError};

use crate::support::{Client, eventually};

/// A channel whose members see each other.
struct Lounge;

/// What is known of a client.
#[derive(Clone)]
struct Guest {
    name: String,
    presence: Presence,
}

#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
enum LoungeIn {
    Typing(bool),
    Hide,
    Again,
    Elsewhere,
    Crash,
}

impl Channel for Lounge {
    type Assigns = Guest;
    type Params = ();
    type Event = LoungeIn;

    async fn join(_: (), _: &mut Socket<'_, Self>) -> Result<Lounge, JoinError> {
        Ok(Lounge)
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let Guest { name, presence } = socket.assigns().clone();
        socket.track(&presence, name, json!({"typing": false}))?;
        Ok(socket.push_presence_state(&presence)?)
    }

    async fn handle_in(&mut self, event: LoungeIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        let Guest { name, presence } = socket.assigns().clone();
        Ok(match event {
            LoungeIn::Typing(typing) => {
                Reply::ok(socket.update_presence(&presence, name, json!({ "typing": typing }))?)
            }
            LoungeIn::Hide => {
                socket.untrack(&presence, name);
                Reply::ack()
            }
            LoungeIn::Again => Reply::ok(socket.track(&presence, name, json!({})).is_err()),
            LoungeIn::Elsewhere => {
                let elsewhere = Presence::new("lounge", &PubSub::new());
                let error = socket.track(&elsewhere, name, json!({})).unwrap_err();
                Reply::ok(matches!(error, SocketTrackError::OtherPubSub))
            }
            LoungeIn::Crash => return Err(Exit::other("told to")),
        })
    }
}

/// A channel that lets its client know how many changes it saw, beside the changes.
struct Counter {
    diffs: u32,
}

impl Channel for Counter {
    type Assigns = Guest;
    type Params = ();
    type Event = Value;

    const INTERCEPTS: &'static [&'static str] = &["presence_diff"];

    async fn join(_: (), _: &mut Socket<'_, Self>) -> Result<Counter, JoinError> {
        Ok(Counter { diffs: 0 })
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let Guest { name, presence } = socket.assigns().clone();
        socket.track(&presence, name, json!({}))?;
        Ok(socket.push_presence_state(&presence)?)
    }

    async fn handle_in(&mut self, _: Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::ok(self.diffs))
    }

    async fn handle_out(&mut self, diff: &Broadcast, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        self.diffs += 1;
        Ok(socket.push(diff.event(), diff.payload())?)
    }
}

struct House {
    addr: SocketAddr,
    presence: Presence,
}

impl House {
    async fn open() -> House {
        House::on(PubSub::new()).await
    }

    async fn on(pubsub: PubSub) -> House {
        House::with(Presence::new("lounge", &pubsub)).await
    }

    async fn with(presence: Presence) -> House {
        let (node, pubsub) = (Node::new("test"), presence.pubsub().clone());
        node.start(&presence).await.unwrap();
        let shown = presence.clone();
        let sockets = SocketRouter::new(move |info| {
            let name = info.params.text("user").unwrap().to_owned();
            let guest = Guest { name, presence: shown.clone() };
            async move { Ok(guest) }
        })
        .channel::<Lounge>("lounge:*")
        .channel::<Counter>("counter");
        let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build().unwrap();
        node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let addr = endpoint.local_addr().unwrap();
        House { addr, presence }
    }

    async fn guest(&self, name: &str) -> Member {
        let path = format!("/socket/websocket?user={name}&vsn=2.0.0");
        let mut client = Client::connect(self.addr, &path).await;
        let join_ref = client.join("lounge:1").await;
        Member { client, join_ref, present: None, pending: Vec::new() }
    }
}

/// A client that keeps a list as phoenix.js does: changes wait for the state, joins come before leaves, and a presence is
/// known by its `phx_ref`.
struct Member {
    client: Client,
    join_ref: Value,
    present: Option<BTreeMap<String, BTreeSet<String>>>,
    pending: Vec<Value>,
}

impl Member {
    /// Takes the next message in, and returns it.
    async fn hear(&mut self) -> Value {
        let message = self.client.receive().await;
        match message[3].as_str().unwrap() {
            "presence_state" => {
                assert_eq!((&message[0], &message[1]), (&self.join_ref, &Value::Null), "it is a push");
                self.present = Some(references(&message[4]));
                for diff in std::mem::take(&mut self.pending) {
                    self.apply(&diff);
                }
            }
            "presence_diff" => {
                assert_eq!((&message[0], &message[1]), (&Value::Null, &Value::Null), "it is a broadcast");
                assert!(message[4]["joins"].is_object() && message[4]["leaves"].is_object(), "{message}");
                match self.present {
                    Some(_) => self.apply(&message[4]),
                    None => self.pending.push(message[4].clone()),
                }
            }
            _ => {}
        }
        message
    }

    /// Hears until the list is this one: each name with its number of presences.
    async fn sees(&mut self, expected: &[(&str, usize)]) {
        let expected: Vec<_> = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        while self.list() != expected {
            self.hear().await;
        }
    }

    fn list(&self) -> Vec<(String, usize)> {
        let present = self.present.iter().flatten();
        present.map(|(name, references)| (name.clone(), references.len())).collect()
    }

    fn apply(&mut self, diff: &Value) {
        let Some(present) = &mut self.present else { return };
        for (name, joined) in references(&diff["joins"]) {
            present.entry(name).or_default().extend(joined);
        }
        for (name, left) in references(&diff["leaves"]) {
            let here = present.entry(name.clone()).or_default();
            here.retain(|reference| !left.contains(reference));
            if here.is_empty() {
                present.remove(&name);
            }
        }
    }

    /// The next diff.
    async fn diff(&mut self) -> Value {
        loop {
            let message = self.hear().await;
            if message[3] == "presence_diff" {
                return message[4].clone();
            }
        }
    }
}

/// The `phx_ref`s of each key.
fn references(side: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let of = |metas: &Value| {
        let metas = metas["metas"].as_array().unwrap().iter();
        metas.map(|meta| meta["phx_ref"].as_str().unwrap().to_owned()).collect()
    };
    side.as_object().unwrap().iter().map(|(key, metas)| (key.clone(), of(metas))).collect()
}

#[tokio::test]
async fn a_newcomer_is_told_who_is_there_and_the_others_that_it_came() {
    // §12.3
    let house = House::open().await;
    let mut ada = house.guest("ada").await;
    ada.sees(&[("ada", 1)]).await;
    let mut bob = house.guest("bob").await;
    bob.sees(&[("ada", 1), ("bob", 1)]).await;
    ada.sees(&[("ada", 1), ("bob", 1)]).await;
    let present = serde_json::to_value(house.presence.list("lounge:1")).unwrap();
    assert_eq!(references(&present), ada.present.unwrap());
    assert_eq!(present["bob"]["metas"][0]["typing"], json!(false));
}

#[tokio::test]
async fn the_state_follows_the_reply_to_the_join() {
    // §12.3: the joiner's own diff may come before or after it.
    let house = House::open().await;
    let mut client = Client::connect(house.addr, "/socket/websocket?user=ada&vsn=2.0.0").await;
    client.push(json!("1"), "lounge:1", "phx_join", json!({})).await;
    let events = [client.receive().await, client.receive().await, client.receive().await];
    let events: Vec<_> = events.iter().map(|message| message[3].as_str().unwrap()).collect();
    assert_eq!(events[0], "phx_reply");
    let rest: BTreeSet<_> = events[1..].iter().copied().collect();
    assert_eq!(rest, BTreeSet::from(["presence_diff", "presence_state"]));
}

#[tokio::test]
async fn whoever_goes_leaves_the_list_however_it_goes() {
    // §12.2: a presence ends with its channel.
    let house = House::open().await;
    let mut ada = house.guest("ada").await;
    for way in ["disconnect", "vanish", "leave", "crash", "hide"] {
        let mut bob = house.guest("bob").await;
        ada.sees(&[("ada", 1), ("bob", 1)]).await;
        match way {
            "disconnect" => bob.client.hang_up().await,
            "vanish" => drop(bob),
            "leave" => drop(bob.client.push(Value::Null, "lounge:1", "phx_leave", json!({})).await),
            "crash" => drop(bob.client.push(Value::Null, "lounge:1", "crash", json!({})).await),
            _ => {
                assert_eq!(bob.client.ask("lounge:1", "again", json!({})).await.1, json!(true));
                bob.client.push(Value::Null, "lounge:1", "hide", json!({})).await;
            }
        }
        ada.sees(&[("ada", 1)]).await;
    }
    assert_eq!(house.presence.list("lounge:1").len(), 1);
}

#[tokio::test]
async fn a_presence_over_other_topics_is_refused() {
    // The client would be shown, and no one on the topic would ever hear of it.
    let house = House::open().await;
    let mut ada = house.guest("ada").await;
    ada.sees(&[("ada", 1)]).await;
    assert_eq!(ada.client.ask("lounge:1", "elsewhere", json!({})).await, ("ok".into(), json!(true)));
}

#[tokio::test]
async fn an_update_is_one_diff_that_names_what_it_replaces() {
    // §12.4, §12.1
    let house = House::open().await;
    let (mut ada, mut bob) = (house.guest("ada").await, house.guest("bob").await);
    ada.sees(&[("ada", 1), ("bob", 1)]).await;
    bob.sees(&[("ada", 1), ("bob", 1)]).await;
    let old = ada.present.as_ref().unwrap()["bob"].first().unwrap().clone();
    bob.client.push(Value::Null, "lounge:1", "typing", json!(true)).await;
    let diff = ada.diff().await;
    let joined = &diff["joins"]["bob"]["metas"];
    assert_eq!(joined.as_array().unwrap().len(), 1);
    assert_eq!((&joined[0]["typing"], &joined[0]["phx_ref_prev"]), (&json!(true), &json!(old)));
    assert_ne!(joined[0]["phx_ref"], json!(old));
    let left = json!([{"typing": false, "phx_ref": old}]);
    assert_eq!(diff["leaves"]["bob"]["metas"], left);
    assert_eq!(ada.list(), [("ada".to_owned(), 1), ("bob".to_owned(), 1)]);
}

#[tokio::test]
async fn c12_5_clients_see_what_is_fetched_beside_the_metas() {
    let names = async |_: std::sync::Arc<str>, present: Presences| {
        let mut extras = Extras::new();
        for key in present.keys() {
            extras.insert(key, json!({ "user": format!("User {key}") }))?;
        }
        Ok::<_, PayloadError>(extras)
    };
    let house = House::with(Presence::builder("lounge", &PubSub::new()).fetch(names).build()).await;
    let mut ada = house.guest("ada").await;
    let state = loop {
        let message = ada.hear().await;
        if message[3] == "presence_state" {
            break message[4].clone();
        }
    };
    assert_eq!(state["ada"]["user"], "User ada");
    ada.sees(&[("ada", 1)]).await;
    let _bob = house.guest("bob").await;
    loop {
        let diff = ada.diff().await;
        if diff["joins"]["bob"].is_object() {
            assert_eq!(diff["joins"]["bob"]["user"], "User bob");
            break;
        }
    }
}

#[tokio::test]
async fn c6_3_a_channel_that_intercepts_diffs_sees_all_of_them_and_its_client_adds_them_up() {
    let house = House::open().await;
    let mut crowd = Vec::new();
    for name in ["ada", "bob", "cid"] {
        let path = format!("/socket/websocket?user={name}&vsn=2.0.0");
        let mut client = Client::connect(house.addr, &path).await;
        let join_ref = client.join("counter").await;
        crowd.push(client);
        assert!(join_ref.is_string());
    }
    let mut last = crowd.pop().unwrap();
    let (mut state, mut own) = (None, false);
    while state.is_none() || !own {
        let message = last.receive().await;
        match message[3].as_str().unwrap() {
            "presence_state" => state = Some(references(&message[4])),
            "presence_diff" => own |= message[4]["joins"]["cid"].is_object(),
            _ => {}
        }
    }
    assert_eq!(state.unwrap().len(), 3, "it shows oneself");
    let (_, diffs) = last.ask("counter", "how_many", json!({})).await;
    assert!(diffs.as_u64().unwrap() >= 1, "one's own diff came past the channel, whatever the state has");
}

#[tokio::test]
async fn two_tabs_of_one_user_are_two_presences_under_one_key() {
    // §12.2
    let house = House::open().await;
    let mut ada = house.guest("ada").await;
    let tab = house.guest("ada").await;
    ada.sees(&[("ada", 2)]).await;
    tab.client.hang_up().await;
    ada.sees(&[("ada", 1)]).await;
}

#[tokio::test]
async fn a_rejoin_is_told_the_state_again() {
    // §10: without it phoenix.js would wait for ever.
    let house = House::open().await;
    let mut ada = house.guest("ada").await;
    ada.sees(&[("ada", 1)]).await;
    for _ in 0..5 {
        ada.present = None;
        ada.join_ref = ada.client.join("lounge:1").await;
        ada.sees(&[("ada", 1)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_comes_and_goes_at_once_sees_itself_as_it_is() {
    // Everyone hears of everyone, and whoever stays agrees on who is left.
    const CROWD: usize = 60;
    let house = House::open().await;
    let names: Vec<_> = (0..CROWD).map(|n| format!("guest{n:02}")).collect();
    let joins = names.iter().map(|name| house.guest(name));
    let mut crowd = futures_util::future::join_all(joins).await;
    let everyone: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    futures_util::future::join_all(crowd.iter_mut().map(|member| member.sees(&everyone))).await;
    let mut stays = crowd.split_off(CROWD / 2);
    drop(crowd);
    let left = &everyone[CROWD / 2..];
    futures_util::future::join_all(stays.iter_mut().map(|member| member.sees(left))).await;
    drop(stays);
    eventually("the house to be empty", || house.presence.list("lounge:1").is_empty()).await;
}
