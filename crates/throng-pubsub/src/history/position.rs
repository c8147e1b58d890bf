//! Places in a topic's history (pure).

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize, Serializer, de};
use serde_json::Value;

use crate::payload::Payload;

/// Digits of an epoch: those that nobody takes for one another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Five bits each.
const EPOCH_DIGITS: usize = 10;

/// The field of a payload that says where in the history it stands.
const SINCE: &str = "_since";

/// Names one log of a topic: another log of the same topic has another epoch, on this node or any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

/// Fresh epochs: drawn, so that no earlier run of the program has had them.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    key: RandomState,
    count: AtomicU64,
}

impl Epochs {
    pub(crate) fn draw(&self) -> Epoch {
        Epoch::of_bits(self.key.hash_one(self.count.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Epoch {
    fn of_bits(bits: u64) -> Epoch {
        Epoch(bits >> (64 - 5 * EPOCH_DIGITS))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..EPOCH_DIGITS).rev() {
            let value = (self.0 >> (5 * digit)) & 31;
            write!(f, "{}", char::from(DIGITS[value as usize]))?;
        }
        Ok(())
    }
}

impl FromStr for Epoch {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Epoch, PositionError> {
        if text.len() != EPOCH_DIGITS {
            return Err(PositionError);
        }
        text.bytes().try_fold(Epoch(0), |Epoch(bits), byte| {
            let value = DIGITS.iter().position(|digit| *digit == byte).ok_or(PositionError)?;
            Ok(Epoch(bits << 5 | value as u64))
        })
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Epoch, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A place in a topic's history: after the message of that offset. The first message of a log has the offset 1.
///
/// As text it is `epoch:offset`, which a client keeps as it is and gives back as `since` (§18.6).
///
/// ```
/// # use throng_pubsub::Position;
/// let position: Position = "0f3kq9xw2m:42".parse()?;
/// assert_eq!(position.offset, 42);
/// assert_eq!(position.to_string(), "0f3kq9xw2m:42");
/// # Ok::<_, throng_pubsub::PositionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Which log.
    pub epoch: Epoch,
    /// How far in it.
    pub offset: u64,
}

impl Position {
    /// A payload for clients at this place: an object has it in the field `_since`. What is no object stays as it is.
    #[must_use]
    pub fn stamp(self, payload: &Payload) -> Payload {
        Payload::new(self.to_string())
            .map_or_else(|_| payload.clone(), |value| payload.with_field(SINCE, &value))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        let (epoch, offset) = text.split_once(':').ok_or(PositionError)?;
        let is_number = !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit());
        let offset = offset.parse().ok().filter(|_| is_number).ok_or(PositionError)?;
        Ok(Position { epoch: epoch.parse()?, offset })
    }
}

/// A text that names no place in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is written epoch:offset")]
pub struct PositionError;

/// From where a client wants to hear what it missed (§18.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// All that is kept: the wish of a newcomer, who has missed nothing.
    Start,
    /// What came after this.
    Position(Position),
    /// A place that cannot be read, so nobody knows what came after it.
    Unknown,
}

impl Since {
    /// What a client said, in any of its forms: `{"epoch": …, "offset": …}`, the text `"epoch:offset"`, or `0` for all that is
    /// kept. `None` for `null`: it did not ask.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use throng_pubsub::Since;
    /// let text = Since::of(&json!("0f3kq9xw2m:42"));
    /// assert!(matches!(text, Some(Since::Position(position)) if position.offset == 42));
    /// assert_eq!(text, Since::of(&json!({ "epoch": "0f3kq9xw2m", "offset": 42 })));
    /// assert_eq!(Since::of(&json!(0)), Some(Since::Start));
    /// assert_eq!(Since::of(&json!(null)), None);
    /// assert_eq!(Since::of(&json!("yesterday")), Some(Since::Unknown));
    /// ```
    pub fn of(value: &Value) -> Option<Since> {
        let position = match value {
            Value::Null => return None,
            Value::String(text) if text == "0" => return Some(Since::Start),
            Value::String(text) => text.parse().ok(),
            Value::Object(fields) => position(fields.get("epoch"), fields.get("offset")),
            Value::Number(number) if number.as_u64() == Some(0) => return Some(Since::Start),
            _ => None,
        };
        Some(position.map_or(Since::Unknown, Since::Position))
    }
}

/// An offset may come as text, from a client that keeps texts alone.
fn position(epoch: Option<&Value>, offset: Option<&Value>) -> Option<Position> {
    match (epoch?.as_str()?, offset?) {
        (epoch, Value::String(offset)) => format!("{epoch}:{offset}").parse().ok(),
        (epoch, offset) => Some(Position { epoch: epoch.parse().ok()?, offset: offset.as_u64()? }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn no_two_epochs_are_the_same() {
        let epochs = [Epochs::default(), Epochs::default()];
        let drawn: HashSet<_> = (0..20_000).map(|n| epochs[n % 2].draw()).collect();
        assert_eq!(drawn.len(), 20_000);
    }

    #[test]
    fn what_names_no_place_is_unknown_and_never_the_start() {
        let epoch = Epochs::default().draw().to_string();
        for wrong in [
            json!(7),
            json!(-0.5),
            json!(true),
            json!([]),
            json!(""),
            json!(":"),
            json!(":0"),
            json!("00"),
            json!(format!("{epoch}:")),
            json!(format!("{epoch}:+1")),
            json!(format!("{epoch}:1:2")),
            json!(format!("{epoch}:99999999999999999999999")),
            json!(format!("{epoch}x:1")),
            json!({}),
            json!({ "offset": 0 }),
            json!({ "epoch": epoch }),
            json!({ "epoch": epoch, "offset": -1 }),
            json!({ "epoch": epoch, "offset": 1.5 }),
            json!({ "epoch": 1, "offset": 1 }),
        ] {
            assert_eq!(Since::of(&wrong), Some(Since::Unknown), "{wrong}");
        }
        let position = Since::Position(Position { epoch: epoch.parse().unwrap(), offset: 7 });
        assert_eq!(Since::of(&json!({ "epoch": epoch, "offset": "7", "more": 1 })), Some(position));
    }

    proptest! {
        #[test]
        fn a_position_is_read_as_it_was_written(bits: u64, offset: u64) {
            let position = Position { epoch: Epoch::of_bits(bits), offset };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
            let json = serde_json::to_value(position).unwrap();
            prop_assert_eq!(Since::of(&json), Some(Since::Position(position)));
            prop_assert_eq!(serde_json::from_value::<Position>(json).unwrap(), position);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}") {
            let _ = Since::of(&json!(text));
        }
    }
}
