// Functions that cannot be entry points. After `//~`: the text that the error points at, and the error.

#[samovar::main]
pub fn not_async() {} //~ fn => the `async` keyword is missing from the function

#[samovar::test]
pub fn test_not_async() {} //~ fn => the `async` keyword is missing from the function

#[samovar::main]
pub async fn arguments(number: u32) -> u32 { //~ (number: u32) => an async entry point cannot have arguments
    std::future::ready(number).await
}

#[samovar::test]
async fn test_with_arguments(_: u32) {} //~ (_: u32) => an async entry point cannot have arguments

#[samovar::main]
pub async fn generic<F: Fn() -> u8>() {} //~ <F => an async entry point cannot be generic

#[samovar::main]
pub async unsafe fn qualified() {} //~ unsafe => an async entry point cannot be `unsafe`

#[samovar::test]
#[test] //~ [test] => this function is made a test twice
async fn two_tests() {}

#[samovar::test]
#[samovar::test]
async fn two_attributes() {} //~ fn => the `async` keyword is missing from the function

#[samovar::main]
pub struct NotAFunction; //~ pub => expected an async function

pub trait Declares {
    #[samovar::main]
    async fn without_a_body(); //~ fn => expected an async function with a body
}
