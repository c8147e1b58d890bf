//! From one run of the program to the next: what is known, as what is written down, and back.

use std::{borrow::Cow, sync::Arc};

use super::{
    Shared,
    answers::{Answer, Kept, Outcome, Scope},
    log::{Log, Record},
    snapshot::{self, AnswerPart, ClientPart, MessagePart, RecordPart, Snapshot, TopicPart},
};
use crate::payload::Payload;

impl Shared {
    /// These logs and all answers as bytes.
    pub(super) fn written(&self, logs: &[(Arc<str>, Log)]) -> Result<Vec<u8>, serde_json::Error> {
        let topics = logs.iter().map(|(topic, log)| TopicPart::of(topic, log)).collect();
        self.answers.each(|clients| {
            let answers = clients.map(|(scope, kept)| ClientPart::of(scope, kept)).collect();
            snapshot::encode(&Snapshot { topics, answers })
        })
    }

    /// Takes in what another run wrote, as far as it is still of use; gives back of how many topics.
    pub(super) fn restore(&self, snapshot: &Snapshot<'_>) -> usize {
        let now = self.clock.now();
        for part in &snapshot.topics {
            // The settings may have changed since.
            let Some(options) = self.rules.find(&part.topic) else { continue };
            let mut log = Log::restored(part.position, part.records.iter().map(RecordPart::record).collect());
            log.trim(options, now);
            self.logs.restore(part.topic.as_ref().into(), log, now);
        }
        for client in &snapshot.answers {
            let scope = client.scope();
            for message in &client.messages {
                self.answers.restore(&scope, message.id.as_ref().into(), message.outcome(), message.at);
            }
        }
        self.answers.sweep();
        snapshot.topics.len()
    }
}

impl<'a> TopicPart<'a> {
    fn of(topic: &'a str, log: &'a Log) -> TopicPart<'a> {
        let records = log.records().map(RecordPart::of).collect();
        TopicPart { topic: topic.into(), position: log.position(), records }
    }
}

impl<'a> RecordPart<'a> {
    fn of(record: &'a Record) -> RecordPart<'a> {
        let Record { event, payload, at } = record;
        RecordPart { event: (&**event).into(), payload: Cow::Borrowed(payload.as_raw()), at: *at }
    }

    fn record(&self) -> Record {
        Record { event: self.event.as_ref().into(), payload: Payload::from_raw(&self.payload), at: self.at }
    }
}

impl<'a> ClientPart<'a> {
    fn of(scope: &'a Scope, kept: Vec<Kept<'a>>) -> ClientPart<'a> {
        let messages = kept.into_iter().map(MessagePart::of).collect();
        ClientPart { client: (&*scope.client).into(), topic: (&*scope.topic).into(), messages }
    }

    fn scope(&self) -> Scope {
        Scope { client: self.client.as_ref().into(), topic: self.topic.as_ref().into() }
    }
}

impl<'a> MessagePart<'a> {
    fn of(Kept { at, id, outcome }: Kept<'a>) -> MessagePart<'a> {
        let (answer, crashed) = match outcome {
            // Bytes have no place here: of such an answer is known that it was given.
            Outcome::Answered(answer) => {
                (answer.as_ref().filter(|answer| !answer.response.is_binary()).map(AnswerPart::of), false)
            }
            Outcome::Crashed => (None, true),
        };
        MessagePart { id: (&**id).into(), at, answer, crashed }
    }

    fn outcome(&self) -> Outcome {
        if self.crashed {
            Outcome::Crashed
        } else {
            Outcome::Answered(self.answer.as_ref().map(AnswerPart::answer))
        }
    }
}

impl<'a> AnswerPart<'a> {
    fn of(Answer { status, response }: &'a Answer) -> AnswerPart<'a> {
        AnswerPart { status: (&**status).into(), response: Cow::Borrowed(response.as_raw()) }
    }

    fn answer(&self) -> Answer {
        Answer { status: self.status.as_ref().into(), response: Payload::from_raw(&self.response) }
    }
}
