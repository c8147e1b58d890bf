//! The chat is restarted under its clients (§18.6): what was acknowledged is heard by everyone who was in the room, once and in
//! order; after a kill everyone is told of the gap. `THRONG_CLIENTS` says how many there are.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    collections::HashMap,
    env, fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Members of a room.
const MEMBERS: usize = 10;
/// How long people chat before it happens.
const CHAT: Duration = Duration::from_secs(4);
/// How long somebody thinks between an answer and the next message.
const PAUSE: Duration = Duration::from_millis(1500);
/// Nothing takes longer on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running chat; dropping it kills it.
struct Chat {
    child: Child,
    addr: SocketAddr,
    state: PathBuf,
}

impl Chat {
    fn start(addr: SocketAddr, state: PathBuf) -> Chat {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chat"))
            .env_remove("CHAT_CONFIG")
            .env("PORT", addr.port().to_string())
            .env("SECRET_KEY_BASE", "of this test, and long enough for it")
            .env("STATE_FILE", &state)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("chat is listening"), "{line}");
        Chat { child, addr, state }
    }

    /// Ends it as an operator does, and waits.
    fn stop(mut self) -> (SocketAddr, PathBuf) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        (self.addr, self.state.clone())
    }

    fn kill(mut self) -> (SocketAddr, PathBuf) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.addr, self.state.clone())
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

type Ws = WebSocketStream<TcpStream>;

/// One person, over all connections.
struct Person {
    name: String,
    topic: String,
    token: String,
    since: Option<String>,
    heard: Vec<String>,
    acknowledged: Vec<String>,
    /// Sent, and not answered: its id and words.
    unanswered: Option<(String, String)>,
    said: usize,
    references: u64,
}

impl Person {
    async fn new(addr: SocketAddr, number: usize, run: &str) -> Person {
        let name = format!("person {number}");
        let body = json!({ "nickname": name }).to_string();
        let request = format!(
            "POST /api/guests HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let guest: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        Person {
            name,
            topic: format!("room:{run}-{}", number / MEMBERS),
            token: guest["user_token"].as_str().unwrap().to_owned(),
            since: None,
            heard: Vec::new(),
            acknowledged: Vec::new(),
            unanswered: None,
            said: 0,
            references: 0,
        }
    }

    /// Connects as often as it takes, joins from where it was, and hears what it missed. Gives back whether there is a gap.
    async fn come(&mut self, addr: SocketAddr) -> (Ws, bool) {
        let address = format!("ws://{addr}/socket/websocket?vsn=2.0.0&user_token={}", self.token);
        let mut socket = loop {
            if let Ok(stream) = TcpStream::connect(addr).await
                && let Ok((socket, _)) = client_async(&*address, stream).await
            {
                break socket;
            }
            sleep(Duration::from_millis(50)).await;
        };
        let params = json!({ "memory": false, "since": self.since.clone().map_or(json!(0), Value::from) });
        let reference = self.send(&mut socket, "phx_join", params).await.unwrap();
        loop {
            let message = next(&mut socket).await.unwrap();
            if message[1] == *reference {
                let history = &message[4]["response"]["history"];
                assert_eq!(message[4]["status"], "ok", "{message}");
                self.catch_up(history);
                return (socket, history["gap"].as_bool().unwrap());
            }
        }
    }

    /// Chats until the connection ends; the code of its close, if it had one.
    async fn chat(&mut self, mut socket: Ws, number: usize) -> Option<u16> {
        // Not all at once.
        let mut due = Instant::now() + PAUSE * (number % 100) as u32 / 100;
        loop {
            let message = tokio::select! {
                message = next(&mut socket) => message,
                () = tokio::time::sleep_until(due), if self.unanswered.is_none() => {
                    self.said += 1;
                    let words = format!("{}: {}", self.name, self.said);
                    self.say(&mut socket, words).await;
                    continue;
                }
            };
            match message {
                Ok(message) if self.hear(&message) => due = Instant::now() + PAUSE,
                Ok(_) => {}
                Err(code) => return code,
            }
        }
    }

    /// Sends again what was not answered, says a last word, and listens until all in the room have said theirs.
    async fn part(&mut self, mut socket: Ws) {
        if let Some((id, words)) = self.unanswered.clone() {
            let payload = json!({ "body": words, "_message_id": id });
            self.send(&mut socket, "new_msg", payload).await.unwrap();
            while self.unanswered.is_some() {
                let message = next(&mut socket).await.unwrap();
                self.hear(&message);
            }
        }
        self.say(&mut socket, format!("{}: last", self.name)).await;
        let lasts = |heard: &[String]| heard.iter().filter(|words| words.ends_with(": last")).count();
        while self.unanswered.is_some() || lasts(&self.heard) < MEMBERS {
            let message = next(&mut socket).await.unwrap();
            self.hear(&message);
        }
    }

    async fn say(&mut self, socket: &mut Ws, words: String) {
        let id = format!("{}:{words}", self.name);
        self.unanswered = Some((id.clone(), words.clone()));
        // What cannot be sent was not answered.
        drop(self.send(socket, "new_msg", json!({ "body": words, "_message_id": id })).await);
    }

