//! TCP, UDP and Unix sockets.
//!
//! Names and meanings are Tokio's, with the traits of `futures-io` for reading and writing. What is different:
//!
//! - `from_std` makes the socket non-blocking itself; a blocking socket that is forgotten cannot hang the runtime.
//! - An error of `bind` or `connect` names the address, and what was wrong with one that cannot be understood.
//! - A socket belongs to no runtime until it first has to wait. Then it belongs to the one in which it waits; where there is
//!   none, that first wait panics.
//! - The borrowed `WriteHalf` of `split` has a destructor (that does nothing), so the borrow lasts until it is dropped.
//!
//! # What a socket does here
//!
//! It asks the kernel at once, and waits only when the kernel says `WouldBlock`. So a connection whose request is already
//! there is answered without the reactor. The waiting is in `reactor/io.rs`; this module gives it names:
//!
//! ```text
//!   TcpStream · UnixStream · their halves     UdpSocket · TcpListener · UnixListener
//!                   │                                         │
//!    stream.rs: read, write, shut down                        │
//!                   └─────────────────────┬───────────────────┘
//!            methods.rs, ready.rs: readiness, and what is the same word for word
//!                                         │
//!                   reactor/io.rs: try, wait, try again
//! ```
//!
//! Before there is a socket there is an address: `addr.rs` makes of a text what it asks for, `lookup.rs` makes addresses of
//! that, and `error.rs` names them when they fail.
//!
//! # Which tasks may wait together
//!
//! The methods that take `&self` and are awaited (`readable`, `accept`, `recv` and so on) may be awaited by any number of
//! tasks at once, and all of them are woken. The `poll_` methods, and [`AsyncRead`](futures_io::AsyncRead) and
//! [`AsyncWrite`](futures_io::AsyncWrite), keep the waker of one task per direction: the one that polled last.

mod addr;
mod error;
mod lookup;
mod methods;
mod ready;
pub mod split;
mod stream;
mod tcp_listener;
mod tcp_stream;
mod udp_options;
mod udp_socket;
mod unix_address;
mod unix_listener;
mod unix_stream;

pub use addr::ToSocketAddrs;
pub use lookup::lookup_host;
pub use ready::{Interest, Ready};
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
pub use unix_listener::UnixListener;
pub use unix_stream::UnixStream;

/// The halves of a [`TcpStream`].
pub mod tcp {
    use std::sync::Arc;

    use super::{TcpStream, split};

    /// The reading half of a [`TcpStream`] that is borrowed: see [`TcpStream::split`].
    ///
    /// ```
    /// # use samovar::io::AsyncReadExt;
    /// use samovar::net::tcp::ReadHalf;
    /// async fn order(mut reader: ReadHalf<'_>) -> std::io::Result<[u8; 3]> {
    ///     let mut text = [0; 3];
    ///     reader.read_exact(&mut text).await?;
    ///     Ok(text)
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// theirs.try_write(b"tea")?;
    /// let (reader, _writer) = ours.split();
    /// assert_eq!(&order(reader).await?, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type ReadHalf<'a> = split::ReadHalf<&'a TcpStream>;
    /// The writing half of a [`TcpStream`] that is borrowed: see [`TcpStream::split`].
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// use samovar::net::tcp::WriteHalf;
    /// async fn serve(mut writer: WriteHalf<'_>) -> std::io::Result<()> {
    ///     writer.write_all(b"tea").await
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let mut ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut theirs, _) = listener.accept().await?;
    /// let (_reader, writer) = ours.split();
    /// serve(writer).await?;
    /// let mut cup = [0; 3];
    /// theirs.read_exact(&mut cup).await?;
    /// assert_eq!(&cup, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type WriteHalf<'a> = split::WriteHalf<&'a TcpStream>;
    /// The reading half of a [`TcpStream`], to be moved into a task: see [`TcpStream::into_split`].
    ///
    /// ```
    /// # use samovar::io::AsyncReadExt;
    /// use samovar::net::tcp::OwnedReadHalf;
    /// async fn order(mut reader: OwnedReadHalf) -> std::io::Result<String> {
    ///     let mut text = String::new();
    ///     reader.read_to_string(&mut text).await?;
    ///     Ok(text)
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// let (reader, _writer) = ours.into_split();
    /// let task = samovar::spawn(order(reader));
    /// theirs.try_write(b"tea")?;
    /// drop(theirs);
    /// assert_eq!(task.await.unwrap()?, "tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type OwnedReadHalf = split::ReadHalf<Arc<TcpStream>>;
    /// The writing half of a [`TcpStream`], to be moved into a task: see [`TcpStream::into_split`].
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// use samovar::net::tcp::OwnedWriteHalf;
    /// async fn serve(mut writer: OwnedWriteHalf) -> std::io::Result<()> {
    ///     writer.write_all(b"tea").await
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut theirs, _) = listener.accept().await?;
    /// let (_reader, writer) = ours.into_split();
    /// samovar::spawn(serve(writer)); // its end is the end of what is sent
    /// let mut text = String::new();
    /// theirs.read_to_string(&mut text).await?;
    /// assert_eq!(text, "tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type OwnedWriteHalf = split::WriteHalf<Arc<TcpStream>>;
    /// Two halves were not of the same [`TcpStream`].
    ///
    /// ```
    /// use samovar::net::tcp::ReuniteError;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// let (reader, _) = ours.into_split();
    /// let (_, writer) = theirs.into_split();
    /// let error: ReuniteError = reader.reunite(writer).unwrap_err();
    /// assert_eq!(error.to_string(), "these are not the two halves of one stream");
    /// let (_reader, _writer) = (error.0, error.1); // nothing is lost
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type ReuniteError = split::ReuniteError<TcpStream>;
}

