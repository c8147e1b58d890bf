//! State, looked at and replaced between two messages.

use throng_runtime::{
    Address, CallError, Ctx, Exit, GenServer, Halt, Handled, Init, Message, Name, Node, sys,
};

use crate::clerk::{Clerk, Fail, Note, child, clerk};

#[tokio::test]
async fn y1_the_state_is_told_and_replaced() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    clerk.call(Note(1)).await.unwrap();
    assert_eq!(sys::get_state(&clerk).await.unwrap().done, [1]);
    sys::replace_state(&clerk, |state| Clerk { done: vec![7, 8], ..state.clone() }).await.unwrap();
    assert_eq!(sys::with_state(&clerk, |state| state.done.len()).await.unwrap(), 2);
    clerk.call(Note(9)).await.unwrap();
    assert_eq!(sys::get_state(&clerk).await.unwrap().done, [7, 8, 9]);
}

#[tokio::test]
async fn y1_a_panic_while_the_state_is_replaced_leaves_it_and_the_server_as_they_were() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    clerk.call(Note(1)).await.unwrap();
    let error = sys::replace_state(&clerk, |_| panic!("no such luck")).await.unwrap_err();
    let CallError::Panicked { reason: Exit::Panic(panic), .. } = error else { panic!("{error}") };
    assert_eq!(panic.message(), "no such luck");
    let error = sys::with_state(&clerk, |_| -> u8 { panic!("nor here") }).await.unwrap_err();
    assert!(matches!(error, CallError::Panicked { .. }), "{error}");
    assert_eq!(sys::get_state(&clerk).await.unwrap().done, [1]);
}

#[tokio::test]
async fn y1_a_status_shows_of_the_state_what_the_server_wants_shown() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    clerk.call(Note(1)).await.unwrap();
    let secret = sys::with_state(&clerk, |state| state.secret).await.unwrap();
    let status = sys::get_status(clerk).await.unwrap();
    assert_eq!(status.state, "1 done");
    assert!(status.server.unwrap().ends_with("Clerk"));
    assert_eq!((status.parent, status.queue_len, status.suspended), (None, 0, false));
    assert!(!format!("{status:?} {status}").contains(secret));
}

#[tokio::test]
async fn y1_a_server_that_says_nothing_shows_its_type_alone() {
    struct Quiet(#[expect(dead_code, reason = "it must not be shown")] &'static str);
    impl GenServer for Quiet {
        type Args = ();
        async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
            Ok(Quiet("hunter2"))
        }
    }
    let node = Node::new("test");
    let quiet = node.start(Quiet::child(())).await.unwrap();
    let status = sys::get_status(quiet).await.unwrap();
    assert!(status.state.ends_with("Quiet"), "{status}");
}

#[tokio::test]
async fn y1_any_process_has_a_status() {
    let node = Node::new("test");
    let raw = node.spawn(async |ctx| {
        ctx.set_label("sleeper");
        std::future::pending::<()>().await
    });
    tokio::task::yield_now().await;
    let status = sys::get_status(raw).await.unwrap();
    assert_eq!((status.id, status.server, status.label.as_deref()), (raw, None, Some("sleeper")));
    assert_eq!(status.to_string(), format!("process {raw} \"sleeper\" (no server): 0 queued, "));
    node.exit(raw, Exit::Kill);
    node.wait(raw).await;
    assert!(matches!(sys::get_status(raw).await.unwrap_err(), CallError::NoProcess { .. }));
}

#[tokio::test]
async fn y1_servers_are_asked_by_name_as_well_and_whoever_is_not_there_says_so() {
    const NAME: Name<Clerk> = Name::new("clerk");
    let node = Node::new("test");
    let by_name = node.via(NAME);
    assert!(matches!(sys::get_state(&by_name).await, Err(CallError::NoProcess { .. })));
    let (child, _heard, _) = child();
    node.start(child.name(NAME)).await.unwrap();
    assert!(sys::get_state(&by_name).await.is_ok());
}

#[tokio::test]
async fn g15_a_callback_that_fails_ends_the_server_and_is_no_answer() {
    let node = Node::new("test");
    let (clerk, mut heard, _) = clerk(&node).await;
    let error = clerk.call(Fail("on purpose")).await.unwrap_err();
    let CallError::Exited { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason.to_string(), "on purpose");
    assert_eq!(heard.recv().await.unwrap(), "terminate: on purpose");
}

/// The return types leave no room for a wrong value (`bad_return_value` in OTP): a handler returns the reply of its message or how
/// it ends. So there is nothing to test at run time but that both ways are what they say.
#[tokio::test]
async fn g16_a_handler_can_return_nothing_but_its_messages_reply_or_an_end() {
    fn is_the_reply<M: Message<Reply = R>, R>(handled: Handled<M>) -> Result<R, Halt> {
        handled
    }
    assert_eq!(is_the_reply::<Fail, u64>(Ok(7)).unwrap(), 7);
}
