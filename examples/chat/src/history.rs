//! What was said in a room lately (pure).

use std::{collections::VecDeque, sync::Arc};

use serde::Serialize;

use crate::{guest::Guest, text::Body};

/// One message of a room.
#[derive(Debug, Serialize)]
pub(crate) struct Post {
    /// Unlike any other, also those of the room's earlier incarnations.
    pub(crate) id: String,
    /// Its place in the room's order; there are no gaps.
    pub(crate) seq: u64,
    pub(crate) from: Guest,
    pub(crate) body: Body,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

impl Post {
    /// What a post takes in JSON besides its texts, at most.
    const FRAME_BYTES: usize = 256;

    /// No fewer bytes than it takes in JSON.
    pub(crate) fn weight(&self) -> usize {
        Post::FRAME_BYTES + self.from.nickname.json_bytes() + self.body.json_bytes()
    }
}

/// The newest messages, as many as fit.
#[derive(Debug)]
pub(crate) struct History {
    posts: VecDeque<Arc<Post>>,
    posts_max: usize,
    weight: usize,
    weight_max: usize,
    last_seq: u64,
}

impl History {
    /// So many posts, which weigh so much together.
    pub(crate) fn new(posts_max: usize, weight_max: usize) -> History {
        History { posts: VecDeque::new(), posts_max, weight: 0, weight_max, last_seq: 0 }
    }

    /// Takes in what `write` makes of the next place in the order, and forgets the oldest if it has to.
    pub(crate) fn append(&mut self, write: impl FnOnce(u64) -> Post) -> Arc<Post> {
        self.last_seq += 1;
        let post = Arc::new(write(self.last_seq));
        self.weight += post.weight();
        self.posts.push_back(post.clone());
        while self.posts.len() > self.posts_max || self.weight > self.weight_max {
            let Some(oldest) = self.posts.pop_front() else { break };
            self.weight -= oldest.weight();
        }
        post
    }

    /// The messages, oldest first.
    pub(crate) fn posts(&self) -> Vec<Arc<Post>> {
        self.posts.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(seq: u64) -> Post {
        saying("hello", seq)
    }

    fn saying(body: &str, seq: u64) -> Post {
        let body = Body::parse(body).unwrap();
        Post { id: seq.to_string(), seq, from: Guest::called("Ada"), body, at: 0 }
    }

    fn seqs(history: &History) -> Vec<u64> {
        history.posts().iter().map(|post| post.seq).collect()
    }

    #[test]
    fn the_newest_messages_are_kept_in_order() {
        let mut history = History::new(3, usize::MAX);
        for _ in 0..5 {
            history.append(post);
        }
        assert_eq!(seqs(&history), [3, 4, 5]);
    }

    #[test]
    fn a_room_may_remember_nothing() {
        let mut history = History::new(0, usize::MAX);
        assert_eq!(history.append(post).seq, 1);
        assert!(history.posts().is_empty());
    }

    #[test]
    fn long_messages_make_it_remember_fewer_and_short_ones_many_again() {
        let long = "🙂".repeat(Body::CHARS_MAX);
        let mut history = History::new(100, 3 * saying(&long, 1).weight());
        for _ in 0..5 {
            history.append(|seq| saying(&long, seq));
        }
        assert_eq!(seqs(&history), [3, 4, 5]);
        history.append(post);
        assert_eq!(seqs(&history), [4, 5, 6]);
        (0..99).for_each(|_| drop(history.append(post)));
        assert_eq!(history.posts().len(), 3 * saying(&long, 1).weight() / post(1).weight());
    }

    #[test]
    fn a_message_that_alone_is_too_much_is_said_and_not_remembered() {
        let mut history = History::new(100, 10);
        assert_eq!(history.append(post).seq, 1);
        assert!(history.posts().is_empty());
        assert_eq!(history.weight, 0);
    }

    #[test]
    fn a_post_takes_no_more_than_it_weighs() {
        let epoch = format!("{:x}", u64::MAX);
        for body in ["a", "\"\\\"", "a\n\tb", "🙂", &"\"".repeat(Body::CHARS_MAX)] {
            for name in ["A", &"\"".repeat(24), &"🙂".repeat(24)] {
                let from = Guest { id: epoch.as_str().into(), ..Guest::called(name) };
                let id = format!("{epoch}-{}", u64::MAX);
                let post = Post { id, seq: u64::MAX, from, at: u64::MAX, ..saying(body, 1) };
                let bytes = serde_json::to_vec(&post).unwrap().len();
                assert!(bytes <= post.weight(), "{bytes} of {}", post.weight());
                assert!(post.weight() <= bytes + Post::FRAME_BYTES);
            }
        }
    }
}
