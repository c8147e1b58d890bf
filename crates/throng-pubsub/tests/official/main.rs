//! Random presences on two nodes, and what clients are told of them, against the class `Presence` of the npm package `phoenix`: in
//! the end each client has what [`Presence::list`] has.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use throng_pubsub::{
    Extras, Network, OtherProcess, PayloadError, Presence, PresenceOptions, Presences, PubSub, Subscription,
};
use throng_runtime::{Exit, Node, ProcessId};

const ROUNDS: u64 = 20;
const STEPS: usize = 150;
const KEYS: u64 = 6;

/// Numbers from a seed, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One client: what it was told, in order.
struct Client {
    told: Arc<Mutex<Vec<Value>>>,
    subscription: Subscription,
    at: usize,
    process: ProcessId,
    /// It has asked for the state since it joined.
    asked: bool,
}

struct Site {
    pubsub: PubSub,
    presence: Presence,
}

struct World {
    node: Node,
    sites: Vec<Site>,
    clients: Vec<Client>,
    members: Vec<(usize, ProcessId)>,
    dice: Dice,
}

impl World {
    async fn new(seed: u64) -> World {
        let (node, network) = (Node::new("test"), Network::new());
        let mut dice = Dice(seed);
        let options = PresenceOptions::default().with(|options| {
            options.diff_period = Duration::from_millis([1, 20, 200][dice.roll(3) as usize]);
            options.diff_bytes_max = [100, 1_000, 1 << 20][dice.roll(3) as usize];
            options.pool_size = 1 + dice.roll(3) as usize;
        });
        let mut sites = Vec::new();
        for name in ["a", "b"] {
            let pubsub = PubSub::over(network.join(name));
            let builder = Presence::builder("lobby", &pubsub).options(options.clone());
            let presence =
                if seed.is_multiple_of(2) { builder.fetch(names).build() } else { builder.build() };
            node.start(&presence).await.unwrap();
            sites.push(Site { pubsub, presence });
        }
        World { node, sites, clients: Vec::new(), members: Vec::new(), dice }
    }

    async fn step(&mut self) {
        let (kind, key) = (self.dice.roll(20), format!("key{}", self.dice.roll(KEYS)));
        let pick = self.dice.roll(1 << 20) as usize;
        match kind {
            0 => self.follow(pick % 2),
            1 => self.rejoin(pick),
            2 => self.ask_some(),
            3 => tokio::time::sleep(Duration::from_millis(self.dice.roll(400))).await,
            4 if !self.members.is_empty() => {
                let (_, gone) = self.members.swap_remove(pick % self.members.len());
                self.node.exit(gone, Exit::Kill);
                self.node.wait(gone).await;
            }
            5..9 => {
                let process = self.node.spawn(async |_| std::future::pending::<()>().await);
                self.members.push((pick % 2, process));
            }
            _ if !self.members.is_empty() => {
                let (at, process) = self.members[pick % self.members.len()];
                let (owner, presence) = (OtherProcess::new(&self.node, process), &self.sites[at].presence);
                match kind {
                    9..14 => drop(presence.track(&owner, "t", key, json!({ "n": pick }))),
                    14..17 => drop(presence.update(&owner, "t", key, json!({ "n": pick, "changed": true }))),
                    _ => presence.untrack(&owner, "t", key),
                }
            }
            _ => {}
        }
    }

    /// Somebody joins the topic on a node, and is told what is there.
    fn follow(&mut self, at: usize) {
        let process = self.node.spawn(async |_| std::future::pending::<()>().await);
        let told = Arc::new(Mutex::new(vec![json!(["join"])]));
        let diffs = told.clone();
        let owner = OtherProcess::new(&self.node, process);
        let subscription = self.sites[at].pubsub.subscribe_with(&owner, "t", move |broadcast| {
            diffs.lock().push(json!([broadcast.event(), broadcast.payload().as_raw()]));
        });
        self.clients.push(Client { told, subscription, at, process, asked: false });
        self.ask_some();
    }

