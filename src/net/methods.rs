//! The methods that several sockets have word for word, as macros: Rust has no other way to give them to several types.
//!
//! What can be a function is one, in `ready.rs`, `stream.rs` and `split.rs`; what is left here is the name and the page.
//! Rejected: a public trait with default methods, which every caller would have to import.
//!
//! In the examples `$two` is the line that makes `ours` and `theirs`, two sockets that are connected to each other, and
//! `$socket` the one that makes a `socket` of the standard library.

/// Waiting for readiness, and what `descriptor` gives. For sockets that carry bytes, with a field `io`.
macro_rules! readiness {
    ($type:ident, $std:ty, $addr:ty, $two:literal, $socket:literal) => {
        impl $type {
            /// Waits until one of the directions of `interest` may be ready, and says which are.
            ///
            /// It is a hint: the operation that follows may still say `WouldBlock`. While a direction stays ready this returns at
            /// once; only an operation that met `WouldBlock` makes it wait again.
            ///
            /// Any number of tasks may wait at once.
            ///
            /// # Errors
            ///
            /// When the runtime has been shut down, or the system cannot wait for this socket.
            ///
            /// # Panics
            ///
            /// When it is polled outside a runtime for the first time.
            ///
            /// # Cancel safety
            ///
            /// Cancel safe: dropped, it has changed nothing.
            ///
            /// ```
            /// # use samovar::net::Interest;
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// let ready = ours.ready(Interest::READABLE | Interest::WRITABLE).await?;
            /// assert!(ready.is_writable());
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub async fn ready(
                &self,
                interest: crate::net::Interest,
            ) -> std::io::Result<crate::net::Ready> {
                crate::net::ready::ready(&self.io, interest).await
            }

            #[doc = concat!("Waits until a read may succeed: [`ready`](", stringify!($type), "::ready) for reading.")]
            ///
            /// Any number of tasks may wait at once. Cancel safe.
            ///
            /// # Errors
            ///
            /// When the runtime has been shut down, or the system cannot wait for this socket.
            ///
            /// # Panics
            ///
            /// When it is polled outside a runtime for the first time.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// let (ours, theirs) = samovar::net::UnixStream::pair()?; // other sockets wait in the same way
            /// theirs.try_write(b"tea")?;
            /// ours.readable().await?;
            /// assert_eq!(ours.try_read(&mut [0; 8])?, 3);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub async fn readable(&self) -> std::io::Result<()> {
                self.io.ready(crate::reactor::Direction::Read).await
            }

            #[doc = concat!("Waits until a write may succeed: [`ready`](", stringify!($type), "::ready) for writing.")]
            ///
            /// Any number of tasks may wait at once. Cancel safe.
            ///
            /// # Errors
            ///
            /// When the runtime has been shut down, or the system cannot wait for this socket.
            ///
            /// # Panics
            ///
            /// When it is polled outside a runtime for the first time.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// let (ours, theirs) = samovar::net::UnixStream::pair()?; // other sockets wait in the same way
            /// ours.writable().await?;
            /// assert_eq!(ours.try_write(b"tea")?, 3);
            /// # drop(theirs);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub async fn writable(&self) -> std::io::Result<()> {
                self.io.ready(crate::reactor::Direction::Write).await
            }

            /// Tries an operation of your own on the socket, if it may be ready for it.
            ///
            /// `operation` must make one call on this socket that does not block, and return its `WouldBlock` as it is: then the
            /// readiness is taken back, and the next wait waits. With both directions in `interest`, one that is ready is meant.
            ///
            /// # Errors
            ///
            /// `WouldBlock` when the socket is not ready; then `operation` was not called. Else what `operation` says.
            ///
            /// ```
            /// # use samovar::net::Interest;
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// theirs.writable().await?;
            /// let sent = theirs.try_io(Interest::WRITABLE, || {
            ///     // Any call on the descriptor that does not block.
            ///     Ok(0)
            /// })?;
            /// assert_eq!(sent, 0);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn try_io<R>(
                &self,
                interest: crate::net::Interest,
                operation: impl FnOnce() -> std::io::Result<R>,
            ) -> std::io::Result<R> {
                crate::net::ready::try_io(&self.io, interest, operation)
            }
        }

        crate::net::methods::descriptor!($type, $std, $addr, $socket);
    };
}

