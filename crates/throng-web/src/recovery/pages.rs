//! What was missed, as texts of a bounded size (pure).

use throng_pubsub::{Payload, Position};

use super::HISTORY;

/// What a message takes in a page beside its event and payload, at most.
const MESSAGE_BYTES: usize = 64;

/// What a client missed, in order, for a reply and the pushes after it.
#[derive(Debug)]
pub(crate) struct Pages {
    position: Position,
    gap: bool,
    bytes_max: usize,
    pages: Vec<Page>,
}

/// The messages of one page, as JSON without the brackets, and the place after them.
#[derive(Debug)]
struct Page {
    offset: u64,
    messages: String,
}

impl Pages {
    /// Pages of so many bytes each, up to a place; a message that is larger has a page of its own.
    pub(crate) fn new(position: Position, gap: bool, bytes_max: usize) -> Pages {
        let first = Page { offset: position.offset, messages: String::new() };
        Pages { position, gap, bytes_max, pages: vec![first] }
    }

    /// Adds a message that was missed; its payload says where it stands.
    pub(crate) fn add(&mut self, offset: u64, event: &str, payload: &Payload) {
        let text = payload.as_json();
        let is_full = self.pages.last().is_some_and(|page| {
            !page.messages.is_empty()
                && page.messages.len() + event.len() + text.len() + MESSAGE_BYTES > self.bytes_max
        });
        if is_full {
            self.pages.push(Page { offset, messages: String::new() });
        }
        let Some(page) = self.pages.last_mut() else { return };
        if !page.messages.is_empty() {
            page.messages.push(',');
        }
        page.offset = offset;
        let event = serde_json::Value::from(event);
        page.messages.push_str(&format!(r#"{{"offset":{offset},"event":{event},"payload":{text}}}"#));
    }

    /// How many messages there are is not known any more; whether there is more than one page is.
    pub(crate) fn into_payloads(mut self) -> Vec<Payload> {
        let count = self.pages.len();
        if let Some(last) = self.pages.last_mut() {
            // Also past those that the client is not shown.
            last.offset = self.position.offset;
        }
        let payload = |(index, page): (usize, &Page)| self.payload(page, index + 1 < count);
        self.pages.iter().enumerate().filter_map(payload).collect()
    }

    fn payload(&self, Page { offset, messages }: &Page, more: bool) -> Option<Payload> {
        let (epoch, gap) = (self.position.epoch, self.gap);
        let since = Position { offset: *offset, ..self.position };
        let text = format!(
            r#"{{"epoch":"{epoch}","offset":{offset},"since":"{since}","gap":{gap},"more":{more},"messages":[{messages}]}}"#
        );
        serde_json::value::RawValue::from_string(text).ok().map(Payload::from)
    }
}

/// The response to a join with the first page in it. What is no object has no place for it: `None`.
pub(crate) fn reply_with(response: &Payload, page: &Payload) -> Option<Payload> {
    (!response.is_binary() && response.as_json().starts_with('{')).then(|| response.with_field(HISTORY, page))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn position(offset: u64) -> Position {
        Position { offset, ..("0f3kq9xw2m:1".parse().unwrap()) }
    }

    fn read(pages: Pages) -> Vec<Value> {
        pages.into_payloads().iter().map(|page| page.parse().unwrap()).collect()
    }

    #[test]
    fn whoever_missed_nothing_learns_where_it_is() {
        let epoch = "0f3kq9xw2m";
        assert_eq!(
            read(Pages::new(position(7), false, 100)),
            [
                json!({ "epoch": epoch, "offset": 7, "since": "0f3kq9xw2m:7", "gap": false, "more": false, "messages": [] })
            ]
        );
    }

    #[test]
    fn a_response_that_is_no_object_stays_as_it_is() {
        let page = Payload::empty();
        for response in [json!([1]), json!("text"), json!(null)] {
            assert!(reply_with(&Payload::new(response).unwrap(), &page).is_none());
        }
        assert!(reply_with(&Payload::bytes(&b"{}"[..]), &page).is_none());
        let with = reply_with(&Payload::new(json!({ "a": 1 })).unwrap(), &page).unwrap();
        assert_eq!(with.as_json(), r#"{"a":1,"history":{}}"#);
    }

    proptest! {
        #[test]
        fn c18_6_pages_hold_all_in_order_and_each_says_how_far_it_goes(
            sizes in prop::collection::vec(0..300_usize, 0..40), hidden in 0..3_u64, bytes_max in 1..2_000_usize
        ) {
            let last = sizes.len() as u64 + hidden;
            let mut pages = Pages::new(position(last), true, bytes_max);
            for (offset, size) in (1..).zip(&sizes) {
                pages.add(offset, "sa\"id", &Payload::new(json!({ "x": "x".repeat(*size) })).unwrap());
            }
            let pages = read(pages);
            let mut offset = 0;
            for (index, page) in pages.iter().enumerate() {
                let messages = page["messages"].as_array().unwrap();
                for message in messages {
                    offset += 1;
                    prop_assert_eq!(&message["offset"], &json!(offset));
                    prop_assert_eq!(&message["event"], "sa\"id");
                }
                let is_last = index + 1 == pages.len();
                prop_assert_eq!(&page["offset"], &json!(if is_last { last } else { offset }));
                prop_assert_eq!(&page["more"], &json!(!is_last));
                let bytes = serde_json::to_string(messages).unwrap().len();
                prop_assert!(bytes <= bytes_max + 2 || messages.len() == 1 || (index == 0 && messages.is_empty()));
            }
            prop_assert_eq!(offset, sizes.len() as u64);
        }
    }
}
