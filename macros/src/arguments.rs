//! What stands in the parentheses of the attribute: `name = value`, separated by commas.
//!
//! A value that is an expression is taken over token by token and unread: the compiler knows best what is wrong with it, and
//! where. What can be but a word or two (a flavor, `true`) is checked here, and so is what would only fail when the runtime is
//! built: an error says what to write instead.

use crate::error::Error;
use crate::function::{is_ident, is_punct};
use proc_macro::{Delimiter, Ident, Span, TokenStream, TokenTree};

/// Which builder is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// `Builder::new_current_thread`.
    CurrentThread,
    /// `Builder::new_multi_thread`.
    MultiThread,
}

/// How the runtime is to be built.
pub(crate) struct Arguments {
    /// One worker or several.
    pub(crate) flavor: Flavor,
    /// An expression for `Builder::worker_threads`.
    pub(crate) worker_threads: Option<Vec<TokenTree>>,
    /// `true` or `false` for `Builder::start_paused`.
    pub(crate) start_paused: Option<TokenTree>,
    /// An expression for the seeds of a simulated test.
    pub(crate) seeds: Option<Vec<TokenTree>>,
    /// The path to the runtime, if it is not `::samovar`.
    pub(crate) krate: Option<Vec<TokenTree>>,
}

impl Arguments {
    /// Reads the arguments of `#[main]` or `#[test]`.
    pub(crate) fn parse(is_test: bool, tokens: TokenStream) -> Result<Self, Error> {
        let mut arguments = Arguments {
            flavor: Flavor::MultiThread,
            worker_threads: None,
            start_paused: None,
            seeds: None,
            krate: None,
        };
        let mut names: Vec<Ident> = Vec::new();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for argument in tokens.split_inclusive(|token| is_punct(token, ',')) {
            let (name, value) = name_and_value(argument)?;
            let text = name.to_string();
            if names.iter().any(|earlier| earlier.to_string() == text) {
                let message = format!("`{text}` is given twice");
                return Err(Error::new(name.span(), message));
            }
            match text.as_str() {
                "flavor" => arguments.flavor = parse_flavor(&value)?,
                "worker_threads" => arguments.worker_threads = Some(value),
                "start_paused" => arguments.start_paused = Some(parse_bool(&value)?),
                "seeds" if is_test => arguments.seeds = Some(parse_seeds(value)?),
                "crate" => arguments.krate = Some(parse_path(value)?),
                _ => return Err(unknown(&name, is_test)),
            }
            names.push(name);
        }
        let given = |argument: &str| names.iter().find(|name| name.to_string() == argument);
        if given("flavor").is_none() && is_test && arguments.seeds.is_none() {
            arguments.flavor = Flavor::CurrentThread;
        }
        let conflict = match arguments.flavor {
            Flavor::CurrentThread => given("worker_threads").map(|name| {
                let message = "`worker_threads` needs the flavor of many threads: add `flavor = \"multi_thread\"`";
                Error::new(name.span(), message)
            }),
            Flavor::MultiThread if arguments.seeds.is_none() => {
                let is_paused = arguments.start_paused.as_ref().filter(|value| is_ident(value, "true"));
                is_paused.and(given("start_paused")).map(|name| {
                    let message = "`start_paused` needs the flavor of one thread: add `flavor = \"current_thread\"`";
                    Error::new(name.span(), message)
                })
            }
            Flavor::MultiThread => None,
        };
        conflict.map_or(Ok(arguments), Err)
    }
}

/// The error for a name that is no argument.
fn unknown(name: &Ident, is_test: bool) -> Error {
    let message = match (name.to_string().as_str(), is_test) {
        ("seeds", _) => "`seeds` is for tests: `#[samovar::test(seeds = 0..1000)]`".to_owned(),
        (text, true) => format!(
            "unknown argument `{text}`; there are `flavor`, `worker_threads`, `start_paused`, `seeds` and `crate`"
        ),
        (text, false) => format!(
            "unknown argument `{text}`; there are `flavor`, `worker_threads`, `start_paused` and `crate`"
        ),
    };
    Error::new(name.span(), message)
}