/// From and to the standard library, what the system knows of every socket, `AsFd`, `AsRawFd` and `Debug`. For types with a
/// field `io`.
macro_rules! descriptor {
    ($type:ident, $std:ty, $addr:ty, $socket:literal) => {
        impl $type {
            /// Takes over a socket of the standard library. It is made non-blocking here, so it does not matter what it was.
            ///
            /// Other descriptors of the same socket (`try_clone`) become non-blocking with it.
            ///
            /// # Errors
            ///
            /// When the system refuses to make it non-blocking.
            ///
            /// # Panics
            ///
            /// Outside a runtime.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $socket]
            #[doc = concat!("let socket = samovar::net::", stringify!($type), "::from_std(socket)?;")]
            /// let socket = socket.into_std()?; // and back
            /// # drop(socket);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            #[track_caller]
            pub fn from_std(socket: $std) -> std::io::Result<$type> {
                crate::context::expect_runtime(concat!("use a `", stringify!($type), "`"));
                socket.set_nonblocking(true)?;
                let socket = mio::net::$type::from_std(socket);
                Ok($type {
                    io: crate::reactor::Io::new(socket),
                })
            }

            /// Gives the socket to the standard library, for use without a runtime or in another one.
            ///
            /// It stays non-blocking, as it does with Tokio: call `set_nonblocking(false)` on it if it is to block.
            ///
            /// # Errors
            ///
            /// None at present; the signature is Tokio's.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $socket]
            #[doc = concat!("let socket = samovar::net::", stringify!($type), "::from_std(socket)?;")]
            /// let socket = socket.into_std()?;
            /// socket.set_nonblocking(false)?; // from now on its calls block
            /// assert!(socket.take_error()?.is_none());
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn into_std(self) -> std::io::Result<$std> {
                Ok(self.io.into_inner().into())
            }

            /// The address of this end; with the port that port 0 has become, if it has ports.
            ///
            /// # Errors
            ///
            /// When the system does not tell it.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
            /// assert_ne!(listener.local_addr()?.port(), 0); // the port that it got
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn local_addr(&self) -> std::io::Result<$addr> {
                self.io.get().local_addr()
            }

            /// Takes the error that the system keeps for this socket (`SO_ERROR`), if there is one.
            ///
            /// # Errors
            ///
            /// When the system does not answer.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $socket]
            #[doc = concat!("let socket = samovar::net::", stringify!($type), "::from_std(socket)?;")]
            /// assert!(socket.take_error()?.is_none()); // all is well
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
                self.io.get().take_error()
            }
        }

        impl TryFrom<$std> for $type {
            type Error = std::io::Error;

            #[doc = concat!("As [`from_std`](", stringify!($type), "::from_std).")]
            fn try_from(socket: $std) -> std::io::Result<$type> {
                $type::from_std(socket)
            }
        }

        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.io.get().as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.io.get().as_raw_fd()
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.io.fmt(f)
            }
        }
    };
}

/// The options of a socket with a field `io`: each to be asked for and to be set. In the examples `$ours` is the line that
/// makes `ours`, and `$value` what it is set to.
macro_rules! options {
    ($type:ident, $ours:literal; $($get:ident, $set:ident: $kind:ty = $value:literal, $what:literal;)*) => {
        impl $type {$(
            #[doc = concat!("Tells ", $what, ".")]
            ///
            /// # Errors
            ///
            /// When the system does not tell it.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $ours]
            #[doc = concat!("ours.", stringify!($set), "(", $value, ")?;")]
            #[doc = concat!("assert_eq!(ours.", stringify!($get), "()?, ", $value, ");")]
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn $get(&self) -> std::io::Result<$kind> {
                self.io.get().$get()
            }

            #[doc = concat!("Sets ", $what, ".")]
            ///
            /// # Errors
            ///
            /// When the system refuses it.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $ours]
            #[doc = concat!("ours.", stringify!($set), "(", $value, ")?;")]
            #[doc = concat!("assert_eq!(ours.", stringify!($get), "()?, ", $value, ");")]
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn $set(&self, value: $kind) -> std::io::Result<()> {
                self.io.get().$set(value)
            }
        )*}
    };
}

