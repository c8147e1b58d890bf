use std::{sync::Arc, time::Duration};

use throng::{CallError, DynamicSupervisor, pubsub::Presence};
use tokio::sync::oneshot;

use super::*;
use crate::{
    app,
    config::Config,
    memberships::{ALONE_MAX, Excess},
    rooms::{EnterError, RoomLimits},
};

const LIMITS: RoomLimits = RoomLimits { rooms_max: 3, members_max: 2, empty_for: Duration::from_secs(600) };

/// A chat without clients: its node, its rooms, and their supervisor running.
async fn chat(limits: RoomLimits) -> (Node, Rooms) {
    let history = app::history(&Config { history_max: 10, ..Config::default() });
    let (node, pubsub) = (Node::new("test"), PubSub::new().with_history(&history));
    let presence = Presence::new("chat", &pubsub);
    let rooms = Rooms::new(&node, &pubsub, &presence, limits);
    node.start(rooms.supervisor()).await.unwrap();
    (node, rooms)
}

fn name(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

/// A process to take into rooms; it ends when its other half is dropped.
fn member(node: &Node) -> (ProcessId, oneshot::Sender<()>) {
    let (stay, left) = oneshot::channel::<()>();
    (node.spawn(|_| async move { drop(left.await) }), stay)
}

async fn say(room: Pid<Room>, body: &str) -> Post {
    room.call(Say { from: Guest::called("Ada"), body: Body::parse(body).unwrap() }).await.unwrap().unwrap()
}

/// The places of what was said, each in the order of its incarnation.
fn seqs(memory: &Memory) -> Vec<u64> {
    let seq = |post: &Payload| post.parse::<serde_json::Value>().unwrap()["seq"].as_u64().unwrap();
    memory.messages.iter().map(seq).collect()
}

async fn crash(room: Pid<Room>) -> Result<TooSoon, CallError> {
    room.call(Crash { by: Nickname::parse("Ada").unwrap() }).await
}

/// The incarnation that the supervisor started after one that has ended.
async fn next_incarnation(node: &Node, rooms: &Rooms, ended: Pid<Room>) -> Pid<Room> {
    node.wait(ended).await;
    // A round trip: the supervisor has dealt with the end of its child.
    DynamicSupervisor::count_children(&rooms.supervisor_address()).await.unwrap();
    rooms.whereis(&name("lobby")).unwrap()
}

#[tokio::test]
async fn a_room_remembers_what_was_said_in_its_order() {
    let (node, rooms) = chat(LIMITS).await;
    let (ada, _stay) = member(&node);
    let lobby = rooms.enter(&name("lobby"), ada).await.unwrap();
    for body in ["one", "two", "three"] {
        say(lobby, body).await;
    }
    let memory = lobby.call(Recall).await.unwrap();
    let seqs = seqs(&memory);
    assert_eq!((memory.incarnation, seqs), (1, vec![1, 2, 3]));
}

#[tokio::test]
async fn a_crashed_room_comes_back_under_its_name_and_nothing_that_was_said_is_lost() {
    let (node, rooms) = chat(LIMITS).await;
    let (ada, _stay) = member(&node);
    let first = rooms.enter(&name("lobby"), ada).await.unwrap();
    let before = say(first, "before").await;
    let ended = crash(first).await.unwrap_err();
    assert!(ended.to_string().contains("Ada pressed the crash button"), "{ended}");

    let second = next_incarnation(&node, &rooms, first).await;
    assert_ne!(first.id(), second.id());
    let memory = second.call(Recall).await.unwrap();
    assert_eq!((memory.incarnation, seqs(&memory)), (2, vec![1]));
    assert_ne!(say(second, "after").await.id, before.id);
}

#[tokio::test]
async fn a_room_that_just_came_back_may_not_be_crashed_yet() {
    let (node, rooms) = chat(LIMITS).await;
    let (ada, _stay) = member(&node);
    let first = rooms.enter(&name("lobby"), ada).await.unwrap();
    crash(first).await.unwrap_err();
    let second = next_incarnation(&node, &rooms, first).await;
    let TooSoon(left) = crash(second).await.unwrap();
    assert!(left <= CRASH_PAUSE);
    assert!(node.is_alive(second));
}

#[tokio::test]
async fn a_full_room_and_a_full_chat_take_nobody_more() {
    let (node, rooms) = chat(LIMITS).await;
    let members: Vec<_> = (0..5).map(|_| member(&node)).collect();
    for (id, _) in &members[..2] {
        rooms.enter(&name("lobby"), *id).await.unwrap();
    }
    let third = members[2].0;
    assert!(matches!(rooms.enter(&name("lobby"), third).await, Err(EnterError::RoomFull)));
    rooms.enter(&name("kitchen"), third).await.unwrap();
    rooms.enter(&name("attic"), third).await.unwrap();
    assert!(matches!(rooms.enter(&name("cellar"), third).await, Err(EnterError::TooManyRooms)));
}

#[tokio::test]
async fn a_place_is_free_again_when_its_member_has_gone() {
    let (node, rooms) = chat(RoomLimits { members_max: 1, ..LIMITS }).await;
    let lobby = name("lobby");
    for _ in 0..100 {
        let (ada, stay) = member(&node);
        rooms.enter(&lobby, ada).await.unwrap();
        drop(stay);
        // The room monitors its members, and hears of this one's end no later than we do.
        node.wait(ada).await;
    }
}

#[tokio::test]
async fn an_empty_room_stops_and_is_opened_anew_by_the_next_who_comes() {
    let (node, rooms) = chat(RoomLimits { empty_for: Duration::from_millis(1), ..LIMITS }).await;
    let lobby = name("lobby");
    let (ada, stay) = member(&node);
    let first = rooms.enter(&lobby, ada).await.unwrap();
    drop(stay);
    assert!(matches!(node.wait(first).await, Exit::Normal | Exit::NoProcess));
    let (grace, _stay) = member(&node);
    let second = rooms.enter(&lobby, grace).await.unwrap();
    assert_ne!(first.id(), second.id());
    assert_eq!(second.call(Recall).await.unwrap().incarnation, 1, "it did not crash");
}

/// A room that stops in the very moment of being entered is opened anew, and of all who open a room one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_enters_at_once_is_in_one_room() {
    for _ in 0..1000 {
        let limits = RoomLimits { members_max: 4, empty_for: Duration::from_micros(50), ..LIMITS };
        let (node, rooms) = chat(limits).await;
        let members: Vec<_> = (0..4).map(|_| member(&node)).collect();
        let tasks: Vec<_> = members
            .iter()
            .map(|(id, _)| {
                let (rooms, id) = (rooms.clone(), *id);
                tokio::spawn(async move { rooms.enter(&name("lobby"), id).await.unwrap() })
            })
            .collect();
        let mut entered = HashSet::new();
        for task in tasks {
            entered.insert(task.await.unwrap().id());
        }
        assert_eq!(entered.len(), 1);
    }
}

