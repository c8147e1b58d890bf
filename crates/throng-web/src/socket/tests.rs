use super::*;

const LIMIT: usize = 3;

fn state() -> SocketState {
    SocketState::new(ChannelLimit(LIMIT), Serializer::V2)
}

fn message(text: &str) -> Message {
    Serializer::V2.decode_text(text, &crate::protocol::DecodeLimits::default()).unwrap()
}

/// Receives a message; topics that begin with "room" are routed.
fn receive(state: &mut SocketState, text: &str) -> Vec<Action> {
    let message = message(text);
    let routed = message.topic.starts_with("room");
    state.step(Input::Received { message, routed })
}

/// The frames among the actions.
fn frames(actions: &[Action]) -> Vec<String> {
    let frames = actions.iter().filter_map(|action| match action {
        Action::Send(frame) => frame.as_text().map(Into::into),
        _ => None,
    });
    frames.collect()
}

/// Joins a topic and has the channel accept.
fn join(state: &mut SocketState, join_ref: &str, topic: &str) -> ChannelId {
    let actions = receive(state, &format!(r#"[{join_ref},{join_ref},"{topic}","phx_join",{{}}]"#));
    let Some(Action::Start { channel, .. }) = actions.last() else { panic!("not started: {actions:?}") };
    let channel = *channel;
    assert!(state.step(Input::Joined(channel)).is_empty());
    channel
}

#[test]
fn heartbeats_are_answered_with_a_null_join_ref() {
    // §2.8, §2.9
    for join_ref in ["null", "\"9\""] {
        let actions = receive(&mut state(), &format!(r#"[{join_ref},"7","phoenix","heartbeat",{{}}]"#));
        assert_eq!(frames(&actions), [r#"[null,"7","phoenix","phx_reply",{"status":"ok","response":{}}]"#]);
    }
    let numeric = receive(&mut state(), r#"[null,7,"phoenix","heartbeat",{}]"#);
    assert_eq!(frames(&numeric), [r#"[null,7,"phoenix","phx_reply",{"status":"ok","response":{}}]"#]);
}

#[test]
fn anything_else_on_the_connection_topic_is_unmatched() {
    // §2.9
    let actions = receive(&mut state(), r#"["1","7","phoenix","other",{}]"#);
    let expected =
        r#"[null,"7","phoenix","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]"#;
    assert_eq!(frames(&actions), [expected]);
}

#[test]
fn a_join_without_a_route_is_unmatched_with_a_null_join_ref() {
    // §2.8, §4
    let actions = receive(&mut state(), r#"["1","1","nowhere","phx_join",{}]"#);
    let expected =
        r#"[null,"1","nowhere","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]"#;
    assert_eq!(frames(&actions), [expected]);
    assert!(matches!(&actions[1], Action::LogUnmatched(topic) if &**topic == "nowhere"));
}

#[test]
fn an_event_on_a_topic_that_is_not_joined_is_unmatched() {
    // §4
    let actions = receive(&mut state(), r#"["1","2","room:a","new_msg",{}]"#);
    let expected =
        r#"[null,"2","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]"#;
    assert_eq!(frames(&actions), [expected]);
}

#[test]
fn a_leave_of_a_topic_that_is_not_joined_is_answered_as_sent() {
    // §2.8, §4
    let actions = receive(&mut state(), r#"["3",4,"room:a","phx_leave",{}]"#);
    assert_eq!(frames(&actions), [r#"["3",4,"room:a","phx_reply",{"status":"ok","response":{}}]"#]);
}

#[test]
fn events_reach_a_joined_channel_when_their_join_ref_is_equal_or_null() {
    // §4, §2.4: the integer 1 is another reference than "1".
    let mut state = state();
    let channel = join(&mut state, "\"1\"", "room:a");
    for (join_ref, delivered) in [("\"1\"", true), ("null", true), ("\"2\"", false), ("1", false)] {
        let actions = receive(&mut state, &format!(r#"[{join_ref},"5","room:a","new_msg",{{"a":1}}]"#));
        match actions.as_slice() {
            [Action::Deliver { channel: to, message }] if delivered => {
                assert_eq!((*to, message.payload.as_json()), (channel, r#"{"a":1}"#));
            }
            [] if !delivered => {}
            other => panic!("{join_ref}: {other:?}"),
        }
    }
}

#[test]
fn a_stale_leave_is_ignored() {
    // §4
    let mut state = state();
    let channel = join(&mut state, "\"1\"", "room:a");
    assert_eq!(receive(&mut state, r#"["0","5","room:a","phx_leave",{}]"#), []);
    let leave = receive(&mut state, r#"["1","6","room:a","phx_leave",{}]"#);
    assert_eq!(leave, [Action::Leave { channel, reference: Ref::text("6") }]);
}

#[test]
fn a_channel_that_left_is_gone_without_another_word() {
    // §4.4: the channel itself answers and closes.
    let mut state = state();
    let channel = join(&mut state, "\"1\"", "room:a");
    receive(&mut state, r#"["1","2","room:a","phx_leave",{}]"#);
    assert_eq!(state.step(Input::Closing(channel)), []);
    assert_eq!(frames(&receive(&mut state, r#"["1","3","room:a","x",{}]"#)).len(), 1);
    assert_eq!(state.step(Input::Down(channel)), []);
}

#[test]
fn a_join_of_a_joined_topic_replaces_the_channel() {
    // §4.3: phx_close carries the old join_ref.
    let mut state = state();
    let old = join(&mut state, "\"1\"", "room:a");
    let actions = receive(&mut state, r#"["2","2","room:a","phx_join",{"n":2}]"#);
    let [
        Action::Replace { channel: replaced, announce: false },
        Action::Send(close),
        Action::Start { channel, replaces, .. },
    ] = actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    assert_eq!((*replaced, *replaces), (old, Some(old)));
    assert_eq!(close.as_text().unwrap(), r#"["1","1","room:a","phx_close",{}]"#);
    let new = *channel;
    state.step(Input::Joined(new));
    // The old one's end is no news, and the old reference is stale.
    assert_eq!(state.step(Input::Down(old)), []);
    assert_eq!(receive(&mut state, r#"["1","3","room:a","x",{}]"#), []);
    let delivered = receive(&mut state, r#"["2","3","room:a","x",{}]"#);
    assert!(matches!(delivered.as_slice(), [Action::Deliver { channel, .. }] if *channel == new));
}

#[test]
fn many_joins_back_to_back_leave_one_channel() {
    // §4.3
    let mut state = state();
    let mut channels = Vec::new();
    for n in 1..=50 {
        channels.push(join(&mut state, &format!("\"{n}\""), "room:a"));
        if n > 1 {
            state.step(Input::Down(channels[n - 2]));
        }
    }
    assert_eq!((state.topics.len(), state.channels.len()), (1, 1));
}

#[test]
fn a_join_that_is_replaced_before_it_was_answered_answers_and_closes_itself() {
    // §4.3
    let mut state = state();
    receive(&mut state, r#"["1","1","room:a","phx_join",{}]"#);
    let actions = receive(&mut state, r#"["2","2","room:a","phx_join",{}]"#);
    assert!(matches!(actions.as_slice(), [Action::Replace { announce: true, .. }, Action::Start { .. }]));
}

#[test]
fn a_join_while_leaving_waits_for_the_leave_and_adds_no_close() {
    // §4.3, §10: phoenix.js leaves, then joins.
    let mut state = state();
    let old = join(&mut state, "\"1\"", "room:a");
    receive(&mut state, r#"["1","2","room:a","phx_leave",{}]"#);
    let actions = receive(&mut state, r#"["3","3","room:a","phx_join",{}]"#);
    assert!(frames(&actions).is_empty());
    assert!(matches!(actions.last(), Some(Action::Start { replaces: Some(channel), .. }) if *channel == old));
}

#[test]
fn joins_beyond_the_limit_are_refused_with_their_join_ref() {
    // §4.5
    let mut state = state();
    let channels: Vec<_> = (0..LIMIT).map(|n| join(&mut state, "\"1\"", &format!("room:{n}"))).collect();
    let actions = receive(&mut state, r#"["9","9","room:x","phx_join",{}]"#);
    let expected = r#"["9","9","room:x","phx_reply",{"status":"error","response":{"reason":"too many channels joined"}}]"#;
    assert_eq!(frames(&actions), [expected]);
    // A duplicate join does not count double.
    join(&mut state, "\"2\"", "room:0");
    state.step(Input::Down(channels[0]));
    // A slot is freed by a close or a crash.
    state.step(Input::Closing(channels[1]));
    join(&mut state, "\"1\"", "room:x");
}

#[test]
fn replaced_channels_that_do_not_end_are_bounded() {
    let mut state = state();
    let started = (0..100)
        .filter(|n| {
            let join = receive(&mut state, &format!(r#"["{n}","{n}","room:a","phx_join",{{}}]"#));
            matches!(join.last(), Some(Action::Start { .. }))
        })
        .count();
    assert_eq!(started, 2 * LIMIT);
}

#[test]
fn a_crash_is_told_with_the_join_ref_twice() {
    // §2.8, §7.1
    for (join_ref, seen) in [("\"1\"", "\"1\""), ("4", "4"), ("null", "null")] {
        let mut state = state();
        let channel = join(&mut state, join_ref, "room:a");
        let actions = state.step(Input::Down(channel));
        let expected = format!(r#"[{seen},{seen},"room:a","phx_error",{{"reason":"channel_crash"}}]"#);
        assert_eq!(frames(&actions), [expected]);
        // The topic is free for a rejoin.
        join(&mut state, "\"2\"", "room:a");
    }
}

#[test]
fn a_crash_within_join_answers_the_join() {
    // §4.2
    let mut state = state();
    let actions = receive(&mut state, r#"["1","2","room:a","phx_join",{}]"#);
    let Some(Action::Start { channel, .. }) = actions.last() else { panic!("{actions:?}") };
    let answer = state.step(Input::Down(*channel));
    let expected =
        r#"["1","2","room:a","phx_reply",{"status":"error","response":{"reason":"join crashed"}}]"#;
    assert_eq!(frames(&answer), [expected]);
}

#[test]
fn a_channel_killed_while_leaving_is_closed() {
    let mut state = state();
    let channel = join(&mut state, "\"1\"", "room:a");
    receive(&mut state, r#"["1","2","room:a","phx_leave",{}]"#);
    assert_eq!(frames(&state.step(Input::Down(channel))), [r#"["1","1","room:a","phx_close",{}]"#]);
}

#[test]
fn a_message_over_the_rate_is_answered_with_the_time_to_wait() {
    // §18.8
    let message = message(r#"["1","2","room:a","x",{}]"#);
    let actions = state().step(Input::Refused { message, retry_after: Duration::from_millis(40) });
    let expected = r#"["1","2","room:a","phx_reply",{"status":"error","response":{"reason":"rate limited","retry_after_ms":40}}]"#;
    assert_eq!(frames(&actions), [expected]);
}

#[test]
fn reserved_names_of_the_server_are_ordinary_events_from_a_client() {
    // §2.6
    let mut state = state();
    join(&mut state, "\"1\"", "room:a");
    for event in ["phx_reply", "phx_close", "phx_error", "heartbeat", "presence_diff"] {
        let actions = receive(&mut state, &format!(r#"["1","2","room:a","{event}",{{}}]"#));
        assert!(matches!(actions.as_slice(), [Action::Deliver { .. }]), "{event}");
    }
}

#[test]
fn what_follows_a_join_that_fails_is_answered_as_if_it_had_come_after_it() {
    // §4.2
    let ends: [fn(ChannelId) -> Input; 2] = [Input::Closing, Input::Down];
    for end in ends {
        let mut state = state();
        let actions = receive(&mut state, r#"["1","1","room:a","phx_join",{}]"#);
        let Some(Action::Start { channel, .. }) = actions.last() else { panic!("not started") };
        receive(&mut state, r#"["1","2","room:a","new_msg",{}]"#);
        receive(&mut state, r#"["1","3","room:a","phx_leave",{}]"#);
        let actions = state.step(end(*channel));
        let answers = frames(&actions);
        let expected = [
            r#"[null,"2","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]"#,
            r#"["1","3","room:a","phx_reply",{"status":"ok","response":{}}]"#,
        ];
        assert_eq!(answers[answers.len() - 2..], expected);
    }
}

#[test]
fn a_channel_that_was_let_in_answers_for_itself() {
    let mut state = state();
    let channel = join(&mut state, "1", "room:a");
    receive(&mut state, r#"["1","2","room:a","new_msg",{}]"#);
    assert!(state.step(Input::Closing(channel)).is_empty());
}
