use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use proptest::prelude::*;

use super::*;

/// §11.6: data and token, as signed by Phoenix under "user socket" at 1,700,000,000 s.
fn vectors() -> [(Term, &'static str); 3] {
    [
        (1.into(), "SFMyNTY.g2gDYQFuBgAAaOXPiwFiAAFRgA.LRNy6JzTMfMN5s4PYxoV19PzPZntSiNXBxlVzqarawI"),
        (
            "abc".into(),
            "SFMyNTY.g2gDbQAAAANhYmNuBgAAaOXPiwFiAAFRgA.LrOk2-wJ5UEOvIk8NF-Bv8mBX8feVCqiq9pKMn_E-C4",
        ),
        (
            [("id", 7)].into(),
            "SFMyNTY.g2gDdAAAAAFtAAAAAmlkYQduBgAAaOXPiwFiAAFRgA.aW0KMmeJDvyw7ofUgEGV_AOac8GUNIwBcKpIWIiEWeE",
        ),
    ]
}

const SALT: &str = "user socket";
const DAY: Duration = Duration::from_secs(86_400);

fn signed_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn tokens() -> Tokens {
    Tokens::new([b'k'; 64]).unwrap()
}

#[test]
fn c11_3_tokens_are_those_of_phoenix_byte_for_byte() {
    for (data, token) in vectors() {
        assert_eq!(tokens().sign_at(SALT, data.clone(), signed_at()).unwrap(), token);
        assert_eq!(tokens().verify_at(SALT, token, MaxAge::FromToken, signed_at()), Ok(data));
    }
}

#[test]
fn c11_6_the_content_is_the_term_measured() {
    let content = Term::Tuple(vec![1.into(), Term::Integer(1_700_000_000_000), Term::Integer(86_400)]);
    let expected = [131, 104, 3, 97, 1, 110, 6, 0, 0, 104, 229, 207, 139, 1, 98, 0, 1, 81, 128];
    assert_eq!(etf::encode(&content).unwrap(), expected);
}

#[test]
fn c11_5_a_token_expires_after_its_age_and_not_at_it() {
    let token = tokens().sign_at(SALT, "ada", signed_at()).unwrap();
    let verify = |max_age, now| tokens().verify_at(SALT, &token, max_age, now).map(drop);
    let ms = Duration::from_millis(1);
    let cases = [
        (MaxAge::FromToken, signed_at() + DAY, Ok(())),
        (MaxAge::FromToken, signed_at() + DAY + ms, Err(TokenError::Expired)),
        (MaxAge::At(Duration::from_secs(5)), signed_at() + Duration::from_secs(5), Ok(())),
        (
            MaxAge::At(Duration::from_secs(5)),
            signed_at() + Duration::from_secs(5) + ms,
            Err(TokenError::Expired),
        ),
        (MaxAge::At(Duration::ZERO), signed_at(), Err(TokenError::Expired)),
        (MaxAge::Infinite, signed_at() + 10_000 * DAY, Ok(())),
        // A clock behind the signer's is no reason to refuse.
        (MaxAge::FromToken, signed_at() - DAY, Ok(())),
        (MaxAge::At(Duration::MAX), signed_at() + DAY, Ok(())),
    ];
    for (max_age, now, expected) in cases {
        assert_eq!(verify(max_age, now), expected, "{max_age:?} at {now:?}");
    }
}

/// A token of our own secret around any content.
fn token_of(content: &Term) -> String {
    signed::sign(&tokens().newest.key(SALT), Digest::Sha256, &etf::encode(content).unwrap())
}

#[test]
fn c11_2_older_forms_of_content_are_read() {
    let at = Term::Integer(1_700_000_000_000);
    let pair = token_of(&Term::Tuple(vec!["ada".into(), at.clone()]));
    let map = token_of(&Term::Map(vec![
        (Term::Atom("data".into()), "ada".into()),
        (Term::Atom("signed".into()), at.clone()),
    ]));
    let forever = token_of(&Term::Tuple(vec!["ada".into(), at.clone(), Term::Atom("infinity".into())]));
    for token in [&pair, &map] {
        assert_eq!(tokens().verify_at(SALT, token, MaxAge::FromToken, signed_at() + DAY), Ok("ada".into()));
        let later = signed_at() + 2 * DAY;
        assert_eq!(tokens().verify_at(SALT, token, MaxAge::FromToken, later), Err(TokenError::Expired));
    }
    assert!(tokens().verify_at(SALT, &forever, MaxAge::FromToken, signed_at() + 9999 * DAY).is_ok());
    for content in [Term::Integer(1), Term::Tuple(vec![]), Term::Tuple(vec!["a".into(), "b".into()])] {
        let verified = tokens().verify_at(SALT, &token_of(&content), MaxAge::Infinite, signed_at());
        assert_eq!(verified, Err(TokenError::Invalid), "{content:?}");
    }
}

#[test]
fn c11_3_salt_and_secret_are_part_of_the_signature() {
    let token = tokens().sign(SALT, "ada").unwrap();
    assert_eq!(tokens().verify("other salt", &token, MaxAge::FromToken), Err(TokenError::Invalid));
    let stranger = Tokens::new([b'x'; 64]).unwrap();
    assert_eq!(stranger.verify(SALT, &token, MaxAge::FromToken), Err(TokenError::Invalid));
}

#[test]
fn c11_1_a_rotated_secret_is_still_accepted_and_no_longer_signs() {
    let rotated = Tokens::new([b'n'; 64]).unwrap().or_older([b'k'; 64]).unwrap();
    assert!(rotated.verify(SALT, &tokens().sign(SALT, "ada").unwrap(), MaxAge::FromToken).is_ok());
    assert!(tokens().verify(SALT, &rotated.sign(SALT, "ada").unwrap(), MaxAge::FromToken).is_err());
    assert!(Tokens::new("short").is_err());
}

#[test]
fn c11_2_data_that_could_not_be_verified_is_not_signed() {
    let wide = Term::Tuple(vec![Term::Integer(1); 256]);
    assert_eq!(tokens().sign(SALT, wide), Err(SignError::Unencodable));
    let mut longest = 6000;
    while tokens_once().sign(SALT, "x".repeat(longest + 1)).is_ok() {
        longest += 1;
    }
    assert_eq!(tokens_once().sign(SALT, "x".repeat(longest + 1)), Err(SignError::TooLong));
    let token = tokens_once().sign(SALT, "x".repeat(longest)).unwrap();
    assert!(tokens_once().verify(SALT, &token, MaxAge::FromToken).is_ok());
}

#[test]
fn c11_3_what_is_not_three_parts_of_ours_is_invalid() {
    let good = vectors()[1].1;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let content = head.split_once('.').unwrap().1;
    let cases = [
        String::new(),
        ".".into(),
        "..".into(),
        head.to_owned(),
        format!("{good}."),
        format!("{good}.x"),
        format!(".{good}"),
        format!("{good}="),
        format!("{head}."),
        format!("SFMzODQ.{content}.{signature}"),
        format!("SFMyNTY.{content}.{content}.{signature}"),
        format!("bm9uZQ.{content}."),
        good.to_ascii_lowercase(),
        format!(" {good}"),
        "a".repeat(TOKEN_BYTES_MAX + 1),
    ];
    for token in cases {
        let verified = tokens().verify_at(SALT, &token, MaxAge::Infinite, signed_at());
        assert_eq!(verified, Err(TokenError::Invalid), "{token:?}");
    }
}

#[test]
fn c11_2_a_token_says_when_it_was_signed_and_when_it_expires() {
    let validity = Validity::lasting(Duration::from_secs(90)).from_time(signed_at());
    let token = tokens().sign_for(SALT, "ada", validity).unwrap();
    let opened = tokens().open_at(SALT, &token, MaxAge::FromToken, signed_at()).unwrap();
    let expected = TokenData {
        data: "ada".into(),
        signed_at: signed_at(),
        expires_at: Some(signed_at() + Duration::from_secs(90)),
    };
    assert_eq!(opened, expected);
    let shorter = MaxAge::At(Duration::from_secs(5));
    let opened = tokens().open_at(SALT, &token, shorter, signed_at()).unwrap();
    assert_eq!(opened.expires_at, Some(signed_at() + Duration::from_secs(5)));
    let forever = tokens().sign_for(SALT, "ada", Validity::forever()).unwrap();
    assert_eq!(tokens().open(SALT, &forever, MaxAge::FromToken).unwrap().expires_at, None);
}

#[test]
fn c11_3_the_digest_is_the_one_that_the_token_names() {
    for (digest, header) in [(Digest::Sha384, "SFMzODQ."), (Digest::Sha512, "SFM1MTI.")] {
        let token = tokens().signing_digest(digest).sign(SALT, "ada").unwrap();
        assert!(token.starts_with(header), "{token}");
        assert_eq!(tokens().verify(SALT, &token, MaxAge::FromToken), Ok("ada".into()));
        let (_, rest) = token.split_once('.').unwrap();
        let renamed = format!("SFMyNTY.{rest}");
        assert_eq!(tokens().verify(SALT, &renamed, MaxAge::FromToken), Err(TokenError::Invalid));
    }
}

#[test]
fn c11_1_the_digest_of_the_key_is_part_of_it() {
    let with = |digest| Tokens::new([b'n'; 64]).unwrap().or_older([b'k'; 64]).unwrap().key_digest(digest);
    let old = tokens().key_digest(Digest::Sha512).sign(SALT, "ada").unwrap();
    assert_eq!(with(Digest::Sha512).verify(SALT, &old, MaxAge::FromToken), Ok("ada".into()));
    assert_eq!(with(Digest::Sha384).verify(SALT, &old, MaxAge::FromToken), Err(TokenError::Invalid));
}

/// §11.6: as encrypted by Phoenix.
const ENCRYPTED: &str =
    "XCP.1yiTUiYzItt-7C5lekus5VNnLoJJ0vMNvlt0pvk0BMF49-hhXV3JcW0fBgO1eZAuz4e7dsMV79TtmTapblTewo8";

#[test]
fn c11_4_what_phoenix_encrypted_is_decrypted() {
    assert_eq!(tokens().decrypt_at(SALT, ENCRYPTED, MaxAge::FromToken, signed_at()), Ok("abc".into()));
    let later = signed_at() + 2 * DAY;
    assert_eq!(tokens().decrypt_at(SALT, ENCRYPTED, MaxAge::FromToken, later), Err(TokenError::Expired));
}

#[test]
fn c11_4_what_is_encrypted_is_not_read_and_never_the_same_twice() {
    let (one, two) = (tokens().encrypt(SALT, "hunter2").unwrap(), tokens().encrypt(SALT, "hunter2").unwrap());
    assert_ne!(one, two);
    let bytes = BASE64.decode(one.strip_prefix("XCP.").unwrap()).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    assert_eq!(tokens().decrypt(SALT, &one, MaxAge::FromToken), Ok("hunter2".into()));
    let rotated = Tokens::new([b'n'; 64]).unwrap().or_older([b'k'; 64]).unwrap();
    assert_eq!(rotated.decrypt(SALT, &one, MaxAge::FromToken), Ok("hunter2".into()));
    for (tokens, salt) in [(tokens(), "other"), (Tokens::new([b'x'; 64]).unwrap(), SALT)] {
        assert_eq!(tokens.decrypt(salt, &one, MaxAge::FromToken), Err(TokenError::Invalid));
    }
    assert_eq!(tokens().verify(SALT, &one, MaxAge::FromToken), Err(TokenError::Invalid), "not a signed one");
}

#[test]
fn c11_4_what_was_changed_is_not_decrypted() {
    let tokens = tokens();
    let bytes = BASE64.decode(ENCRYPTED.strip_prefix("XCP.").unwrap()).unwrap();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let token = format!("XCP.{}", BASE64.encode(&changed));
        let decrypted = tokens.decrypt_at(SALT, &token, MaxAge::Infinite, signed_at());
        assert_eq!(decrypted, Err(TokenError::Invalid), "byte {position}");
    }
    for length in 0..bytes.len() {
        let token = format!("XCP.{}", BASE64.encode(&bytes[..length]));
        assert!(tokens.decrypt_at(SALT, &token, MaxAge::Infinite, signed_at()).is_err(), "{length} bytes");
    }
}

