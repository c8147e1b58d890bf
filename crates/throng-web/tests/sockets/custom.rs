//! §5.8: servers of the application's own behind topics.

use serde_json::json;
use throng_runtime::{Ctx, Exit, GenServer, Halt, Handled, Handler, Init, InitError};
use throng_web::{CustomJoin, Drain, FromClient, JoinError, SocketRouter};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::support::{Client, Server, soon};

/// A server that does as the client tells it, and says what it was told.
struct Desk {
    join: CustomJoin<UnboundedSender<String>>,
}

impl Desk {
    fn tell(&self, what: impl Into<String>) {
        let _ = self.join.assigns.send(what.into());
    }
}

impl GenServer for Desk {
    type Args = CustomJoin<UnboundedSender<String>>;

    async fn init(join: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        let how: String = join.params.parse().unwrap_or_default();
        match how.as_str() {
            "refuse" => join.socket.refuse(json!({"reason": "told to"}))?,
            "crash" => return Err(InitError::Stop(Exit::other("told to"))),
            "wait" => {}
            _ => {
                assert!(join.socket.push("too_soon", json!({})).is_err());
                join.socket.accept(ctx, json!({"topic": join.socket.topic()}))?;
                // The first answer stands.
                join.socket.refuse(json!({}))?;
            }
        }
        Ok(Desk { join })
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        self.tell(format!("terminate {reason}"));
    }
}

impl Handler<FromClient> for Desk {
    async fn handle(&mut self, message: FromClient, ctx: &mut Ctx<Self>) -> Handled<FromClient> {
        let socket = &self.join.socket;
        match message {
            FromClient::Event(event) => match &*event.event {
                "echo" => return Ok(event.reply.ok(&event.payload)?),
                "push" => return Ok(socket.push("pushed", &event.payload)?),
                "accept" => return Ok(socket.accept(ctx, json!({}))?),
                "close" => socket.close(),
                _ => return Err(Halt::Stop(Exit::Normal)),
            },
            FromClient::Leave(leave) => leave.confirm(),
            FromClient::Drain => {
                self.tell("drain");
                return Ok(());
            }
            FromClient::Closed => self.tell("closed"),
            FromClient::Replaced => self.tell("replaced"),
            _ => return Err(Halt::Stop(Exit::other("something new"))),
        }
        Err(Halt::Stop(Exit::Normal))
    }
}

async fn server() -> (Server, UnboundedReceiver<String>) {
    let (tell, told) = mpsc::unbounded_channel();
    let sockets = SocketRouter::with_state(tell, async |tell, _| Ok(tell)).custom("desk:*", Desk::child);
    let drain = Drain::default();
    (Server::with(|builder| builder.drain(drain).socket("/desk", sockets)).await, told)
}

async fn client(server: &Server) -> Client {
    Client::connect(server.addr, "/desk/websocket?vsn=2.0.0").await
}

async fn told(told: &mut UnboundedReceiver<String>) -> String {
    soon("word of a desk", told.recv()).await.unwrap()
}