/// Whoever came into a crashed room could open it before its supervisor had brought it back. The supervisor's own attempts then
/// failed, one after the other, because the name was taken: within a second its budget was spent, and all rooms were gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_entered_while_it_comes_back_is_one_room() {
    for _ in 0..1000 {
        let (node, rooms) = chat(RoomLimits { members_max: 10, ..LIMITS }).await;
        let members: Vec<_> = (0..4).map(|_| member(&node)).collect();
        let lobby = rooms.enter(&name("lobby"), members[0].0).await.unwrap();
        let tasks: Vec<_> = members[1..]
            .iter()
            .map(|(id, _)| {
                let (rooms, id) = (rooms.clone(), *id);
                tokio::spawn(async move { rooms.enter(&name("lobby"), id).await })
            })
            .collect();
        crash(lobby).await.unwrap_err();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let children = DynamicSupervisor::count_children(&rooms.supervisor_address()).await.unwrap();
        assert_eq!((children.active, children.specs), (1, 1));
        let memory = rooms.whereis(&name("lobby")).unwrap().call(Recall).await.unwrap();
        assert_eq!(memory.incarnation, 2);
    }
}

#[tokio::test]
async fn an_open_room_is_listed_with_its_members() {
    let (node, rooms) = chat(LIMITS).await;
    let (ada, stay) = member(&node);
    let lobby = rooms.enter(&name("lobby"), ada).await.unwrap();
    let listed = || serde_json::to_value(rooms.presence().list(DirectoryChannel::TOPIC)).unwrap();
    assert_eq!(listed()["lobby"]["metas"][0]["members"], 1);
    drop(stay);
    node.wait(ada).await;
    // A round trip: the room has heard of its member's end.
    lobby.call(Recall).await.unwrap();
    assert_eq!(listed()["lobby"]["metas"][0]["members"], 0);
    node.stop(lobby, Exit::Normal, None).await.unwrap();
    assert_eq!(listed(), serde_json::json!({}));
}

