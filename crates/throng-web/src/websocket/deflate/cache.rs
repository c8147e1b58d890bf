//! A frame's compressed forms, each made once.

use bytes::Bytes;
use parking_lot::Mutex;

use super::Deflate;

/// The compressed forms of one payload, for all who share it. There are as many as there are agreements among its
/// receivers: one or two.
#[derive(Debug, Default)]
pub(crate) struct Deflated {
    /// `None` for what is not smaller when compressed.
    made: Mutex<Vec<(Deflate, Option<Bytes>)>>,
}

impl Deflated {
    /// The form for an agreement. The first who asks makes it; others wait for it.
    pub(crate) fn get_or_make(&self, deflate: Deflate, parts: &[&[u8]]) -> Option<Bytes> {
        let mut made = self.made.lock();
        if let Some((_, deflated)) = made.iter().find(|(other, _)| *other == deflate) {
            return deflated.clone();
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let deflated = Some(Bytes::from(deflate.deflate(parts))).filter(|deflated| deflated.len() < length);
        made.push((deflate, deflated.clone()));
        deflated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::deflate::WindowBits;

    #[test]
    fn c1_10_a_payload_is_compressed_once_for_all_who_agreed_on_the_same() {
        let (cache, text) = (Deflated::default(), vec![b'x'; 5_000]);
        let deflated = |bits| cache.get_or_make(Deflate::new(3, WindowBits::of(bits)), &[&text]).unwrap();
        assert_eq!(deflated(15).as_ptr(), deflated(15).as_ptr());
        assert_ne!(deflated(15).as_ptr(), deflated(10).as_ptr());
        assert_eq!(cache.made.lock().len(), 2);
    }

    #[test]
    fn c1_10_what_does_not_become_smaller_is_left_as_it_is() {
        let noise = crate::websocket::deflate::compressor::noise(3_000);
        let cache = Deflated::default();
        assert_eq!(cache.get_or_make(Deflate::new(3, WindowBits::of(9)), &[&noise]), None);
    }
}