/// The halves of a [`UnixStream`], and the address of a Unix socket.
pub mod unix {
    use std::sync::Arc;

    pub use std::os::unix::net::SocketAddr;

    use super::{UnixStream, split};

    /// The reading half of a [`UnixStream`] that is borrowed: see [`UnixStream::split`].
    ///
    /// ```
    /// # use samovar::io::AsyncReadExt;
    /// use samovar::net::unix::ReadHalf;
    /// async fn order(mut reader: ReadHalf<'_>) -> std::io::Result<[u8; 3]> {
    ///     let mut text = [0; 3];
    ///     reader.read_exact(&mut text).await?;
    ///     Ok(text)
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (mut ours, theirs) = samovar::net::UnixStream::pair()?;
    /// theirs.try_write(b"tea")?;
    /// let (reader, _writer) = ours.split();
    /// assert_eq!(&order(reader).await?, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type ReadHalf<'a> = split::ReadHalf<&'a UnixStream>;
    /// The writing half of a [`UnixStream`] that is borrowed: see [`UnixStream::split`].
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// use samovar::net::unix::WriteHalf;
    /// async fn serve(mut writer: WriteHalf<'_>) -> std::io::Result<()> {
    ///     writer.write_all(b"tea").await
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (mut ours, mut theirs) = samovar::net::UnixStream::pair()?;
    /// let (_reader, writer) = ours.split();
    /// serve(writer).await?;
    /// let mut cup = [0; 3];
    /// theirs.read_exact(&mut cup).await?;
    /// assert_eq!(&cup, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type WriteHalf<'a> = split::WriteHalf<&'a UnixStream>;
    /// The reading half of a [`UnixStream`], to be moved into a task: see [`UnixStream::into_split`].
    ///
    /// ```
    /// # use samovar::io::AsyncReadExt;
    /// use samovar::net::unix::OwnedReadHalf;
    /// async fn order(mut reader: OwnedReadHalf) -> std::io::Result<String> {
    ///     let mut text = String::new();
    ///     reader.read_to_string(&mut text).await?;
    ///     Ok(text)
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// let (reader, _writer) = ours.into_split();
    /// let task = samovar::spawn(order(reader));
    /// theirs.try_write(b"tea")?;
    /// drop(theirs);
    /// assert_eq!(task.await.unwrap()?, "tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type OwnedReadHalf = split::ReadHalf<Arc<UnixStream>>;
    /// The writing half of a [`UnixStream`], to be moved into a task: see [`UnixStream::into_split`].
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// use samovar::net::unix::OwnedWriteHalf;
    /// async fn serve(mut writer: OwnedWriteHalf) -> std::io::Result<()> {
    ///     writer.write_all(b"tea").await
    /// }
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, mut theirs) = samovar::net::UnixStream::pair()?;
    /// let (_reader, writer) = ours.into_split();
    /// samovar::spawn(serve(writer)); // its end is the end of what is sent
    /// let mut text = String::new();
    /// theirs.read_to_string(&mut text).await?;
    /// assert_eq!(text, "tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type OwnedWriteHalf = split::WriteHalf<Arc<UnixStream>>;
    /// Two halves were not of the same [`UnixStream`].
    ///
    /// ```
    /// use samovar::net::unix::ReuniteError;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// let (reader, _) = ours.into_split();
    /// let (_, writer) = theirs.into_split();
    /// let error: ReuniteError = reader.reunite(writer).unwrap_err();
    /// assert_eq!(error.to_string(), "these are not the two halves of one stream");
    /// let (_reader, _writer) = (error.0, error.1); // nothing is lost
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub type ReuniteError = split::ReuniteError<UnixStream>;
}
