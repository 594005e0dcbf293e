//! A `String` that is being read into: its bytes, until they are known to be UTF-8.
//!
//! The bytes live in the string's own memory, which is taken out of it meanwhile. Whatever happens, the string gets it back,
//! with what was in it before.

use std::io;
use std::mem;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// The string, empty meanwhile.
    output: &'a mut String,
    /// What was in it, and then what was read.
    pub(super) bytes: Vec<u8>,
    /// How many bytes were in it.
    start: usize,
}

impl<'a> Text<'a> {
    /// Takes the bytes out of `output`.
    pub(super) fn new(output: &'a mut String) -> Self {
        let bytes = mem::take(output).into_bytes();
        let start = bytes.len();
        Self {
            output,
            bytes,
            start,
        }
    }

    /// Gives the string all of the bytes, and says how many are new. If they are not UTF-8, that is the error, and the
    /// string is as it was.
    pub(super) fn finish(&mut self) -> io::Result<usize> {
        let count = self.bytes.len() - self.start;
        match String::from_utf8(mem::take(&mut self.bytes)) {
            Ok(text) => {
                *self.output = text;
                Ok(count)
            }
            Err(error) => {
                let reason = error.utf8_error();
                self.bytes = error.into_bytes();
                Err(io::Error::new(io::ErrorKind::InvalidData, reason))
            }
        }
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        // Without memory of its own it has not got it back.
        if self.output.capacity() == 0 {
            let mut bytes = mem::take(&mut self.bytes);
            bytes.truncate(self.start);
            *self.output = String::from_utf8(bytes).expect("it came out of a string");
        }
    }
}
