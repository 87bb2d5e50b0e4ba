//! Sends a mail. The library speaks SMTP; dialling, TLS and the plain words before it are ours.
//!
//! The plain part of `STARTTLS` is done here because whatever a man in the middle slips in behind the server's reply must
//! not be read as if it had come over TLS: it could say "delivered" for a mail that is not.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
    BufReader, ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use wk_domain::text::clean_line;
use wk_seal::{SecretBytes, SecretString};

use crate::channel::{EmailConfig, Security};
use crate::egress::{Egress, Reach};
use crate::failure::{Failure, Kind};
use crate::mail::Mail;
use crate::tls::Tls;

/// Bytes a server may say in one session. The library reads lines without a bound of its own.
const SAID_MAX: usize = 64 * 1024;
/// Bytes a server may say before TLS.
const PLAIN_MAX: u64 = 8 * 1024;

/// Sends; gives back the addresses that the server refused while it took the mail for others.
pub(crate) async fn send(
    egress: &Egress,
    tls: &Tls,
    config: &EmailConfig,
    password: Option<&SecretBytes>,
    mail: &Mail,
) -> Result<Vec<String>, Failure> {
    let host = &config.server;
    let hello = ClientId::default();
    let dialled = egress.connect(host, config.port, Reach::Site).await;
    let mut plain = dialled.map_err(|error| match error.is_rule() {
        true => Failure::refused(error.to_string()),
        false => Failure::passing(error.to_string()),
    })?;
    if config.security == Security::StartTls {
        plain = starttls(plain, &hello).await.map_err(|what| Failure::passing(format!("{host}: {what}")))?;
    }
    let inner = tls.connect(plain, host, config.root_pem.as_deref(), false).await?;
    let greeting: &[u8] = match config.security {
        Security::Tls => b"",
        // After STARTTLS the server waits for EHLO; the library waits for a greeting.
        Security::StartTls => b"220 TLS\r\n",
    };
    let stream = Stream { greeting, inner, left: SAID_MAX };
    let step = |step: &'static str| move |error| said(step, &error);
    let connected = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await;
    let mut connection = connected.map_err(step("the greeting"))?;
    if let Some(username) = &config.username {
        let password = password.and_then(SecretString::from_utf8).ok_or_else(|| {
            Failure::refused("the channel has a username but no password; enter the password as its secret")
        })?;
        let credentials = Credentials::new(username.clone(), password.expose().clone());
        let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
        // Only the number: a server may repeat what it was told, in whatever form.
        signed_in.map_err(|error| match error.status() {
            Some(code) if error.is_transient() => {
                Failure::passing(format!("{host} cannot check the password now ({code})"))
            }
            Some(code) => Failure::refused(format!("{host} does not accept username and password ({code})")),
            None if error.is_client() => {
                Failure::refused(format!("{host} offers no way to sign in that is known here"))
            }
            None => Failure::passing(format!("{host} ended the conversation at the sign-in")),
        })?;
    }
    connection.command(MailFrom::new(Some(mail.from.clone()), vec![])).await.map_err(step("the sender"))?;
    let mut refused = Vec::new();
    let mut last = None;
    for to in &mail.to {
        match connection.command(Rcpt::new(to.clone(), vec![])).await {
            Ok(_) => {}
            Err(error) if error.status().is_some() => {
                let failure = said("the recipient", &error);
                refused.push(format!("{to}: {}", failure.text));
                // One that may pass later decides: the others are then tried again as well.
                last = Some(match last {
                    Some(last @ Failure { kind: Kind::Passing, .. }) => last,
                    _ => failure,
                });
            }
            Err(error) => return Err(said("the recipient", &error)),
        }
    }
    if let (Some(last), true) = (last, refused.len() == mail.to.len()) {
        connection.abort().await;
        return Err(Failure { text: clean_line(refused.join("; "), 400), ..last });
    }
    connection.command(Data).await.map_err(step("the mail"))?;
    connection.message(&mail.bytes).await.map_err(step("the mail"))?;
    // The server has it: how the goodbye goes does not matter.
    let _ = connection.quit().await;
    Ok(refused)
}

