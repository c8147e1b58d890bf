//! What a key is to the choice of a partition: pure (R2).

use std::hash::{Hash, Hasher};

/// The number whose remainder chooses the partition: an integer's absolute value, and for every other key a hash
/// that has no seed, so that the same key comes to the same partition in every run.
pub(super) fn number<K: Hash + ?Sized>(key: &K) -> u128 {
    let mut reader = KeyReader { seen: Seen::Nothing, hash: FNV_OFFSET };
    key.hash(&mut reader);
    match reader.seen {
        Seen::Integer(number) => number,
        Seen::Nothing | Seen::More => reader.finish().into(),
    }
}

/// The partition of `partitions`, which is not zero, that a number chooses.
pub(super) fn choose(number: u128, partitions: usize) -> usize {
    // Nearly every key fits: a division of 64 bits is several times as fast as one of 128.
    match u64::try_from(number) {
        Ok(number) => (number % partitions as u64) as usize,
        Err(_) => (number % partitions as u128) as usize,
    }
}

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

/// A hasher (FNV-1a) that notices when all that a key consists of is one integer.
struct KeyReader {
    seen: Seen,
    hash: u64,
}

enum Seen {
    Nothing,
    Integer(u128),
    More,
}

impl KeyReader {
    fn integer(&mut self, absolute: u128, bytes: &[u8]) {
        let is_first = matches!(self.seen, Seen::Nothing);
        self.write(bytes);
        if is_first {
            self.seen = Seen::Integer(absolute);
        }
    }
}

impl Hasher for KeyReader {
    fn write(&mut self, bytes: &[u8]) {
        self.seen = Seen::More;
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }

    /// Its upper half folded in: FNV's lowest bits know little of a key's upper ones.
    fn finish(&self) -> u64 {
        self.hash ^ (self.hash >> 32)
    }

    fn write_u8(&mut self, key: u8) {
        self.integer(key.into(), &key.to_le_bytes());
    }

    fn write_u16(&mut self, key: u16) {
        self.integer(key.into(), &key.to_le_bytes());
    }

    fn write_u32(&mut self, key: u32) {
        self.integer(key.into(), &key.to_le_bytes());
    }

    fn write_u64(&mut self, key: u64) {
        self.integer(key.into(), &key.to_le_bytes());
    }

    fn write_u128(&mut self, key: u128) {
        self.integer(key, &key.to_le_bytes());
    }

    fn write_usize(&mut self, key: usize) {
        self.integer(key as u128, &key.to_le_bytes());
    }

    fn write_i8(&mut self, key: i8) {
        self.integer(key.unsigned_abs().into(), &key.to_le_bytes());
    }

    fn write_i16(&mut self, key: i16) {
        self.integer(key.unsigned_abs().into(), &key.to_le_bytes());
    }

    fn write_i32(&mut self, key: i32) {
        self.integer(key.unsigned_abs().into(), &key.to_le_bytes());
    }

    fn write_i64(&mut self, key: i64) {
        self.integer(key.unsigned_abs().into(), &key.to_le_bytes());
    }

    fn write_i128(&mut self, key: i128) {
        self.integer(key.unsigned_abs(), &key.to_le_bytes());
    }

    fn write_isize(&mut self, key: isize) {
        self.integer(key.unsigned_abs() as u128, &key.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_an_integer_is_routed_by_its_absolute_value() {
        #[derive(Hash)]
        struct UserId(u64);
        for (number, partition) in [
            (number(&5_u8), 1),
            (number(&5_i64), 1),
            (number(&-5_i32), 1),
            (number(&-6_i128), 2),
            (number(&i64::MIN), 0),
            (number(&u128::MAX), 3),
            (number(&UserId(7)), 3),
            (number(&&7_usize), 3),
        ] {
            assert_eq!(choose(number, 4), partition);
        }
    }

    #[test]
    fn r2_other_keys_are_spread_evenly_and_alike_in_every_run() {
        let mut hits = [0; 8];
        for user in 0..8_000 {
            hits[choose(number(&format!("user:{user}")), 8)] += 1;
        }
        assert!(hits.iter().all(|hits| (850..1_150).contains(hits)), "{hits:?}");
        assert_eq!(number("lobby"), number(&"lobby".to_owned()));
        assert_eq!(number("lobby"), number(&String::from("lobby")));
        assert_ne!(number(&(1_u64, 2_u64)), number(&(2_u64, 1_u64)));
        // A table of another run, by hand: it has no seed.
        assert_eq!(number(""), u128::from(fnv(&[0xFF])));
    }

    fn fnv(bytes: &[u8]) -> u64 {
        let hash =
            bytes.iter().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
        hash ^ (hash >> 32)
    }
}