/// Splits `name = value`, which may end with a comma and is at least that.
fn name_and_value(argument: &[TokenTree]) -> Result<(Ident, Vec<TokenTree>), Error> {
    let Some(TokenTree::Ident(name)) = argument.first() else {
        let span = argument[0].span();
        return Err(Error::new(span, "expected an argument: `name = value`"));
    };
    let argument = match argument.split_last() {
        Some((last, before)) if is_punct(last, ',') => before,
        _ => argument,
    };
    match argument.get(1) {
        Some(equals) if is_punct(equals, '=') && argument.len() > 2 => {
            Ok((name.clone(), argument[2..].to_vec()))
        }
        _ => {
            let message = match name.to_string().as_str() {
                flavor @ ("multi_thread" | "current_thread") => {
                    format!("the flavor is an argument: write `flavor = \"{flavor}\"`")
                }
                name => format!("`{name}` needs a value: `{name} = value`"),
            };
            Err(Error::new(name.span(), message))
        }
    }
}

/// Reads the value of `flavor`.
fn parse_flavor(value: &[TokenTree]) -> Result<Flavor, Error> {
    match string(value) {
        Some((text, _)) if text == "current_thread" => Ok(Flavor::CurrentThread),
        Some((text, _)) if text == "multi_thread" => Ok(Flavor::MultiThread),
        _ => Err(Error::new(
            value[0].span(),
            "the flavors are \"multi_thread\" and \"current_thread\"",
        )),
    }
}

/// Reads the value of `start_paused`.
fn parse_bool(value: &[TokenTree]) -> Result<TokenTree, Error> {
    match value {
        [value] if is_ident(value, "true") || is_ident(value, "false") => Ok(value.clone()),
        _ => Err(Error::new(value[0].span(), "expected `true` or `false`")),
    }
}

/// Reads the value of `seeds`: any expression, but one literal cannot be a range.
fn parse_seeds(value: Vec<TokenTree>) -> Result<Vec<TokenTree>, Error> {
    match &*value {
        [TokenTree::Literal(literal)] => {
            let message = "`seeds` is a range of numbers: `seeds = 0..1000`";
            Err(Error::new(literal.span(), message))
        }
        _ => Ok(value),
    }
}

/// Reads the value of `crate`: a path, in quotes (as other attributes write it) or without.
fn parse_path(value: Vec<TokenTree>) -> Result<Vec<TokenTree>, Error> {
    let span = value[0].span();
    let path: Vec<TokenTree> = match string(&value) {
        Some((text, literal)) => {
            let tokens: TokenStream = text.parse().unwrap_or_default();
            let place = |mut token: TokenTree| {
                token.set_span(literal);
                token
            };
            tokens.into_iter().map(place).collect()
        }
        None => value,
    };
    let is_name = |token: &TokenTree| matches!(token, TokenTree::Ident(_));
    let is_path = path.last().is_some_and(is_name)
        && path
            .iter()
            .all(|token| is_name(token) || is_punct(token, ':'))
        && !path.windows(2).any(|two| two.iter().all(is_name));
    if !is_path {
        return Err(Error::new(span, "expected the path of a crate or module"));
    }
    Ok(path)
}

/// The text and the place of a value that is one plain string.
fn string(value: &[TokenTree]) -> Option<(String, Span)> {
    match value {
        [TokenTree::Literal(literal)] => {
            let text = literal.to_string();
            let text = text.strip_prefix('"')?.strip_suffix('"')?;
            Some((text.to_owned(), literal.span()))
        }
        // A `$flavor:literal` of a `macro_rules!` comes in an invisible group.
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
            string(&group.stream().into_iter().collect::<Vec<_>>())
        }
        _ => None,
    }
}
