//! Requests that race each other, and the end of their session.

use std::sync::Arc;

use serde_json::json;

use super::support::{Polled, Server, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_races_the_end_of_its_session_is_taken_or_told_that_it_is_over() {
    let server = Server::start().await;
    for round in 0..300 {
        let user = format!("user{round}");
        let mut client = server.client(&user).await;
        client.join("room:a").await;
        let (endpoint, id) = (server.endpoint.clone(), format!("users_socket:{user}"));
        let end = tokio::spawn(async move { endpoint.disconnect(&id) });
        let lines: Vec<_> =
            (10..30).map(|n| json!([null, n.to_string(), "room:a", "silence", null]).to_string()).collect();
        let status = client.post(lines.join("\n")).await;
        assert!(matches!(status, 200 | 410), "{status}");
        end.await.unwrap().unwrap();
        // Whatever waits comes first.
        while client.poll().await.status != 410 {}
        assert_eq!(client.post("[]").await, 410);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_polls_come_at_once_each_message_is_in_one_answer_and_in_order() {
    let server = Arc::new(Server::hasty(std::time::Duration::from_secs(2)).await);
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let uri = client.uri();
    let broadcasts = 500;
    let pollers: Vec<_> = (0..4)
        .map(|_| {
            let (server, uri) = (server.clone(), uri.clone());
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                loop {
                    let answer = request(server.addr, "GET", &uri, &[], b"").await.answer().await;
                    let polled = Polled::from(answer.json());
                    assert!(matches!(polled.status, 200 | 204), "{polled:?}");
                    for text in &polled.messages {
                        let message: serde_json::Value = serde_json::from_str(text).unwrap();
                        if message[3] == "last" {
                            return numbers;
                        }
                        numbers.push(message[4]["n"].as_u64().unwrap());
                    }
                }
            })
        })
        .collect();
    for n in 0..broadcasts {
        server.endpoint.broadcast("room:a", "news", json!({ "n": n })).unwrap();
        tokio::task::yield_now().await;
    }
    let mut all = Vec::new();
    for poller in pollers {
        // Each needs a last word of its own.
        while !poller.is_finished() {
            server.endpoint.broadcast("room:a", "last", json!({})).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let numbers = poller.await.unwrap();
        assert!(numbers.is_sorted(), "{numbers:?}");
        all.extend(numbers);
    }
    all.sort_unstable();
    assert_eq!(all, (0..broadcasts).collect::<Vec<u64>>());
}
