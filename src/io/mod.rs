//! Reading and writing: the traits, what one does with them, and what one puts between.
//!
//! A reader is polled for bytes, a writer is polled with bytes. Everything else here is built on these two, and knows nothing
//! of sockets or of the reactor; only [`stdin`](stdin()), [`stdout`](stdout()) and [`stderr`](stderr()) need a runtime.
//!
//! | trait, of `futures-io` | its one idea | what callers use | made by |
//! |---|---|---|---|
//! | [`AsyncRead`] | fill this slice, and say how much of it | [`AsyncReadExt`] | sockets, `&[u8]`, [`duplex()`], [`empty`](empty()), [`repeat`](repeat()) |
//! | [`AsyncBufRead`] | lend me what is in your buffer | [`AsyncBufReadExt`] | [`BufReader`], [`BufStream`], `&[u8]` |
//! | [`AsyncWrite`] | take this slice, and say how much of it | [`AsyncWriteExt`] | sockets, `Vec<u8>`, [`duplex()`], [`sink`](sink()) |
//!
//! # Why these traits
//!
//! Bytes in, a count out: `poll_read(cx, &mut [u8]) -> Poll<io::Result<usize>>` is `std::io::Read` with a `Poll` around it,
//! and is learned in a minute. Tokio's `ReadBuf` lends memory that is not initialised yet, which saves setting it to zero; to
//! say how much of it has been filled takes a promise that no compiler checks in the readers, and a type with three lengths
//! in everybody's way. Here a buffer is set to zero once, when it is made, and used many times.
//!
//! They are also not ours: `futures-io` is three small traits that libraries which do not want to choose a runtime already
//! take and implement (TLS, WebSockets, compression). Such libraries work on Samovar's sockets as they are.
//!
//! # What differs from Tokio
//!
//! | | Tokio | here |
//! |---|---|---|
//! | traits | its own, with `ReadBuf` | those of `futures-io` |
//! | `shutdown` | `poll_shutdown` | `poll_close`; [`shutdown`](AsyncWriteExt::shutdown) is its name for callers, as in Tokio |
//! | the methods' futures | must be pinned | are `Unpin` |
//! | adapters ([`BufReader`], [`Take`], ...) | pass the pin on | want the reader to be `Unpin`; another goes into a `Box::pin` |
//! | [`read`](AsyncReadExt::read), [`write`](AsyncWriteExt::write), [`flush`](AsyncWriteExt::flush) that are interrupted | the error is returned | tried again, like everything else |
//! | [`read_line`](AsyncBufReadExt::read_line), [`read_to_string`](AsyncReadExt::read_to_string), cancelled | the string is empty | the string is as it was |
//! | [`copy_bidirectional()`] | always polls `a` to `b` first | they take turns, so that neither uses up all of the budget |
//! | `shutdown` of [`stdout`](stdout()) | does nothing | flushes |
//! | `read_buf`, `write_buf` | for `bytes::Buf` | not there: they serve `ReadBuf` |
//!
//! The methods of these traits have the names of std's and of other libraries' extensions. Where both are imported and both
//! fit (`&[u8]` reads either way), the compiler asks which is meant: import one of them.
//!
//! # Cancellation
//!
//! A future that is dropped stops where it is. What that means for bytes already moved is said at every method under *Cancel
//! safety*. In short: what makes one step ([`read`](AsyncReadExt::read), [`write`](AsyncWriteExt::write),
//! [`fill_buf`](AsyncBufReadExt::fill_buf), [`flush`](AsyncWriteExt::flush)) or keeps its state outside the future
//! ([`next_line`](Lines::next_line)) can go into a `select!`; what makes many
//! ([`read_exact`](AsyncReadExt::read_exact), [`write_all`](AsyncWriteExt::write_all)) cannot.
//!
//! # To read it
//!
//! | question | file |
//! |---|---|
//! | What happens in `stream.read(..).await`? | `read_ext.rs`, `read.rs`, `retry.rs` |
//! | What is lost when that future is dropped, and how does one lose nothing? | `read.rs`, `lines.rs` |
//! | Who leaves a waker where, and who wakes it? | `pipe.rs`, under `duplex.rs` |
//! | How do many small reads and writes become few large ones? | `buf_reader.rs`, `buf_writer.rs` |
//! | What does a copy do while it has to wait? | `copy.rs`, `copy_bidirectional.rs` |
//! | And what if the other side can only block? | `blocking.rs`, under `stdio.rs` |

mod blocking;
mod buf_read;
mod buf_read_ext;
mod buf_reader;
mod buf_stream;
mod buf_writer;
mod chain;
mod copy;
mod copy_bidirectional;
mod duplex;
mod empty;
mod lines;
mod pass_on;
mod pipe;
mod read;
mod read_ext;
mod read_to_end;
mod repeat;
mod retry;
mod segments;
mod sink;
mod split;
mod stdio;
mod take;
mod text;
mod write;
mod write_ext;

pub use std::io::{Error, ErrorKind, Result, SeekFrom};

pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

pub use buf_read_ext::AsyncBufReadExt;
pub use buf_reader::BufReader;
pub use buf_stream::BufStream;
pub use buf_writer::BufWriter;
pub use chain::Chain;
pub use copy::copy;
pub use copy_bidirectional::{copy_bidirectional, copy_bidirectional_with_sizes};
pub use duplex::{DuplexStream, duplex};
pub use empty::{Empty, empty};
pub use lines::Lines;
pub use read_ext::AsyncReadExt;
pub use repeat::{Repeat, repeat};
pub use segments::Split;
pub use sink::{Sink, sink};
pub use split::{ReadHalf, WriteHalf, split};
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
pub use take::Take;
pub use write_ext::AsyncWriteExt;

// Tokio has them here too.
pub use crate::net::{Interest, Ready};

/// How large a buffer is if nobody says otherwise: 8 KiB, as in std and Tokio. Larger ones help files and fast
/// networks, and cost memory for each connection.
const DEFAULT_CAPACITY: usize = 8 * 1024;