#[tokio::test]
async fn a_room_says_no_more_than_a_slow_line_carries() {
    let (node, rooms) = chat(LIMITS).await;
    let (ada, _stay) = member(&node);
    let lobby = rooms.enter(&name("lobby"), ada).await.unwrap();
    let told = async |body: &str| {
        let say = || Say { from: Guest::called("Ada"), body: Body::parse(body).unwrap() };
        for said in 0..10_000 {
            if let Err(Busy(wait)) = lobby.call(say()).await.unwrap() {
                assert!(!wait.is_zero());
                return said;
            }
        }
        panic!("it is never too busy");
    };
    let long = "🙂".repeat(Body::CHARS_MAX);
    assert!(u64::try_from(told(&long).await * long.len()).unwrap() <= BYTES.1 * 2);
    let memory = lobby.call(Recall).await.unwrap();
    let seqs = seqs(&memory);
    assert!(
        seqs.is_sorted_by(|one, next| one + 1 == *next),
        "what was refused has no place in the order: {seqs:?}"
    );
}

#[tokio::test]
async fn whatever_was_said_what_is_kept_is_less_than_a_connection_takes() {
    let history = app::history(&Config { history_max: usize::MAX, ..Config::default() });
    let pubsub = PubSub::new().with_history(&history);
    let (node, presence) = (Node::new("test"), Presence::new("chat", &pubsub));
    let rooms = Rooms::new(&node, &pubsub, &presence, LIMITS);
    let body = Body::parse(&"\"".repeat(Body::CHARS_MAX)).unwrap();
    for seq in 1..=1000 {
        let (id, from) = (seq.to_string(), Guest::called("Ada"));
        rooms.broadcast(&name("lobby"), SAID, Post { id, seq, from, body: body.clone(), at: 0 }).unwrap();
    }
    let memory = Memory { incarnation: 1, messages: rooms.said(&name("lobby")) };
    let bytes = serde_json::to_vec(&memory).unwrap().len();
    assert!((200 << 10..=256 << 10).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_membership_ends_with_its_channel_and_an_empty_room_counts_until_it_closes() {
    let (node, rooms) = chat(LIMITS).await;
    let ada: Arc<str> = "ada".into();
    let (id, _stay) = member(&node);
    for n in 0..ALONE_MAX {
        let lobby = name(&format!("room-{n}"));
        drop(rooms.admit(&lobby, &ada).unwrap());
    }
    let lobby = name("lobby");
    let membership = rooms.admit(&lobby, &ada).unwrap();
    let room = rooms.enter(&lobby, id).await.unwrap();
    drop(membership);
    let alone: Vec<_> =
        (1..ALONE_MAX).map(|n| rooms.admit(&name(&format!("room-{n}")), &ada).unwrap()).collect();
    assert_eq!(rooms.admit(&name("room-0"), &ada).unwrap_err(), Excess::Alone);
    node.stop(room, Exit::Normal, None).await.unwrap();
    rooms.admit(&name("room-0"), &ada).unwrap();
    drop(alone);
}