/// RELIABILITY: of a million mutated tokens none is accepted.
#[test]
fn c11_3_a_million_mutated_tokens_are_refused() {
    let seed = std::env::var("THRONG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x7e57_u64);
    println!("THRONG_SEED={seed}");
    let threads: Vec<_> = [seed | 1, (seed << 1) | 1]
        .into_iter()
        .map(|seed| std::thread::spawn(move || mutated_tokens_are_refused(seed, 500_000)))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn mutated_tokens_are_refused(mut noise: u64, count: usize) {
    const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    let tokens = tokens();
    let originals = [vectors()[0].1, vectors()[1].1, vectors()[2].1];
    let mut below = move |limit: usize| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        usize::try_from(noise.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % limit
    };
    for _ in 0..count {
        let original = originals[below(3)];
        let mut token = original.as_bytes().to_vec();
        match below(8) {
            0 => token.truncate(below(token.len())),
            1 => token.insert(below(token.len()), BASE64_URL[below(65)]),
            2 => drop(token.remove(below(token.len()))),
            3 => {
                let (one, other) = (below(token.len()), below(token.len()));
                token.swap(one, other);
            }
            _ => (0..=below(3)).for_each(|_| {
                let position = below(token.len());
                token[position] = BASE64_URL[below(65)];
            }),
        }
        if token != original.as_bytes() {
            let token = String::from_utf8(token).unwrap();
            let verified = tokens.verify_at(SALT, &token, MaxAge::Infinite, signed_at());
            assert_eq!(verified, Err(TokenError::Invalid), "{token}");
        }
    }
}

#[test]
fn c18_9_dead_tokens_are_told_without_a_key() {
    let verified = || VERIFIED.with(std::cell::Cell::get);
    let before = verified();
    let good = vectors()[1].1;
    assert_eq!(Tokens::glance(good, MaxAge::FromToken, signed_at()), Ok(()));
    let later = signed_at() + 2 * DAY;
    assert_eq!(Tokens::glance(good, MaxAge::FromToken, later), Err(TokenError::Expired));
    for token in ["", "a.b.c", "SFMyNTY.g2gDYQ.x", "XCP.AAAA", &"a".repeat(TOKEN_BYTES_MAX + 1)] {
        let seen = Tokens::glance(token, MaxAge::Infinite, signed_at());
        assert_eq!(seen, Err(TokenError::Invalid), "{token}");
    }
    assert_eq!(verified(), before);
}

proptest! {
    #[test]
    fn c11_2_no_text_makes_the_reader_panic(content in prop::collection::vec(any::<u8>(), 0..80)) {
        let token = signed::sign(&tokens_once().newest.key(SALT), Digest::Sha256, &content);
        drop(tokens_once().verify(SALT, &token, MaxAge::Infinite));
        let token = encrypted::encrypt(&tokens_once().newest.key(SALT), content).unwrap();
        drop(tokens_once().decrypt(SALT, &token, MaxAge::Infinite));
    }
}

/// Deriving a key takes a thousand rounds; many cases share one.
fn tokens_once() -> &'static Tokens {
    static TOKENS: std::sync::OnceLock<Tokens> = std::sync::OnceLock::new();
    TOKENS.get_or_init(tokens)
}
