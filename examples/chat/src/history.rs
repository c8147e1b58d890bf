//! What was said in a room lately (pure).

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use crate::guest::Guest;
use crate::text::Body;

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

/// The newest messages, as many as fit.
#[derive(Debug)]
pub(crate) struct History {
    posts: VecDeque<Arc<Post>>,
    posts_max: usize,
    last_seq: u64,
}

impl History {
    pub(crate) fn new(posts_max: usize) -> History {
        History { posts: VecDeque::new(), posts_max, last_seq: 0 }
    }

    /// Takes in what `write` makes of the next place in the order, and forgets the oldest if it has to.
    pub(crate) fn append(&mut self, write: impl FnOnce(u64) -> Post) -> Arc<Post> {
        self.last_seq += 1;
        let post = Arc::new(write(self.last_seq));
        self.posts.push_back(post.clone());
        while self.posts.len() > self.posts_max {
            self.posts.pop_front();
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
        let body = Body::parse("hello").unwrap();
        Post { id: seq.to_string(), seq, from: Guest::called("Ada"), body, at: 0 }
    }

    #[test]
    fn the_newest_messages_are_kept_in_order() {
        let mut history = History::new(3);
        for _ in 0..5 {
            history.append(post);
        }
        let seqs: Vec<u64> = history.posts().iter().map(|post| post.seq).collect();
        assert_eq!(seqs, [3, 4, 5]);
    }

    #[test]
    fn a_room_may_remember_nothing() {
        let mut history = History::new(0);
        assert_eq!(history.append(post).seq, 1);
        assert!(history.posts().is_empty());
    }
}