/// Trying, polling and splitting, and what `readiness` gives. For streams of bytes with a field `io`.
macro_rules! byte_stream {
    ($type:ident, $std:ty, $addr:ty, $two:literal, $socket:literal) => {
        crate::net::methods::readiness!($type, $std, $addr, $two, $socket);

        impl $type {
            /// The address of the peer.
            ///
            /// # Errors
            ///
            /// When the system does not tell it: a connection that has ended may have none any more.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// use samovar::net::{TcpListener, TcpStream};
            /// let listener = TcpListener::bind("127.0.0.1:0").await?;
            /// let ours = TcpStream::connect(listener.local_addr()?).await?;
            /// assert_eq!(ours.peer_addr()?, listener.local_addr()?);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn peer_addr(&self) -> std::io::Result<$addr> {
                self.io.get().peer_addr()
            }

            /// Waits until a read may succeed, for the one task that polls for reading: its waker replaces the one of an earlier
            /// `poll_read`, `poll_peek` or `poll_read_ready`.
            ///
            /// # Errors
            ///
            /// When the runtime has been shut down, or the system cannot wait for this socket.
            ///
            /// # Panics
            ///
            /// When it is called outside a runtime for the first time.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// theirs.try_write(b"tea")?;
            /// std::future::poll_fn(|cx| ours.poll_read_ready(cx)).await?;
            /// assert_eq!(ours.try_read(&mut [0; 8])?, 3);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn poll_read_ready(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                self.io.poll_ready(crate::reactor::Direction::Read, cx)
            }

            /// Waits until a write may succeed, for the one task that polls for writing: its waker replaces the one of an earlier
            /// `poll_write` or `poll_write_ready`.
            ///
            /// # Errors
            ///
            /// When the runtime has been shut down, or the system cannot wait for this socket.
            ///
            /// # Panics
            ///
            /// When it is called outside a runtime for the first time.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// std::future::poll_fn(|cx| ours.poll_write_ready(cx)).await?;
            /// assert_eq!(ours.try_write(b"tea")?, 3);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn poll_write_ready(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                self.io.poll_ready(crate::reactor::Direction::Write, cx)
            }

            /// Reads what is there, without waiting. `Ok(0)` is the end of the stream, or an empty buffer.
            ///
            /// # Errors
            ///
            /// `WouldBlock` when nothing is there; else what the system says.
            ///
            /// ```
            /// # use std::io::ErrorKind::WouldBlock;
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// theirs.try_write(b"tea")?;
            /// let mut buffer = [0; 8];
            /// let count = loop {
            ///     ours.readable().await?;
            ///     match ours.try_read(&mut buffer) {
            ///         Ok(count) => break count,
            ///         Err(error) if error.kind() == WouldBlock => {} // it was only a hint
            ///         Err(error) => return Err(error),
            ///     }
            /// };
            /// assert_eq!(&buffer[..count], b"tea");
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn try_read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
                crate::net::stream::try_read(&self.io, buffer)
            }

            #[doc = concat!("[`try_read`](", stringify!($type), "::try_read) into several buffers, one after the other.")]
            ///
            /// # Errors
            ///
            /// `WouldBlock` when nothing is there; else what the system says.
            ///
            /// ```
            /// # use std::io::IoSliceMut;
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// theirs.try_write(b"green tea")?;
            /// ours.readable().await?;
            /// let (mut kind, mut drink) = ([0; 6], [0; 8]);
            /// let count = ours.try_read_vectored(&mut [IoSliceMut::new(&mut kind), IoSliceMut::new(&mut drink)])?;
            /// assert_eq!(count, 9);
            /// assert_eq!(&kind, b"green ");
            /// assert_eq!(&drink[..3], b"tea");
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn try_read_vectored(
                &self,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                crate::net::stream::try_read_vectored(&self.io, buffers)
            }

            /// Writes as much as there is room for, without waiting, and returns how much that was.
            ///
            /// # Errors
            ///
            /// `WouldBlock` when there is no room; else what the system says.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// ours.writable().await?;
            /// assert_eq!(ours.try_write(b"tea")?, 3);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn try_write(&self, bytes: &[u8]) -> std::io::Result<usize> {
                crate::net::stream::try_write(&self.io, bytes)
            }

            #[doc = concat!("[`try_write`](", stringify!($type), "::try_write) from several buffers, one after the other.")]
            ///
            /// # Errors
            ///
            /// `WouldBlock` when there is no room; else what the system says.
            ///
            /// ```
            /// # use std::io::IoSlice;
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// ours.writable().await?;
            /// let count = ours.try_write_vectored(&[IoSlice::new(b"green "), IoSlice::new(b"tea")])?;
            /// assert_eq!(count, 9);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn try_write_vectored(&self, bytes: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                crate::net::stream::try_write_vectored(&self.io, bytes)
            }

            /// Lends the two directions to code that reads and writes at the same time, within one task.
            ///
            #[doc = concat!("With the `AsyncReadExt` of `futures` in scope write `", stringify!($type), "::split(&mut stream)`: that \
                trait has a `split` too, which the compiler finds first, and which costs a lock.")]
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// # let mut ours = ours;
            /// let (reader, writer) = ours.split();
            /// writer.writable().await?;
            /// writer.try_write(b"hello")?;
            /// # drop(reader);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn split(
                &mut self,
            ) -> (crate::net::split::ReadHalf<&$type>, crate::net::split::WriteHalf<&$type>) {
                crate::net::split::borrowed(self)
            }

            /// Splits the stream into two halves that can be moved into different tasks. That costs one allocation.
            ///
            /// **Dropping the writing half shuts the sending direction down**; the connection is closed when both are
            /// dropped. [`reunite`](crate::net::split::ReadHalf::reunite) makes one stream of them again.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            #[doc = $two]
            /// let (reader, writer) = ours.into_split();
            /// let task = samovar::spawn(async move {
            ///     writer.writable().await?;
            ///     writer.try_write(b"hello")
            /// });
            /// assert_eq!(task.await.unwrap()?, 5);
            /// theirs.readable().await?;
            /// # drop(reader);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn into_split(
                self,
            ) -> (
                crate::net::split::ReadHalf<std::sync::Arc<$type>>,
                crate::net::split::WriteHalf<std::sync::Arc<$type>>,
            ) {
                crate::net::split::owned(self)
            }
        }

        impl crate::net::stream::HasIo for $type {
            type Socket = mio::net::$type;

            fn io(&self) -> &crate::reactor::Io<mio::net::$type> {
                &self.io
            }
        }

        impl crate::net::split::Duplex for $type {}

        crate::net::stream::async_read!([] $type);
        crate::net::stream::async_write!([] $type, |stream| crate::net::stream::shut_down(&stream.io));
    };
}

pub(super) use {byte_stream, descriptor, options, readiness};
