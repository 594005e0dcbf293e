//! Straight through: what a type does in a direction in which it adds nothing to what is inside it.
//!
//! A [`BufReader`](super::BufReader) of a socket is also written to, a [`BufWriter`](super::BufWriter) also read from. The
//! vectored calls are passed on too: their default in `futures-io` uses one buffer of many.

/// Implements `AsyncRead` by that of the field `inner`: `passes_reads_on!([W: AsyncRead + Unpin] BufWriter<W>)`.
macro_rules! passes_reads_on {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> futures_io::AsyncRead for $type {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.inner).poll_read(cx, buf)
            }

            fn poll_read_vectored(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.inner).poll_read_vectored(cx, bufs)
            }
        }
    };
}

/// Implements `AsyncBufRead` by that of the field `inner`.
macro_rules! passes_buffer_on {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> futures_io::AsyncBufRead for $type {
            fn poll_fill_buf(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<&[u8]>> {
                std::pin::Pin::new(&mut self.get_mut().inner).poll_fill_buf(cx)
            }

            fn consume(mut self: std::pin::Pin<&mut Self>, count: usize) {
                std::pin::Pin::new(&mut self.inner).consume(count);
            }
        }
    };
}

/// Implements `AsyncWrite` by that of the field `inner`.
macro_rules! passes_writes_on {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> futures_io::AsyncWrite for $type {
            fn poll_write(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.inner).poll_write(cx, buf)
            }

            fn poll_write_vectored(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                std::pin::Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
            }

            fn poll_flush(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.inner).poll_flush(cx)
            }

            fn poll_close(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::pin::Pin::new(&mut self.inner).poll_close(cx)
            }
        }
    };
}

pub(super) use {passes_buffer_on, passes_reads_on, passes_writes_on};
