use quote::quote;
use syn::parse_quote;

use super::*;

fn written(words: TokenStream, block: ItemImpl) -> String {
    let written = expand(words, block).to_string();
    assert!(!written.contains("compile_error"), "{written}");
    written
}

fn refusal(block: ItemImpl) -> String {
    match Server::parse(TokenStream::new(), block) {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}

fn assert_has(written: &str, part: TokenStream) {
    assert!(written.contains(&part.to_string()), "no `{part}` in {written}");
}

#[test]
fn a_method_becomes_a_message_a_handler_and_a_method_of_the_client() {
    let written = written(
        quote!(),
        parse_quote! {
            impl Account {
                /// Less.
                #[call]
                pub async fn take_some(&mut self, amount: u64, ctx: &mut Ctx<Self>) -> Option<u64> { None }
            }
        },
    );
    assert_has(&written, quote!(pub struct TakeSome));
    assert_has(&written, quote!(pub amount: u64));
    assert_has(
        &written,
        quote!(
            type Reply = Option<u64>;
        ),
    );
    assert_has(&written, quote!(impl ::throng::Handler<TakeSome> for Account));
    assert_has(&written, quote!(::core::result::Result::Ok(Self::take_some(self, amount, __ctx).await)));
    assert_has(&written, quote!(pub trait AccountClient: ::throng::Address<Account>));
    assert_has(&written, quote!(fn take_some(&self, amount: u64) -> ::throng::Call<Account, TakeSome>));
    assert_eq!(written.matches("Less.").count(), 3, "the method, the message, the client");
    assert!(!written.contains("# [call]"), "{written}");
}

#[test]
fn what_may_halt_is_handed_on_as_it_is() {
    let written = written(
        quote!(),
        parse_quote! {
            impl Account {
                #[call]
                fn audit(&self) -> Result<Vec<Self>, throng::Halt> { todo() }
            }
        },
    );
    assert_has(
        &written,
        quote!(
            type Reply = Vec<Account>;
        ),
    );
    assert_has(
        &written,
        quote!({
            let Audit = __message;
            Self::audit(self)
        }),
    );
}

#[test]
fn names_and_paths_can_be_others() {
    let written = written(
        quote!(crate = throng_runtime, client = Teller),
        parse_quote! {
            impl Account {
                #[cast(message = Shut, derive(Clone, Debug))]
                fn close(&mut self) {}
            }
        },
    );
    assert_has(
        &written,
        quote!(
            #[derive(Clone, Debug)]
            struct Shut;
        ),
    );
    assert_has(&written, quote!(trait Teller: throng_runtime::Address<Account>));
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    let cases: [(ItemImpl, &str); 14] = [
        (parse_quote!(impl Account { #[call] fn result(&self) -> u64 { 1 } }), "hide the `Result`"),
        (parse_quote!(impl Account { #[cast] fn none(&mut self) {} }), "hide the `None`"),
        (
            parse_quote!(
                impl<T> Account<T> {
                    #[call]
                    fn a(&mut self) {}
                }
            ),
            "generic server",
        ),
        (parse_quote!(impl Account { #[call] fn a<T>(&mut self, a: T) {} }), "generic message"),
        (parse_quote!(impl Account { #[call] fn a(&mut self, a: &str) {} }), "cannot borrow"),
        (parse_quote!(impl Account { #[call] fn a(self) {} }), "&mut self"),
        (parse_quote!(impl Account { #[call] fn a() {} }), "&mut self"),
        (parse_quote!(impl Account { #[cast] fn a(&mut self) -> u64 { 1 } }), "nobody waits"),
        (parse_quote!(impl Account { #[call] fn exit(&mut self) {} }), "already"),
        (parse_quote!(impl Account { #[call] fn a(&mut self, (a, b): (u8, u8)) {} }), "plain name"),
        (parse_quote!(impl Account { fn a(&mut self) {} }), "no method"),
        (
            parse_quote!(impl Account { #[call] fn a(&mut self) -> Result<u64, Exit> { todo() } }),
            "write `Halt`",
        ),
        (
            parse_quote!(impl Account { #[call] async fn a(&self) -> Result<(), throng::Exit> { todo() } }),
            "write `Halt`",
        ),
        (
            parse_quote!(impl Account { #[cast] fn a(&mut self) -> Result<(), Exit> { todo() } }),
            "write `Halt`",
        ),
    ];
    for (block, reason) in cases {
        let refusal = refusal(block);
        assert!(refusal.contains(reason), "{reason:?} is not in {refusal:?}");
    }
}

#[test]
fn two_visibilities_are_refused() {
    let refusal = refusal(parse_quote! {
        impl Account {
            #[call]
            pub fn a(&mut self) {}
            #[call]
            fn b(&mut self) {}
        }
    });
    assert!(refusal.contains("differ in visibility"), "{refusal}");
}

#[test]
fn a_message_that_is_named_by_hand_may_be_called_as_it_likes() {
    let written = written(
        quote!(),
        parse_quote!(impl Account { #[call(message = Outcome)] fn result(&self) -> u64 { 1 } }),
    );
    assert_has(&written, quote!(struct Outcome));
}
