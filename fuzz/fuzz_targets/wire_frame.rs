//! Frames off any bytes, in any fragments: frames or an error, never a panic, never more than was sent.
#![no_main]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;
use wk_wire::budget::{decode_agent_frame, decode_server_frame};
use wk_wire::frame::{FrameReader, Limits};

/// Gives the bytes in pieces; the first byte of each piece says how long it is.
struct Pieces<'a>(&'a [u8]);

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if let Some((&length, rest)) = self.0.split_first() {
            let take = (usize::from(length) + 1).min(rest.len()).min(buf.remaining());
            buf.put_slice(&rest[..take]);
            self.0 = &rest[take..];
        }
        Poll::Ready(Ok(()))
    }
}

fuzz_target!(|data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut reader = FrameReader::new(Pieces(data), Limits::LINK);
        let mut total = 0;
        while let Ok(Some(frame)) = reader.next(Instant::now() + Duration::from_secs(5)).await {
            total += frame.len() + 4;
            assert!(total <= data.len());
            let _ = decode_agent_frame(frame.clone());
            let _ = decode_server_frame(frame);
        }
    });
});