    /// As a channel that is joined again: another subscription, in the client's eyes the same.
    fn rejoin(&mut self, pick: usize) {
        let Some(index) = pick.checked_rem(self.clients.len()) else { return };
        let client = &mut self.clients[index];
        if client.keeps_diffs_back() {
            // The class would keep them past the join, and bring back who went in between: with Phoenix, too.
            return;
        }
        let site = &self.sites[client.at];
        client.subscription.end();
        client.told.lock().push(json!(["join"]));
        let (diffs, owner) = (client.told.clone(), OtherProcess::new(&self.node, client.process));
        client.subscription = site.pubsub.subscribe_with(&owner, "t", move |broadcast| {
            diffs.lock().push(json!([broadcast.event(), broadcast.payload().as_raw()]));
        });
        client.asked = false;
        self.ask_some();
    }

    /// Half of those who have not asked for the state do: the others are told diffs before it.
    fn ask_some(&mut self) {
        for client in self.clients.iter_mut().filter(|client| !client.asked) {
            if self.dice.roll(2) == 0 {
                client.ask(&self.sites[client.at].presence);
            }
        }
    }

    /// What each client was told, and what there is: a line for each.
    async fn transcript(mut self) -> String {
        while self.clients.iter().any(|client| !client.asked) {
            self.ask_some();
        }
        // Far more than any window and any beat: the clock is not the machine's.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut lines = String::new();
        for Client { told, at, .. } in &self.clients {
            let list = self.sites[*at].presence.fetch_list("t").await.unwrap();
            let line = json!({ "told": *told.lock(), "list": list });
            writeln!(lines, "{line}").unwrap();
        }
        let refs = |site: &Site| {
            let list = site.presence.list("t");
            list.iter().flat_map(|(_, metas)| metas).map(|meta| meta.phx_ref()).collect::<BTreeSet<_>>()
        };
        assert_eq!(refs(&self.sites[0]), refs(&self.sites[1]), "the nodes agree");
        lines
    }
}

impl Client {
    /// Whether it was told diffs since it joined, and not the state.
    fn keeps_diffs_back(&self) -> bool {
        let told = self.told.lock();
        let since_join: Vec<_> =
            told.iter().rev().map(|told| &told[0]).take_while(|told| *told != "join").collect();
        !since_join.is_empty() && !since_join.iter().any(|told| *told == "presence_state")
    }

    fn ask(&mut self, presence: &Presence) {
        self.asked = true;
        let told = self.told.clone();
        presence.send_state_to(&self.subscription, move |state| {
            told.lock().push(json!(["presence_state", state.as_raw()]))
        });
    }
}

async fn names(_: Arc<str>, presences: Presences) -> Result<Extras, PayloadError> {
    let mut extras = Extras::new();
    for key in presences.keys() {
        extras.insert(key, json!({ "user": { "name": format!("User {key}") } }))?;
    }
    Ok(extras)
}

/// The folder of the end-to-end tests, with the packages that they need.
fn e2e() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/chat/e2e");
    if !folder.join("node_modules/phoenix").exists() {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        assert!(install.status().unwrap().success(), "npm ci");
    }
    folder
}

#[tokio::test(start_paused = true)]
async fn c12_4_the_official_class_ends_up_with_what_is_there() {
    let first = env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut transcript = String::new();
    for seed in first..first + ROUNDS {
        println!("SEED={seed}");
        let mut world = World::new(seed).await;
        for _ in 0..STEPS {
            world.step().await;
        }
        transcript += &world.transcript().await;
    }
    let mut node =
        Command::new("node").arg("presence.mjs").current_dir(e2e()).stdin(Stdio::piped()).spawn().unwrap();
    node.stdin.take().unwrap().write_all(transcript.as_bytes()).unwrap();
    assert!(node.wait().unwrap().success());
}