/// A failure of one step, from what the server or the network said.
fn said(step: &str, error: &lettre::transport::smtp::Error) -> Failure {
    let mut source = std::error::Error::source(error);
    let mut detail = source.map(ToString::to_string).unwrap_or_default();
    // The network's own word stands at the end of the chain.
    while let Some(deeper) = source.and_then(std::error::Error::source) {
        detail = deeper.to_string();
        source = Some(deeper);
    }
    let detail = clean_line(detail, 200);
    match error.status() {
        Some(code) if error.is_permanent() => {
            Failure::refused(format!("the mail server refuses {step}: {code} {detail}"))
        }
        Some(code) => Failure::passing(format!("the mail server cannot take {step} now: {code} {detail}")),
        None => Failure::passing(format!("the conversation with the mail server broke at {step}: {detail}")),
    }
}

/// The plain part: greeting, `EHLO`, `STARTTLS`. What the server says is never repeated to anybody: it is not
/// authenticated, and the machine may not be a mail server at all.
async fn starttls(stream: TcpStream, hello: &ClientId) -> Result<TcpStream, &'static str> {
    const BROKE: &str = "the connection broke before TLS";
    let mut stream = BufReader::new(stream.take(PLAIN_MAX));
    let (code, _) = reply(&mut stream).await?;
    if code != *b"220" {
        return Err("the server does not greet as a mail server does");
    }
    stream.get_mut().get_mut().write_all(format!("EHLO {hello}\r\n").as_bytes()).await.map_err(|_| BROKE)?;
    let (code, offers) = reply(&mut stream).await?;
    if code != *b"250" || !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
        return Err("the server does not offer STARTTLS, or somebody on the way hides it; nothing was sent");
    }
    stream.get_mut().get_mut().write_all(b"STARTTLS\r\n").await.map_err(|_| BROKE)?;
    let (code, _) = reply(&mut stream).await?;
    if code != *b"220" {
        return Err("the server refuses STARTTLS; nothing was sent");
    }
    if !stream.buffer().is_empty() {
        return Err("somebody on the way slipped words in before TLS; nothing was sent");
    }
    Ok(stream.into_inner().into_inner())
}

/// A reply of one or more lines: its code, and the text of each line.
async fn reply<R: AsyncBufRead + Unpin>(stream: &mut R) -> Result<([u8; 3], Vec<String>), &'static str> {
    const WRONG: &str = "what answers there does not speak SMTP";
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        // Bounded: the stream under it ends after `PLAIN_MAX`.
        stream.read_until(b'\n', &mut line).await.map_err(|_| "the connection broke before TLS")?;
        let Some(line) = line.strip_suffix(b"\n") else { return Err(WRONG) };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (Some(code), rest) = (line.first_chunk::<3>(), line.get(3..).unwrap_or_default()) else {
            return Err(WRONG);
        };
        if !code.iter().all(u8::is_ascii_digit) {
            return Err(WRONG);
        }
        lines.push(String::from_utf8_lossy(rest.get(1..).unwrap_or_default()).trim().to_owned());
        match rest.first() {
            Some(b'-') => {}
            Some(b' ') | None => return Ok((*code, lines)),
            Some(_) => return Err(WRONG),
        }
    }
}

/// TLS to the server, with a greeting put before what it says, and a bound on how much that is.
#[derive(Debug)]
struct Stream {
    greeting: &'static [u8],
    inner: TlsStream<TcpStream>,
    left: usize,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let n = self.greeting.len().min(buf.remaining());
            let (now, later) = self.greeting.split_at(n);
            buf.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        match self.left.checked_sub(read) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the server says too much"))),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().0.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(mut bytes: &[u8]) -> Result<([u8; 3], Vec<String>), &'static str> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(reply(&mut bytes))
    }

    #[test]
    fn replies_are_read_as_the_standard_says() {
        let (code, lines) = read(b"250-mail.test\r\n250-PIPELINING\r\n250 STARTTLS\r\nmore").unwrap();
        assert_eq!(
            (code, lines),
            (*b"250", vec!["mail.test".into(), "PIPELINING".into(), "STARTTLS".into()])
        );
        assert_eq!(read(b"220\n").unwrap(), (*b"220", vec![String::new()]));
        for bad in
            ["", "220 no end", "22 x\r\n", "2x0 y\r\n", "220_x\r\n", "220-x\r\n", "\r\n", "SSH-2.0-x\r\n"]
        {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_a_reply_is_total(bytes: Vec<u8>, lines in "([0-9]{3}[- ]?[a-z]{0,3}\r?\n){0,4}") {
            let _ = read(&bytes);
            let _ = read(lines.as_bytes());
        }
    }
}
