//! [I/O] A request to end what a connection does. It goes over a connection of its own, which stays open until
//! the other side closes it: PgBouncer 1.18 ends itself when whoever asked is gone before it has passed the
//! request on, which is how the driver asks.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Asks the server of a connection string to end what the token's connection does.
pub(super) async fn cancel(
    config: &Config,
    tls: Option<&MakeRustlsConnect>,
    token: &CancelToken,
) -> Result<(), Error> {
    let ([place], []) = (config.get_hosts(), config.get_hostaddrs()) else {
        // Which of several it was, only the driver knows.
        return by_driver(tls, token).await;
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match place {
        Host::Tcp(name) => match TcpStream::connect((name.as_str(), port)).await {
            Ok(stream) => asked(token, Patient(stream), tls, name).await,
            Err(_) => by_driver(tls, token).await,
        },
        #[cfg(unix)]
        Host::Unix(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            match tokio::net::UnixStream::connect(socket).await {
                Ok(stream) => asked(token, Patient(stream), None, "").await,
                Err(_) => by_driver(tls, token).await,
            }
        }
    }
}

async fn by_driver(tls: Option<&MakeRustlsConnect>, token: &CancelToken) -> Result<(), Error> {
    match tls {
        Some(tls) => token.cancel_query(tls.clone()).await,
        None => token.cancel_query(NoTls).await,
    }
}

async fn asked<S>(
    token: &CancelToken,
    stream: Patient<S>,
    tls: Option<&MakeRustlsConnect>,
    host: &str,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut tls = tls.cloned();
    let made = tls
        .as_mut()
        .map(|tls| MakeTlsConnect::<Patient<S>>::make_tls_connect(tls, host));
    match made {
        Some(Ok(tls)) => token.cancel_query_raw(stream, tls).await,
        _ => token.cancel_query_raw(stream, NoTls).await,
    }
}

/// A stream that is shut down by the other side: it is waited for.
struct Patient<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut rest = [0; 64];
        loop {
            let mut buffer = ReadBuf::new(&mut rest);
            match Pin::new(&mut self.0).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                // It is closed, or as good as that.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// The server process that a token asks to end what it does (PostgreSQL 55.7, CancelRequest), which the driver
/// tells nobody else.
pub(super) async fn pid(token: &CancelToken) -> Option<i32> {
    let mut request = Written(Vec::new());
    let written = token.cancel_query_raw(&mut request, Plain).await;
    written.ok()?;
    // Length, code, process, key: four bytes each, after whatever asked for TLS.
    let at = request.0.len().checked_sub(8)?;
    let pid = request.0.get(at..at + 4)?;
    Some(i32::from_be_bytes(pid.try_into().ok()?))
}

/// What is written and never sent. Whoever reads is told that there is TLS.
struct Written(Vec<u8>);

/// TLS that changes nothing.
struct Plain;

impl<'a> TlsConnect<&'a mut Written> for Plain {
    type Stream = &'a mut Written;
    type Error = Infallible;
    type Future = Ready<Result<Self::Stream, Infallible>>;

    fn connect(self, stream: &'a mut Written) -> Self::Future {
        ready(Ok(stream))
    }
}

impl TlsStream for &mut Written {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Written {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0 {
            buffer.put_slice(b"S");
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Written {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
