//! What the attributes say besides their names.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Ident, Meta, Path, Result, Token, punctuated::Punctuated};

/// The words of `#[server(…)]`.
#[derive(Default)]
pub(super) struct Options {
    krate: Option<Path>,
    pub(super) client: Option<Ident>,
}

impl Options {
    pub(super) fn parse(words: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("crate") {
                options.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
                Ok(())
            } else if meta.path.is_ident("client") {
                options.client = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                Err(meta.error("expected `client = Name` or `crate = path`"))
            }
        });
        syn::parse::Parser::parse2(parser, words)?;
        Ok(options)
    }

    /// Where Throng is.
    pub(super) fn krate(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(|| quote!(::throng), |krate| quote!(#krate))
    }
}

/// The words of `#[call(…)]` and `#[cast(…)]`.
#[derive(Default)]
pub(super) struct Mark {
    pub(super) message: Option<Ident>,
    pub(super) derives: Vec<Path>,
}

impl Mark {
    pub(super) fn parse(attribute: &Attribute) -> Result<Self> {
        let mut mark = Self::default();
        if matches!(attribute.meta, Meta::Path(_)) {
            return Ok(mark);
        }
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("message") {
                mark.message = Some(meta.value()?.parse()?);
                Ok(())
            } else if meta.path.is_ident("derive") {
                let paths;
                syn::parenthesized!(paths in meta.input);
                let paths = Punctuated::<Path, Token![,]>::parse_terminated(&paths)?;
                mark.derives.extend(paths);
                Ok(())
            } else {
                Err(meta.error("expected `message = Name` or `derive(…)`"))
            }
        })?;
        Ok(mark)
    }
}

/// What the code around a server says, and its methods' signatures. A message of that name would take its place in the whole module.
const SAID_ELSEWHERE: [&str; 11] =
    ["Box", "Ctx", "Err", "Halt", "None", "Ok", "Option", "Result", "Some", "String", "Vec"];

/// `withdraw_all` is the method, `WithdrawAll` the message.
pub(super) fn message_name(method: &Ident) -> Result<Ident> {
    let words = method.to_string();
    let name: String = words
        .trim_start_matches("r#")
        .split('_')
        .filter_map(|word| {
            let mut letters = word.chars();
            let first = letters.next()?;
            Some(first.to_uppercase().chain(letters).collect::<String>())
        })
        .collect();
    if SAID_ELSEWHERE.contains(&name.as_str()) {
        let refusal = format!(
            "a message `{name}` would hide the `{name}` that everybody knows; name it with `message = Name`"
        );
        return Err(Error::new(method.span(), refusal));
    }
    match syn::parse_str::<Ident>(&name) {
        Ok(name) => Ok(Ident::new(&name.to_string(), method.span())),
        Err(_) => Err(Error::new(
            method.span(),
            "no message can be named after this method; name it with `message = Name`",
        )),
    }
}
