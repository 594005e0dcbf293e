//! The expansion: a plain function around the async one.
//!
//! The async function stays whole inside, under its own name. An `async` block in its place (Tokio's way) would have to
//! be told its type for `?` to work, and rustc would report errors in it differently than in a function.

use crate::arguments::{Arguments, Flavor};
use crate::error::Error;
use crate::function::Function;
use proc_macro::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};

/// Expands `#[main]` or `#[test]`.
pub(crate) fn entry(is_test: bool, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = match Function::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => return TokenStream::from_iter([error.to_tokens(), item]),
    };
    let fault = function.fault.take().or_else(|| {
        let span = function.test_attribute().filter(|_| is_test)?;
        Some(Error::new(span, "this function is made a test twice"))
    });
    match fault.map_or_else(|| Arguments::parse(is_test, arguments), Err) {
        Ok(arguments) => {
            if arguments.seeds.is_some() {
                // What it returns is judged once per seed.
                function.output.clear();
            }
            let call = run(&function.name, arguments);
            wrap(function, is_test, call)
        }
        // The function stays what it seems to be, so that the user sees this error and none that follows from it.
        Err(error) => {
            let allow = code("#[allow(dead_code)]").into_iter();
            function.definition = allow.chain(function.definition).collect();
            let call = code("::core::panic!(\"this function's attribute has an error\")");
            TokenStream::from_iter([error.to_tokens(), wrap(function, is_test, call)])
        }
    }
}

/// The call of the async function, on a runtime, or on one per seed.
fn run(name: &Ident, mut arguments: Arguments) -> TokenStream {
    match arguments.seeds.take() {
        None => block_on(name, arguments),
        Some(seeds) => run_seeds(name, seeds, arguments),
    }
}

/// `let runtime = ..; runtime.block_on(name())`
fn block_on(name: &Ident, mut arguments: Arguments) -> TokenStream {
    let mut tokens = code("#[allow(clippy::expect_used)] let runtime =");
    tokens.extend(builder(&mut arguments));
    tokens.extend(code(
        ".enable_all().build().expect(\"failed to build the runtime\"); runtime.block_on",
    ));
    tokens.extend(group(Delimiter::Parenthesis, call(name)));
    tokens
}

/// `support::run_seeds(module_path!(), "name", seeds, |seed| builder.seed(seed).build(), name)`
fn run_seeds(name: &Ident, seeds: Vec<TokenTree>, mut arguments: Arguments) -> TokenStream {
    let mut tokens = path(&arguments);
    tokens.extend(code("::macros::support::run_seeds"));
    let mut inner = code("::core::module_path!(),");
    inner.extend([TokenTree::from(Literal::string(&name.to_string()))]);
    inner.extend(code(","));
    inner.extend(seeds);
    inner.extend(code(", |seed|"));
    inner.extend(builder(&mut arguments));
    inner.extend(code(".enable_all().seed(seed).build(),"));
    inner.extend([TokenTree::from(name.clone())]);
    tokens.extend(group(Delimiter::Parenthesis, inner));
    tokens
}

/// The path to the runtime.
fn path(arguments: &Arguments) -> TokenStream {
    match &arguments.krate {
        Some(path) => path.iter().cloned().collect(),
        None => code("::samovar"),
    }
}

/// `::samovar::runtime::Builder::new_..().worker_threads(..)`
fn builder(arguments: &mut Arguments) -> TokenStream {
    let mut tokens = path(arguments);
    tokens.extend(code(match arguments.flavor {
        Flavor::CurrentThread => "::runtime::Builder::new_current_thread()",
        Flavor::MultiThread => "::runtime::Builder::new_multi_thread()",
    }));
    if let Some(number) = arguments.worker_threads.take() {
        tokens.extend(code(".worker_threads"));
        tokens.extend(group(Delimiter::Parenthesis, number));
    }
    if let Some(value) = arguments.start_paused.take() {
        tokens.extend(code(".start_paused"));
        tokens.extend(group(Delimiter::Parenthesis, [value]));
    }
    tokens
}

/// `name()`
fn call(name: &Ident) -> impl Iterator<Item = TokenTree> {
    [TokenTree::from(name.clone())]
        .into_iter()
        .chain(code("()"))
}

/// `#[..] pub fn name() -> Type { async fn name() -> Type { .. } call }`
fn wrap(function: Function, is_test: bool, call: TokenStream) -> TokenStream {
    let mut tokens = TokenStream::from_iter(function.attributes);
    if is_test {
        // After the others, so that a test macro among them sees it.
        tokens.extend(code("#[::core::prelude::v1::test]"));
    }
    tokens.extend(function.visibility);
    tokens.extend([function.keyword, function.name.into()]);
    tokens.extend(code("()"));
    tokens.extend(function.output);
    let body = function.definition.into_iter().chain(call);
    tokens.extend(group(Delimiter::Brace, body));
    tokens
}

/// Tokens from text, whose variables no user's name can meet.
fn code(text: &str) -> TokenStream {
    let tokens: TokenStream = text.parse().expect("the macros' own text is Rust");
    respan(tokens)
}

/// Gives tokens the place of the attribute, with the hygiene of `macro_rules!`.
fn respan(tokens: TokenStream) -> TokenStream {
    let place = |mut token: TokenTree| {
        if let TokenTree::Group(inner) = &token {
            token = Group::new(inner.delimiter(), respan(inner.stream())).into();
        }
        token.set_span(Span::mixed_site());
        token
    };
    tokens.into_iter().map(place).collect()
}

/// One group with the place of the attribute.
fn group(delimiter: Delimiter, tokens: impl IntoIterator<Item = TokenTree>) -> TokenStream {
    let mut group = Group::new(delimiter, tokens.into_iter().collect());
    group.set_span(Span::mixed_site());
    TokenTree::from(group).into()
}
