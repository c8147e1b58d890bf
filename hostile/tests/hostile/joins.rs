//! Joins without end: of one topic, of many, of names that nobody should have.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{MIB, Noise, Parting, Peer, Server, TEXT, Witness, masked, times};

/// Quotas that no test reaches: it is what lies behind them that is tried.
const UNBOUNDED: [u32; 2] = [1_000_000, 1_000_000];

fn server() -> Server {
    Server::start(json!({ "message_rate": UNBOUNDED, "join_rate": UNBOUNDED }))
}

fn join(topic: &str, reference: &str) -> String {
    json!([reference, reference, topic, "phx_join", {}]).to_string()
}

/// §4.3: "this must work for many joins back to back". 5,000 joins of one topic, of which none waits for an answer.
#[test]
fn c4_3_a_topic_is_joined_thousands_of_times_back_to_back() {
    let server = server();
    let mut peer = Peer::connect(server.addr);
    let joins = 5_000 * times();
    let mut sink = peer.stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        for n in 0..joins {
            let frame = masked(TEXT, join("room:1", &n.to_string()).as_bytes());
            std::io::Write::write_all(&mut sink, &frame).unwrap();
        }
    });
    let (mut answered, mut closed) = (0, 0);
    while answered < joins || closed < joins - 1 {
        let message = peer.message();
        if message[3] == "phx_close" {
            assert_eq!(message[0], closed.to_string());
            closed += 1;
        } else {
            let reply = json!({ "status": "ok", "response": {} });
            assert_eq!(
                message,
                json!([answered.to_string(), answered.to_string(), "room:1", "phx_reply", reply])
            );
            answered += 1;
        }
    }
    writing.join().unwrap();
    server.is_left_with(1, 1);
    let last = (joins - 1).to_string();
    peer.send(&json!([last, "ask", "room:1", "echo", "still there"]).to_string());
    assert_eq!(peer.reply("ask"), ("ok".to_owned(), "still there".into()));
}

/// Channels that take their time to end: whatever comes first, each join is answered once, nothing twice, and nothing is left.
#[test]
fn c4_4_leaves_and_joins_race_with_channels_that_linger() {
    let (server, mut noise) = (server(), Noise::from_env());
    for _ in 0..20 * times() {
        let mut peer = Peer::connect(server.addr);
        let mut asked = HashMap::new();
        for n in 0..100 {
            let topic = format!("room:lingering:{}", noise.below(3));
            let event = ["phx_join", "phx_join", "phx_leave", "echo"][noise.below(4)];
            let join_ref = if event == "phx_join" { json!(n.to_string()) } else { Value::Null };
            peer.send(&json!([join_ref, n.to_string(), topic, event, "x"]).to_string());
            asked.insert(n.to_string(), event);
        }
        // The last of all: whatever is asked before it has been answered by then, or was asked of a channel that ended.
        let mut answers: HashMap<String, usize> = HashMap::new();
        for n in 0..3 {
            let (topic, reference) = (format!("room:lingering:{n}"), format!("last {n}"));
            peer.send(&join(&topic, &reference));
            let mut is_over = false;
            while !is_over {
                let message = peer.message();
                if message[3] == "phx_reply" {
                    let answered = message[1].as_str().unwrap().to_owned();
                    is_over = answered == reference;
                    *answers.entry(answered).or_default() += 1;
                }
            }
        }
        for (reference, event) in asked {
            let count = answers.get(&reference).copied().unwrap_or_default();
            assert!(count <= 1, "{reference} was answered {count} times");
            // What is asked of a channel that ends meanwhile, a second leave say, is not answered (§7.1).
            assert!(count == 1 || event != "phx_join", "{event} {reference} was not answered");
        }
    }
    server.is_left_with(0, 0);
}

#[test]
fn c4_5_a_hundred_topics_and_not_one_more() {
    let server = server();
    let mut peer = Peer::connect(server.addr);
    for n in 0..100 {
        peer.join(&format!("room:{n}"));
    }
    // 10,000 more are refused, and a joined one still joins again.
    for n in 0..10_000 {
        peer.send(&join(&format!("room:more:{n}"), &n.to_string()));
        if n % 100 == 99 {
            let refusal = json!({ "reason": "too many channels joined" });
            (n - 99..=n)
                .for_each(|n| assert_eq!(peer.reply(&n.to_string()), ("error".to_owned(), refusal.clone())));
        }
    }
    peer.join("room:7");
    assert_eq!(server.stats().channels, 100);
    peer.send(&json!(["room:7", "leave", "room:7", "phx_leave", {}]).to_string());
    assert_eq!(peer.reply("leave").0, "ok");
    // Its slot is free.
    peer.join("room:more:1");
    drop(peer);
    server.is_left_with(0, 0);
}

/// Names of a kibibyte and references of 256 bytes are taken; what is larger, or deep, ends its own connection; nothing is kept.
#[test]
fn c8_what_is_large_or_deep_is_echoed_or_refused_and_not_kept() {
    let server = server();
    let witness = Witness::watch(server.addr);
    let mut peer = Peer::connect(server.addr);
    let before = server.memory();
    for n in 0..200 * times() {
        let topic = format!("room:{n:0>1019}");
        let reference = "r".repeat(254);
        peer.send(&join(&topic, "1"));
        assert_eq!(peer.reply("1").0, "ok");
        peer.send(&json!(["1", reference, topic, "echo", n]).to_string());
        assert_eq!(peer.reply(&reference), ("ok".to_owned(), n.into()));
        peer.send(&json!(["1", "leave", topic, "phx_leave", {}]).to_string());
        assert_eq!(peer.reply("leave").0, "ok");
    }
    drop(peer);
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let refused = [
        join(&format!("room:{}", "t".repeat(1_020)), "1"),
        join("room:1", &"r".repeat(255)),
        join("room:1", &"r".repeat(60_000)),
        format!(r#"["1","1","room:1","phx_join",{deep}]"#),
        format!(r#"[{deep},"1","room:1","phx_join",{{}}]"#),
        format!(r#"["1","1",{deep},"phx_join",{{}}]"#),
        format!(r#"["1","1","room:1","phx_join",{{}},{deep}]"#),
        format!(r#"{{"topic":"room:1","event":"x","payload":{{}},"ref":{deep}}}"#),
        "[".repeat(60_000),
    ];
    for text in refused.iter().cycle().take(300 * times() as usize) {
        let mut peer = Peer::connect(server.addr);
        peer.send(text);
        let parting = peer.parting();
        assert!(matches!(parting, Parting::Closed(1007..=1009)), "{parting:?} for {}", &text[..40]);
    }
    witness.has_been_served();
    server.is_left_with(0, 0);
    let grown = server.memory().saturating_sub(before);
    println!("{} MiB more", grown / MIB);
    assert!(grown < 32 * MIB, "{grown} bytes");
}
