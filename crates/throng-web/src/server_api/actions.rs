//! What can be asked.

use serde_json::{Map, Value, json};
use throng_pubsub::{Broadcast, Presence, Since};

use super::{ServerApi, error::ApiError, fields::Fields};

type Answer = Result<Value, ApiError>;

/// Sends one event to a topic.
pub(super) fn publish(api: &ServerApi, fields: &Map<String, Value>) -> Answer {
    send(api, &Fields::root(fields).broadcast()?)?;
    Ok(json!({ "ok": true }))
}

/// Sends several; all are looked at before any is sent.
pub(super) fn publish_batch(api: &ServerApi, fields: &Map<String, Value>) -> Answer {
    let root = Fields::root(fields);
    let messages = match fields.get("messages") {
        Some(Value::Array(messages)) if messages.len() > api.batch_max => {
            return Err(root.wrong("messages", format!("are more than {}", api.batch_max)));
        }
        Some(Value::Array(messages)) => messages,
        Some(_) => return Err(root.wrong("messages", "must be a list")),
        None => return Err(root.wrong("messages", "is missing")),
    };
    let read = |(index, message): (usize, &Value)| match message {
        Value::Object(of) => Fields { of, at: format!("messages[{index}].") }.broadcast(),
        _ => Err(root.wrong(&format!("messages[{index}]"), "must be an object")),
    };
    let broadcasts = messages.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    broadcasts.iter().try_for_each(|broadcast| send(api, broadcast))?;
    Ok(json!({ "ok": true, "published": broadcasts.len() }))
}

/// Ends the connections of a socket id (§7.4).
pub(super) fn disconnect(api: &ServerApi, fields: &Map<String, Value>) -> Answer {
    let id = Fields::root(fields).name("id")?;
    api.endpoint.disconnect(id).map_err(|error| ApiError::Unavailable(error.to_string()))?;
    Ok(json!({ "ok": true }))
}

/// Who is present on a topic.
pub(super) fn presence(api: &ServerApi, fields: &Map<String, Value>) -> Answer {
    let presences = find_presence(api, fields)?.list(Fields::root(fields).name("topic")?);
    let (count, presences) = (presences.len(), serde_json::to_value(&presences));
    let presences = presences.map_err(|error| ApiError::Unavailable(error.to_string()))?;
    Ok(json!({ "count": count, "presences": presences }))
}

fn find_presence<'a>(api: &'a ServerApi, fields: &Map<String, Value>) -> Result<&'a Presence, ApiError> {
    let named = fields.get("presence").and_then(Value::as_str);
    let mut found = api.presences.iter().filter(|presence| named.is_none_or(|name| presence.name() == name));
    let not_found =
        |reason: &str| ApiError::NotFound { field: "presence".to_owned(), reason: reason.to_owned() };
    match (found.next(), found.next()) {
        (Some(presence), None) => Ok(presence),
        (Some(_), Some(_)) => Err(Fields::root(fields).wrong("presence", "must name one of several")),
        (None, _) => Err(not_found("there is none")),
    }
}

/// What was broadcast on a topic after a place, oldest first (§18.6).
pub(super) fn history(api: &ServerApi, fields: &Map<String, Value>) -> Answer {
    let root = Fields::root(fields);
    let topic = root.name("topic")?;
    let limit = root.number("limit")?.unwrap_or(api.batch_max).min(api.batch_max);
    let since = match fields.get("since").and_then(Since::of) {
        None => Since::Start,
        Some(Since::Unknown) => return Err(root.wrong("since", "must be epoch:offset")),
        Some(since) => since,
    };
    let history = api.endpoint.pubsub().history().filter(|history| history.keeps(topic));
    let history = history.ok_or_else(|| ApiError::NotFound {
        field: "topic".to_owned(),
        reason: "has no history".to_owned(),
    })?;
    let missed = history.read(topic, since);
    let shown: Vec<_> = missed.messages.iter().take(limit).collect();
    // Of a part, the place after it is the one to go on from.
    let is_whole = shown.len() == missed.messages.len();
    let last = shown.last().and_then(|broadcast| broadcast.position()).filter(|_| !is_whole);
    Ok(json!({
        "position": last.unwrap_or(missed.position).to_string(),
        "gap": missed.gap,
        "more": !is_whole,
        "messages": shown.into_iter().map(message).collect::<Vec<_>>(),
    }))
}

/// Bytes are not recorded: all payloads of a history are JSON.
fn message(broadcast: &Broadcast) -> Value {
    json!({
        "event": broadcast.event(),
        "payload": broadcast.parse::<Value>().unwrap_or_default(),
        "position": broadcast.position().map(|position| position.to_string()),
    })
}

/// How many of everything there are on this node.
pub(super) fn counts(api: &ServerApi, fields: &Map<String, Value>) -> Answer {
    let endpoint = &api.endpoint;
    let outbound = endpoint.outbound_counts();
    let mut counts = json!({
        "connections": endpoint.connection_count(),
        "channels": endpoint.channel_count(),
        "queued_bytes": endpoint.queued_bytes(),
        "dropped": outbound.dropped,
        "closed_slow": outbound.closed,
    });
    if fields.contains_key("topic") {
        let topic = Fields::root(fields).name("topic")?;
        counts["subscribers"] = endpoint.pubsub().subscribers(topic).into();
    }
    Ok(counts)
}

fn send(api: &ServerApi, broadcast: &Broadcast) -> Result<(), ApiError> {
    let sent = api.endpoint.pubsub().dispatch(broadcast, None);
    sent.map_err(|error| ApiError::Unavailable(error.to_string()))
}
