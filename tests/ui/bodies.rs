// Mistakes inside the function: the compiler's own errors, where they are made. After `//~`: the text that the error
// points at, and a part of the error.

mod fake {
    pub mod runtime {
        pub struct Builder;
        impl Builder {
            pub fn new_multi_thread() -> Builder {
                Builder
            }
            pub fn worker_threads(&mut self, _: usize) -> &mut Builder {
                self
            }
            pub fn enable_all(&mut self) -> &mut Builder {
                self
            }
            pub fn build(&mut self) -> std::io::Result<Builder> {
                Ok(Builder)
            }
            pub fn block_on<F: Future>(&self, _: F) -> F::Output {
                panic!()
            }
        }
    }
}

#[samovar::main(crate = "fake")]
pub async fn wrong_type() -> u32 {
    "text" //~ "text" => mismatched types
}

#[samovar::main(crate = "fake")]
pub async fn question_mark() {
    std::fs::read("file")?; //~ ? => the `?` operator can only be used in an async function
}

#[samovar::main(crate = "fake", worker_threads = "two")] //~ "two" => mismatched types
pub async fn wrong_number() {}

#[samovar::main(crate = "nowhere")] //~ "nowhere" => `nowhere`
pub async fn unknown_crate() {}
