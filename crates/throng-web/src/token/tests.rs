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
fn tokens_are_those_of_phoenix_byte_for_byte() {
    // §11.3, §11.6
    for (data, token) in vectors() {
        assert_eq!(tokens().sign_at(SALT, data.clone(), signed_at()).unwrap(), token);
        assert_eq!(tokens().verify_at(SALT, token, MaxAge::FromToken, signed_at()), Ok(data));
    }
}

#[test]
fn the_content_is_the_term_measured() {
    // §11.6
    let content = Term::Tuple(vec![1.into(), Term::Integer(1_700_000_000_000), Term::Integer(86_400)]);
    let expected = [131, 104, 3, 97, 1, 110, 6, 0, 0, 104, 229, 207, 139, 1, 98, 0, 1, 81, 128];
    assert_eq!(etf::encode(&content).unwrap(), expected);
}

#[test]
fn a_token_expires_after_its_age_and_not_at_it() {
    // §11.5
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
    let signed = format!("{PROTECTED}.{}", BASE64.encode(etf::encode(content).unwrap()));
    let signature = mac(&tokens().newest, SALT, &signed).finalize().into_bytes();
    format!("{signed}.{}", BASE64.encode(signature))
}

#[test]
fn older_forms_of_content_are_read() {
    // §11.2
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
fn salt_and_secret_are_part_of_the_signature() {
    let token = tokens().sign(SALT, "ada").unwrap();
    assert_eq!(tokens().verify("other salt", &token, MaxAge::FromToken), Err(TokenError::Invalid));
    let stranger = Tokens::new([b'x'; 64]).unwrap();
    assert_eq!(stranger.verify(SALT, &token, MaxAge::FromToken), Err(TokenError::Invalid));
}

#[test]
fn a_rotated_secret_is_still_accepted_and_no_longer_signs() {
    let rotated = Tokens::new([b'n'; 64]).unwrap().or_older([b'k'; 64]).unwrap();
    assert!(rotated.verify(SALT, &tokens().sign(SALT, "ada").unwrap(), MaxAge::FromToken).is_ok());
    assert!(tokens().verify(SALT, &rotated.sign(SALT, "ada").unwrap(), MaxAge::FromToken).is_err());
    assert!(Tokens::new("short").is_err());
}

#[test]
fn data_that_could_not_be_verified_is_not_signed() {
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
fn what_is_not_three_parts_of_ours_is_invalid() {
    // §11.3
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_mutation_of_a_token_is_accepted(position in 0_usize..90, byte in 0x21_u8..0x7f) {
        let tokens = tokens_once();
        let mut token = vectors()[1].1.to_owned().into_bytes();
        let position = position % token.len();
        prop_assume!(token[position] != byte);
        token[position] = byte;
        let token = String::from_utf8(token).unwrap();
        let verified = tokens.verify_at(SALT, &token, MaxAge::Infinite, signed_at());
        prop_assert_eq!(verified, Err(TokenError::Invalid));
    }
}

/// Deriving a key takes a thousand rounds; two thousand cases share one.
fn tokens_once() -> &'static Tokens {
    static TOKENS: std::sync::OnceLock<Tokens> = std::sync::OnceLock::new();
    TOKENS.get_or_init(tokens)
}
