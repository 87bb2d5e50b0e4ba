//! Sends a mail. The library speaks SMTP; dialling, TLS and the plain words before it are ours.
//!
//! The plain part of `STARTTLS` is done here because whatever a man in the middle slips in behind the server's reply must
//! not be read as if it had come over TLS: it could say "delivered" for a mail that is not.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
    BufReader, ReadBuf,
};
use tokio::time::{Instant, timeout};
use wk_domain::text::clean_line;
use wk_seal::{SecretBytes, SecretString};

use crate::channel::{EmailConfig, Security};
use crate::egress::tls::Tls;
use crate::egress::{Egress, Reach};
use crate::failure::{Failure, Kind};
use crate::mail::Mail;

/// Bytes and lines of one reply. The library reads a reply anew from its start at each of its lines: without a bound on
/// those, a hostile server would keep a processor busy for seconds.
const REPLY_MAX: usize = 8 * 1024;
const REPLY_LINES_MAX: usize = 100;
/// Bytes a server may say before TLS.
const PLAIN_MAX: u64 = 8 * 1024;
/// Mails over one connection; many servers end it themselves at a hundred.
const MAILS_MAX: u32 = 50;
/// A connection that lay idle for longer is not used again: servers and what stands between forget them.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// Patience for the goodbye.
const QUIT: Duration = Duration::from_secs(1);

/// A connection over which mails were sent, and further ones of the same channel may be.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    mails: u32,
    used: Instant,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("mails", &self.mails).finish_non_exhaustive()
    }
}

/// Why a mail was not taken.
#[derive(Debug)]
struct Closing {
    failure: Failure,
    /// The server ended the conversation before it had the mail: over a connection that was used before this says only
    /// that it had enough of it.
    early: bool,
}

/// Sends, over the connection in `kept` if it is still good, and leaves a good one there; gives back the addresses that the
/// server refused while it took the mail for others. May be dropped: the connection then goes with it.
pub(crate) async fn send(
    egress: &Egress,
    tls: &Tls,
    config: &EmailConfig,
    password: Option<&SecretBytes>,
    mail: &Mail,
    kept: &mut Option<Session>,
) -> Result<Vec<String>, Failure> {
    if let Some(mut session) = kept.take() {
        if session.mails < MAILS_MAX && session.used.elapsed() < IDLE_MAX {
            match session.deliver(mail).await {
                Ok(refused) => {
                    *kept = Some(session);
                    return Ok(refused);
                }
                Err(Closing { early: true, .. }) => {}
                Err(Closing { failure, .. }) => return Err(failure),
            }
        } else {
            session.quit().await;
        }
    }
    let mut session = open(egress, tls, config, password).await?;
    let refused = session.deliver(mail).await.map_err(|closing| closing.failure)?;
    *kept = Some(session);
    Ok(refused)
}