#[tokio::test]
async fn c5_8_a_custom_channel_joins_answers_pushes_and_hears_broadcasts() {
    let (server, _told) = server().await;
    let mut client = client(&server).await;
    let (join_ref, reply) = client.try_join("desk:1", json!("")).await;
    assert_eq!(reply, json!({"status": "ok", "response": {"topic": "desk:1"}}));
    assert_eq!(server.endpoint.channel_count(), 1);
    assert_eq!(client.ask("desk:1", "echo", json!([7])).await, ("ok".into(), json!([7])));
    client.push(join_ref.clone(), "desk:1", "push", json!({"a": 1})).await;
    client.expect(json!([join_ref, null, "desk:1", "pushed", {"a": 1}])).await;
    server.endpoint.broadcast("desk:1", "news", json!({})).unwrap();
    client.expect(json!([null, null, "desk:1", "news", {}])).await;
    client.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn c5_8_it_refuses_crashes_or_answers_later() {
    let (server, _told) = server().await;
    let mut client = client(&server).await;
    let reply = client.try_join("desk:1", json!("refuse")).await.1;
    assert_eq!(reply, json!({"status": "error", "response": {"reason": "told to"}}));
    let reply = client.try_join("desk:2", json!("crash")).await.1;
    assert_eq!(reply, json!({"status": "error", "response": {"reason": "join crashed"}}));
    client.send(r#"["8","8","desk:3","phx_join","wait"]"#).await;
    client.expect_nothing().await;
    client.send(r#"["8",null,"desk:3","accept",{}]"#).await;
    assert_eq!(client.reply_to(&json!("8")).await["status"], "ok");
}

#[tokio::test]
async fn c5_8_it_announces_its_close_or_has_crashed() {
    let (server, _told) = server().await;
    let mut client = client(&server).await;
    for (event, told) in [("close", "phx_close"), ("vanish", "phx_error")] {
        let join_ref = client.join_with("desk:1", json!("")).await;
        client.push(join_ref.clone(), "desk:1", event, json!({})).await;
        let end = client.receive().await;
        assert_eq!((&end[0], &end[1], &end[3]), (&join_ref, &join_ref, &json!(told)));
        assert_eq!(client.ask("desk:1", "echo", json!(1)).await.1, json!({"reason": "unmatched topic"}));
    }
}

#[tokio::test]
async fn c5_8_a_leave_is_confirmed_by_it() {
    let (server, mut told) = server().await;
    let mut client = client(&server).await;
    let join_ref = client.join_with("desk:1", json!("")).await;
    let reference = client.push(join_ref.clone(), "desk:1", "phx_leave", json!({})).await;
    client
        .expect(json!([join_ref, reference, "desk:1", "phx_reply", {"status": "ok", "response": {}}]))
        .await;
    client.expect(json!([join_ref, join_ref, "desk:1", "phx_close", {}])).await;
    assert_eq!(self::told(&mut told).await, "terminate normal");
    client.expect_nothing().await;
}

#[tokio::test]
async fn c5_8_another_join_replaces_it() {
    let (server, mut told) = server().await;
    let mut client = client(&server).await;
    let old = client.join_with("desk:1", json!("")).await;
    let new = client.push(json!("9"), "desk:1", "phx_join", json!("")).await;
    client.expect(json!([old, old, "desk:1", "phx_close", {}])).await;
    assert_eq!(client.reply_to(&json!(new)).await["status"], "ok");
    assert_eq!(self::told(&mut told).await, "replaced");
    assert_eq!(self::told(&mut told).await, "terminate normal");
    server.endpoint.broadcast("desk:1", "news", json!({})).unwrap();
    client.expect(json!([null, null, "desk:1", "news", {}])).await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn c5_8_it_is_told_of_a_drain_and_of_the_end_of_its_connection() {
    let (server, mut told) = server().await;
    let (mut ada, mut bob) = (client(&server).await, client(&server).await);
    ada.join_with("desk:1", json!("")).await;
    bob.join_with("desk:1", json!("")).await;
    ada.hang_up().await;
    assert_eq!(self::told(&mut told).await, "closed");
    assert_eq!(self::told(&mut told).await, "terminate normal");
    let drain = server.endpoint.drain();
    let bob_is_told = async {
        assert_eq!(bob.close_code().await, Some(1012));
        for expected in ["drain", "closed", "terminate normal"] {
            assert_eq!(self::told(&mut told).await, expected);
        }
    };
    tokio::join!(drain, bob_is_told);
    server.is_empty().await;
}

/// The error of a join is one for both kinds of channels.
#[test]
fn a_refusal_may_carry_bytes() {
    let refusal = JoinError::with(throng_web::Payload::bytes(vec![1]));
    assert!(matches!(refusal, JoinError::Refused(payload) if payload.is_binary()));
}
