//! All histories as bytes (pure): a line that says what follows, then JSON.
//!
//! ```text
//!    throng-history 1 <bytes> <checksum>\n
//!    {"topics":[{"topic":"room:1","epoch":"…","offset":7,"records":[{"event":"said","payload":{…},"at":1764000000000}]}],
//!     "answers":[{"client":"user:1","topic":"room:1","messages":[{"id":"…","at":…,"status":"ok","response":{…}}]}]}
//! ```
//!
//! What is not wholly as it was written is refused: a replay that is wrong is worse than none.

use std::{borrow::Cow, str};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const MAGIC: &str = "throng-history";
const VERSION: u32 = 1;

/// What is written down of all topics and clients.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Snapshot<'a> {
    #[serde(borrow)]
    pub(super) topics: Vec<TopicPart<'a>>,
    #[serde(borrow)]
    pub(super) answers: Vec<ClientPart<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TopicPart<'a> {
    #[serde(borrow)]
    pub(super) topic: Cow<'a, str>,
    #[serde(flatten)]
    pub(super) position: super::Position,
    #[serde(borrow)]
    pub(super) records: Vec<RecordPart<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordPart<'a> {
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) payload: Cow<'a, RawValue>,
    pub(super) at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClientPart<'a> {
    #[serde(borrow)]
    pub(super) client: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) topic: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) messages: Vec<MessagePart<'a>>,
}

/// Without a status it was handled and not answered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessagePart<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    pub(super) at: u64,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<AnswerPart<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) crashed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AnswerPart<'a> {
    #[serde(borrow)]
    pub(super) status: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) response: Cow<'a, RawValue>,
}

/// Why bytes are no histories.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// They do not begin as they should.
    #[error("it is not a file of histories")]
    Foreign,
    /// Another version of this program wrote them.
    #[error("it is of version {0}, which is not understood")]
    Version(u32),
    /// There are more or fewer bytes than were written.
    #[error("it was cut: {found} bytes of {written}")]
    Cut {
        /// How many there are.
        found: usize,
        /// How many there were.
        written: usize,
    },
    /// They are not those that were written.
    #[error("its checksum is wrong")]
    Checksum,
    /// They are what was written, which was wrong.
    #[error("it is malformed")]
    Malformed(#[source] serde_json::Error),
}

pub(super) fn encode(snapshot: &Snapshot<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(snapshot)?;
    let mut bytes = format!("{MAGIC} {VERSION} {} {:08x}\n", body.len(), crc32(&body)).into_bytes();
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot<'_>, SnapshotError> {
    let end = bytes.iter().take(128).position(|byte| *byte == b'\n').ok_or(SnapshotError::Foreign)?;
    let (head, body) =
        (str::from_utf8(&bytes[..end]).map_err(|_| SnapshotError::Foreign)?, &bytes[end + 1..]);
    let mut words = head.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(SnapshotError::Foreign);
    }
    let mut word = || words.next().ok_or(SnapshotError::Foreign);
    let version = word()?.parse().map_err(|_| SnapshotError::Foreign)?;
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let written = word()?.parse().map_err(|_| SnapshotError::Foreign)?;
    if body.len() != written {
        return Err(SnapshotError::Cut { found: body.len(), written });
    }
    if u32::from_str_radix(word()?, 16) != Ok(crc32(body)) {
        return Err(SnapshotError::Checksum);
    }
    serde_json::from_slice(body).map_err(SnapshotError::Malformed)
}

/// CRC-32 as in ISO-HDLC: finds what a disk or a cut does, and nothing that somebody does on purpose.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let (mut value, mut bit) = (index as u32, 0);
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, byte| TABLE[((crc ^ u32::from(*byte)) & 255) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::Position;

    fn position() -> Position {
        "0f3kq9xw2m:42".parse().unwrap()
    }

    fn written(topic: &str, words: &str) -> Vec<u8> {
        let payload = serde_json::value::to_raw_value(&serde_json::json!({ "words": words })).unwrap();
        let records = vec![RecordPart { event: "said".into(), payload: Cow::Borrowed(&payload), at: 7 }];
        let topics = vec![TopicPart { topic: topic.into(), position: position(), records }];
        let answer = Some(AnswerPart { status: "ok".into(), response: Cow::Borrowed(&payload) });
        let messages = vec![
            MessagePart { id: "1".into(), at: 8, answer, crashed: false },
            MessagePart { id: "2".into(), at: 9, answer: None, crashed: true },
        ];
        let answers = vec![ClientPart { client: "ada".into(), topic: topic.into(), messages }];
        encode(&Snapshot { topics, answers }).unwrap()
    }

    #[test]
    fn the_form_is_fixed() {
        // The next version has to read what this one wrote.
        let text = String::from_utf8(written("r", "hi")).unwrap();
        let body = concat!(
            r#"{"topics":[{"topic":"r","epoch":"0f3kq9xw2m","offset":42,"records":[{"event":"said","payload":{"words":"hi"},"at":7}]}],"#,
            r#""answers":[{"client":"ada","topic":"r","messages":[{"id":"1","at":8,"answer":{"status":"ok","response":{"words":"hi"}}},"#,
            r#"{"id":"2","at":9,"crashed":true}]}]}"#
        );
        assert_eq!(text, format!("throng-history 1 {} {:08x}\n{body}", body.len(), crc32(body.as_bytes())));
    }

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn each_way_of_being_wrong_has_a_name() {
        let good = written("r", "hi");
        let of = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
        assert_eq!(of(b""), "it is not a file of histories");
        assert_eq!(of(b"\n"), "it is not a file of histories");
        assert_eq!(of(&[0xff; 200]), "it is not a file of histories");
        assert_eq!(of(b"throng-history 2 0 0\n"), "it is of version 2, which is not understood");
        assert!(of(&good[..good.len() - 1]).starts_with("it was cut"));
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(of(&flipped), "its checksum is wrong");
        let body = b"{}";
        let line = format!("throng-history 1 2 {:08x}\n{{}}", crc32(body));
        assert_eq!(of(line.as_bytes()), "it is malformed");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_what_was_changed_is_refused(
            topic in ".{0,20}", words in ".{0,60}", at in any::<prop::sample::Index>(), bit in 0..8_u8
        ) {
            let mut bytes = written(&topic, &words);
            let snapshot = decode(&bytes).unwrap();
            prop_assert_eq!(&*snapshot.topics[0].topic, &*topic);
            prop_assert_eq!(snapshot.topics[0].position, position());
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            // A letter of the checksum may change its case.
            let is_same = decode(&bytes).is_ok_and(|read| *read.topics[0].topic == topic);
            prop_assert!(decode(&bytes).is_err() || (is_same && bit == 5));
            let _ = decode(&bytes[..at]);
        }
    }
}