/// Dials, shakes hands and signs in.
async fn open(
    egress: &Egress,
    tls: &Tls,
    config: &EmailConfig,
    password: Option<&SecretBytes>,
) -> Result<Session, Failure> {
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
    let inner = tls.connect(plain, host, config.root_pem.as_deref(), false).await.map_err(Failure::tls)?;
    let greeting: &[u8] = match config.security {
        Security::Tls => b"",
        // After STARTTLS the server waits for EHLO; the library waits for a greeting.
        Security::StartTls => b"220 TLS\r\n",
    };
    let mut session = Session::greet(inner, greeting, &hello).await?;
    if let Some(username) = &config.username {
        let password = password.and_then(SecretString::from_utf8).ok_or_else(|| {
            Failure::refused("the channel has a username but no password; enter the password as its secret")
        })?;
        let credentials = Credentials::new(username.clone(), password.expose().clone());
        let signed_in = session.connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
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
    Ok(session)
}

impl Session {
    /// Reads the greeting and says `EHLO`.
    async fn greet<S>(inner: S, greeting: &[u8], hello: &ClientId) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + fmt::Debug + Unpin + Send + Sync + 'static,
    {
        let stream = Stream { ahead: greeting.to_vec(), at: 0, bytes: 0, lines: 0, inner };
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello)
            .await
            .map_err(|error| said("the greeting", &error))?;
        Ok(Self { connection, mails: 0, used: Instant::now() })
    }

    /// Sends one mail. After a failure the session is of no further use.
    async fn deliver(&mut self, mail: &Mail) -> Result<Vec<String>, Closing> {
        // 421: the server closes, whatever was asked.
        let step = |step: &'static str| {
            move |error: SmtpError| Closing {
                early: error.status().is_none_or(|code| u16::from(code) == 421),
                failure: said(step, &error),
            }
        };
        let connection = &mut self.connection;
        connection
            .command(MailFrom::new(Some(mail.from.clone()), vec![]))
            .await
            .map_err(step("the sender"))?;
        let mut refused = Vec::new();
        let mut last = None;
        for to in &mail.to {
            match connection.command(Rcpt::new(to.clone(), vec![])).await {
                Ok(_) => {}
                Err(error) if error.status().is_some_and(|code| u16::from(code) != 421) => {
                    let failure = said("the recipient", &error);
                    refused.push(format!("{to}: {}", failure.text));
                    // One that may pass later decides: the others are then tried again as well.
                    last = Some(match last {
                        Some(last @ Failure { kind: Kind::Passing, .. }) => last,
                        _ => failure,
                    });
                }
                Err(error) => return Err(step("the recipient")(error)),
            }
        }
        if let (Some(last), true) = (last, refused.len() == mail.to.len()) {
            connection.abort().await;
            let failure = Failure { text: clean_line(refused.join("; "), 400), ..last };
            return Err(Closing { failure, early: false });
        }
        connection.command(Data).await.map_err(step("the mail"))?;
        let taken = connection.message(&mail.bytes).await;
        // From here on the server may have it: sent again at once, it would come twice.
        taken.map_err(|error| Closing { failure: said("the mail", &error), early: false })?;
        self.mails += 1;
        self.used = Instant::now();
        Ok(refused)
    }

    /// Says goodbye. How that goes does not matter: the server has what it took.
    pub(crate) async fn quit(mut self) {
        let _gone = timeout(QUIT, self.connection.quit()).await;
    }
}

/// A failure of one step, from what the server or the network said.
fn said(step: &str, error: &SmtpError) -> Failure {
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
async fn starttls<S>(stream: S, hello: &ClientId) -> Result<S, &'static str>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
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
    let mut lines = Vec::new();
    let mut first = None;
    loop {
        let mut line = Vec::new();
        // Bounded: the stream under it ends after `PLAIN_MAX`.
        stream.read_until(b'\n', &mut line).await.map_err(|_| "the connection broke before TLS")?;
        let (code, text, more) = reply_line(&line).ok_or(WRONG)?;
        // RFC 5321 section 4.2.1: each line carries the same code.
        if *first.get_or_insert(code) != code {
            return Err(WRONG);
        }
        lines.push(text);
        if !more {
            return Ok((code, lines));
        }
    }
}

/// For people who are told neither what answers nor what it said.
const WRONG: &str = "what answers there does not speak SMTP";

/// One line of a reply, with its end: code, text, and whether more follow. Total: any bytes give an answer.
fn reply_line(line: &[u8]) -> Option<([u8; 3], String, bool)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let code = *line.first_chunk::<3>()?;
    let more = match line.get(3) {
        Some(b'-') => true,
        Some(b' ') | None => false,
        Some(_) => return None,
    };
    let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default()).trim().to_owned();
    code.iter().all(u8::is_ascii_digit).then_some((code, text, more))
}

