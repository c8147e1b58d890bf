//! The code that a server's marks stand for.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::{
    Server,
    method::{Argument, Method},
};

impl Server {
    pub(super) fn write(&self) -> TokenStream {
        let block = &self.block;
        let messages = self.methods.iter().map(|method| self.write_message(method));
        let handlers = self.methods.iter().map(|method| self.write_handler(method));
        let client = self.write_client();
        quote! {
            #block
            #(#messages)*
            #(#handlers)*
            #client
        }
    }

    fn write_message(&self, method: &Method) -> TokenStream {
        let krate = self.options.krate();
        let Method { visibility, message, derives, conditions, .. } = method;
        let docs = self.docs(method);
        let (lints, reply) = (lints(), &method.reply.of);
        let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
        let fields: Vec<_> = method
            .fields()
            .map(|(name, of)| {
                let words = format!("`{name}` of `{}::{}`.", self.name, method.name);
                quote!(#[doc = #words] #visibility #name: #of)
            })
            .collect();
        let body = if fields.is_empty() { quote!(;) } else { quote!({ #(#fields),* }) };
        quote! {
            #docs
            #(#conditions)*
            #lints
            #derives
            #visibility struct #message #body

            #(#conditions)*
            impl #krate::Message for #message {
                type Reply = #reply;
            }
        }
    }

    fn write_handler(&self, method: &Method) -> TokenStream {
        let krate = self.options.krate();
        let (server, lints) = (&self.name, lints());
        let Method { message, conditions, .. } = method;
        let (value, answer) = (method.value(), answer(method));
        quote! {
            #(#conditions)*
            #lints
            impl #krate::Handler<#message> for #server {
                async fn handle(
                    &mut self,
                    __message: #message,
                    __ctx: &mut #krate::Ctx<Self>,
                ) -> #krate::Handled<#message> {
                    let #value = __message;
                    #answer
                }
            }
        }
    }

    fn write_client(&self) -> TokenStream {
        let krate = self.options.krate();
        let (server, visibility, lints) = (&self.name, self.visibility(), lints());
        let client: Ident = self
            .options
            .client
            .clone()
            .unwrap_or_else(|| format_ident!("{server}Client", span = server.span()));
        let words = format!("What `{server}` is asked, as methods of its addresses.");
        let methods = self.methods.iter().map(|method| self.write_client_method(method));
        quote! {
            #[doc = #words]
            #lints
            #visibility trait #client: #krate::Address<#server> {
                #(#methods)*
            }

            impl<__Address: #krate::Address<#server>> #client for __Address {}
        }
    }

    fn write_client_method(&self, method: &Method) -> TokenStream {
        let krate = self.options.krate();
        let (server, value, docs) = (&self.name, method.value(), self.docs(method));
        let Method { name, message, conditions, .. } = method;
        let arguments = method.fields().map(|(name, of)| quote!(#name: #of));
        let (returned, send) = match method.is_call {
            true => (quote!(#krate::Call<#server, #message>), quote!(call)),
            false => (quote!(::core::result::Result<(), #krate::CastError<#message>>), quote!(cast)),
        };
        quote! {
            #docs
            #(#conditions)*
            fn #name(&self #(, #arguments)*) -> #returned
            where
                Self: ::core::marker::Sized,
            {
                #krate::Address::#send(self, #value)
            }
        }
    }

    fn docs(&self, method: &Method) -> TokenStream {
        let docs = &method.docs;
        if docs.is_empty() {
            let words = format!("`{}::{}`, for whoever has its address.", self.name, method.name);
            return quote!(#[doc = #words]);
        }
        quote!(#(#docs)*)
    }
}

/// The end of a handler: the method's answer as `Handled`.
fn answer(method: &Method) -> TokenStream {
    let name = &method.name;
    let arguments = method.arguments.iter().map(|argument| match argument {
        Argument::Field { name, .. } => quote!(#name),
        Argument::Ctx => quote!(__ctx),
    });
    let waits = method.is_async.then(|| quote!(.await));
    let asked = quote!(Self::#name(self #(, #arguments)*) #waits);
    match (method.reply.may_halt, method.reply.is_unit) {
        (true, _) => asked,
        (false, true) => quote! {
            #asked;
            ::core::result::Result::Ok(())
        },
        (false, false) => quote!(::core::result::Result::Ok(#asked)),
    }
}

/// What is written is the user's only as far as they wrote it: no lint is to find fault with the rest.
fn lints() -> TokenStream {
    quote! {
        #[allow(
            clippy::all,
            clippy::pedantic,
            dead_code,
            missing_debug_implementations,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            unused_variables
        )]
    }
}