    /// Takes a message; true for the answer to what was said.
    fn hear(&mut self, message: &Value) -> bool {
        match message[3].as_str().unwrap() {
            "new_msg" => {
                self.since = Some(message[4]["_since"].as_str().unwrap().to_owned());
                self.heard.push(message[4]["body"].as_str().unwrap().to_owned());
                false
            }
            "history" if message[4]["epoch"].is_string() => {
                self.catch_up(&message[4]);
                false
            }
            "phx_reply" => {
                assert_eq!(message[4]["status"], "ok", "{message}");
                let (_, words) = self.unanswered.take().unwrap();
                self.acknowledged.push(words);
                true
            }
            _ => false,
        }
    }

    fn catch_up(&mut self, page: &Value) {
        for message in page["messages"].as_array().unwrap() {
            self.heard.push(message["payload"]["body"].as_str().unwrap().to_owned());
        }
        self.since = Some(page["since"].as_str().unwrap().to_owned());
    }

    async fn send(&mut self, socket: &mut Ws, event: &str, payload: Value) -> Result<String, ()> {
        self.references += 1;
        let reference = self.references.to_string();
        let join_ref = (event == "phx_join").then_some(&reference);
        let message = json!([join_ref, reference, self.topic, event, payload]).to_string();
        socket.send(Message::text(message)).await.map_err(drop)?;
        Ok(reference)
    }
}

/// The next message, or how the connection ended.
async fn next(socket: &mut Ws) -> Result<Value, Option<u16>> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("a message, or the end") {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

/// A chat, and people in it who have chatted for a while when `end` ends it; then everyone is back. Gives back who has a gap.
async fn through(
    run: &str,
    end: fn(Chat) -> (SocketAddr, PathBuf),
    code: Option<u16>,
) -> (Vec<Person>, Vec<bool>) {
    let people = env::var("THRONG_CLIENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200_usize);
    rlimit::increase_nofile_limit(16 << 10).unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let state = env::temp_dir().join(format!("chat-{run}-{}.state", std::process::id()));
    let chat = Chat::start(free, state);
    let addr = chat.addr;

    let mut chatting = Vec::new();
    for number in 0..people {
        let mut person = Person::new(addr, number, run).await;
        let (socket, gap) = person.come(addr).await;
        assert!(!gap);
        chatting.push(tokio::spawn(async move {
            let code = person.chat(socket, number).await;
            (person, code)
        }));
    }
    sleep(CHAT).await;
    let (addr, state) = tokio::task::spawn_blocking(move || end(chat)).await.unwrap();
    let mut gone = Vec::new();
    for person in chatting {
        let (person, closed) = person.await.unwrap();
        assert_ne!(closed, Some(1000));
        assert_eq!(closed, code);
        gone.push(person);
    }

    let chat = tokio::task::spawn_blocking(move || Chat::start(addr, state)).await.unwrap();
    let back = join_all(gone.into_iter().map(|mut person| {
        tokio::spawn(async move {
            let (socket, gap) = timeout(PATIENCE, person.come(addr)).await.expect("the chat to be back");
            (person, socket, gap)
        })
    }))
    .await;
    // Everyone is there before anybody says a last word.
    let (mut parting, mut gaps) = (Vec::new(), Vec::new());
    for person in back {
        let (mut person, socket, gap) = person.unwrap();
        gaps.push(gap);
        parting.push(tokio::spawn(async move {
            person.part(socket).await;
            person
        }));
    }
    let people = join_all(parting).await.into_iter().map(Result::unwrap).collect();
    fs::remove_file(chat.stop().1).unwrap();
    (people, gaps)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_6_nothing_that_was_acknowledged_is_lost_over_a_graceful_restart() {
    let (people, gaps) = through("restart", Chat::stop, Some(1012)).await;
    assert!(gaps.iter().all(|gap| !gap), "nobody has a gap");
    let (mut acknowledged, mut heard) = (0, 0);
    for room in people.chunks(MEMBERS) {
        for listener in room {
            let mut places = HashMap::new();
            for (place, words) in listener.heard.iter().enumerate() {
                assert!(places.insert(words, place).is_none(), "{} heard {words:?} twice", listener.name);
            }
            for speaker in room {
                let order: Vec<_> = speaker
                    .acknowledged
                    .iter()
                    .map(|words| {
                        places.get(words).unwrap_or_else(|| panic!("{} missed {words:?}", listener.name))
                    })
                    .collect();
                assert!(order.is_sorted(), "{} heard {} out of order", listener.name, speaker.name);
            }
            heard += listener.heard.len();
        }
        acknowledged += room.iter().map(|person| person.acknowledged.len()).sum::<usize>();
    }
    println!(
        "{} people, {acknowledged} messages acknowledged, {heard} heard, none lost or twice",
        people.len()
    );
    assert!(acknowledged > 2 * people.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_6_after_a_kill_everyone_is_told_of_the_gap() {
    let (people, gaps) = through("kill", Chat::kill, None).await;
    assert!(gaps.iter().all(|gap| *gap), "everyone has a gap");
    println!("{} people were told", people.len());
}