/// What carries a conversation after TLS: with a greeting put before what the server says, a bound on each reply, and an
/// ear for words that nobody asked for. Those would be taken for the reply to the next command, and all replies after
/// them for those to others: a mail would count as delivered that was refused.
#[derive(Debug)]
struct Stream<S> {
    /// Read and not handed on yet. Lines are handed on one by one.
    ahead: Vec<u8>,
    at: usize,
    /// Of the reply under way.
    bytes: usize,
    lines: usize,
    inner: S,
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.at >= this.ahead.len() {
            let mut chunk = [0; 1024];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut read))?;
            (this.ahead, this.at) = (read.filled().to_vec(), 0);
        }
        let rest = this.ahead.get(this.at..).unwrap_or_default();
        let line = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1);
        let n = line.min(buf.remaining());
        this.bytes += n;
        this.lines += usize::from(rest[..n].ends_with(b"\n"));
        if this.bytes > REPLY_MAX || this.lines > REPLY_LINES_MAX {
            return Poll::Ready(Err(wrong("the server says too much")));
        }
        buf.put_slice(&rest[..n]);
        this.at += n;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.at < self.ahead.len() {
            return Poll::Ready(Err(wrong("the server speaks before its turn")));
        }
        // Our turn; the next reply begins after it.
        (self.bytes, self.lines) = (0, 0);
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + fmt::Debug + Unpin + Send + Sync> AsyncTokioStream for Stream<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        // Nobody here asks.
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Drives both parts of a conversation with a server that says these bytes, whatever it is told. For fuzzing.
pub(crate) async fn exercise(says: &[u8]) {
    /// Says its bytes, a few at a time; hears everything.
    #[derive(Debug)]
    struct Canned(Vec<u8>, usize, usize);

    impl AsyncRead for Canned {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let rest = self.0.get(self.1..).unwrap_or_default();
            let n = rest.len().min(buf.remaining()).min(self.2);
            buf.put_slice(&rest[..n]);
            self.1 += n;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Canned {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    let (Some((first, says)), hello) = (says.split_first(), ClientId::default()) else { return };
    let canned = || Canned(says.to_vec(), 0, usize::from(*first).max(1));
    let _plain = starttls(canned(), &hello).await;
    let Ok(mut session) = Session::greet(canned(), b"", &hello).await else { return };
    let (Ok(from), Ok(to)) = ("wk@example.org".parse(), "ops@example.org".parse()) else { return };
    let mail = Mail { from, to: vec![to], bytes: b"Subject: x\r\n\r\n.\r\n".to_vec() };
    // The second over the same connection.
    if session.deliver(&mail).await.is_ok() {
        let _again = session.deliver(&mail).await;
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
        for bad in [
            "",
            "220 no end",
            "22 x\r\n",
            "2x0 y\r\n",
            "220_x\r\n",
            "220-x\r\n",
            "\r\n",
            "SSH-2.0-x\r\n",
            "250-x\r\n220 y\r\n",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_that_nobody_asked_for_end_the_conversation() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (server, client) = tokio::io::duplex(4096);
        let (mut heard, mut says) = tokio::io::split(server);
        runtime.block_on(async {
            // Answers to everything beforehand, so that a mail would seem delivered that nobody took.
            says.write_all(b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 x\r\n").await.unwrap();
            let session = Session::greet(client, b"", &ClientId::default()).await;
            let failure = session.unwrap_err();
            assert!(failure.text.contains("before its turn"), "{}", failure.text);
            let mut seen = String::new();
            heard.read_to_string(&mut seen).await.unwrap();
            assert!(!seen.contains("MAIL"), "{seen}");
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_conversation_with_anybody_ends(bytes: Vec<u8>, lines in "\\PC([0-9]{3}[- ][a-z]{0,3}\r\n){0,9}") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(exercise(&bytes));
            runtime.block_on(exercise(lines.as_bytes()));
        }

        #[test]
        fn reading_a_reply_is_total(bytes: Vec<u8>, lines in "([0-9]{3}[- ]?[a-z]{0,3}\r?\n){0,4}") {
            let _ = read(&bytes);
            let _ = read(lines.as_bytes());
        }
    }
}
