//! Decoding within a budget of memory.
//!
//! Protobuf amplifies: two bytes make an empty element of a repeated message that takes hundreds of bytes in memory,
//! so a frame of 1 MiB could become more than 100 MiB. [`decode_agent_frame`] and [`decode_server_frame`] walk the
//! bytes first, add up what decoding would allocate, and refuse a frame that costs more than [`DECODED_BYTES_MAX`].
//! The walk allocates nothing and is total on any bytes.

use std::mem::size_of;

use bytes::Bytes;
use prost::Message;

use crate::v1::*;

/// Memory that one decoded frame may take, in bytes. Honest frames take up to six times their own size.
pub const DECODED_BYTES_MAX: usize = 12 << 20;

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the frame is not what the protocol defines")]
    Malformed,
    #[error("the frame holds no body, or more than one, or one of a newer protocol")]
    Body,
    #[error("the frame would take more than {DECODED_BYTES_MAX} bytes of memory")]
    TooCostly,
}

/// What a frame from an agent is, as far as its first byte tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentFrameKind {
    Hello,
    Dictionary,
    Batch,
    Heartbeat,
    Renew,
    TrustHeld,
}

impl AgentFrameKind {
    /// The kind of a frame that is not decoded yet; `None` when it cannot be a frame.
    pub fn of(frame: &[u8]) -> Option<Self> {
        match frame.first()? {
            0x0a => Some(Self::Hello),
            0x12 => Some(Self::Dictionary),
            0x1a => Some(Self::Batch),
            0x22 => Some(Self::Heartbeat),
            0x2a => Some(Self::Renew),
            0x32 => Some(Self::TrustHeld),
            _ => None,
        }
    }
}

/// Decodes what an agent sent.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_agent_frame(frame: Bytes) -> Result<agent_frame::Body, DecodeError> {
    check(&frame, &AGENT_FRAME)?;
    AgentFrame::decode(frame).map_err(|_| DecodeError::Malformed)?.body.ok_or(DecodeError::Body)
}

/// Decodes what a server sent.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_server_frame(frame: Bytes) -> Result<server_frame::Body, DecodeError> {
    check(&frame, &SERVER_FRAME)?;
    ServerFrame::decode(frame).map_err(|_| DecodeError::Malformed)?.body.ok_or(DecodeError::Body)
}

/// How the bytes of a message are laid out, as far as memory is concerned.
struct Shape {
    /// What one value of the message takes.
    bytes: usize,
    /// Fields that are messages.
    messages: &'static [(u32, &'static Shape)],
    /// Packed numbers: one byte can become this many.
    packed: &'static [(u32, usize)],
}

/// What a text or byte field takes beside its content.
const HANDLE: usize = size_of::<Vec<u8>>();

const fn leaf<T>() -> Shape {
    Shape { bytes: size_of::<T>(), messages: &[], packed: &[] }
}

const fn node<T>(messages: &'static [(u32, &'static Shape)]) -> Shape {
    Shape { bytes: size_of::<T>(), messages, packed: &[] }
}

static LABEL: Shape = leaf::<Label>();
static ALLOWED_PLUGIN: Shape = leaf::<AllowedPlugin>();
static HELLO: Shape = node::<Hello>(&[(6, &ALLOWED_PLUGIN)]);
static SERIES_DEF: Shape = node::<SeriesDef>(&[(2, &LABEL)]);
static DICTIONARY: Shape = node::<Dictionary>(&[(3, &SERIES_DEF)]);
static SAMPLE_BLOCK: Shape =
    Shape { bytes: size_of::<SampleBlock>(), messages: &[], packed: &[(2, size_of::<u32>()), (3, 1)] };
static PERF_METRIC: Shape = leaf::<PerfMetric>();
static CHECK_RESULT: Shape = node::<CheckResult>(&[(6, &PERF_METRIC)]);
static INVENTORY_ITEM: Shape = node::<InventoryItem>(&[(2, &LABEL)]);
static INVENTORY_DELTA: Shape = node::<InventoryDelta>(&[(3, &INVENTORY_ITEM)]);
static EXECUTION: Shape = leaf::<Execution>();
static AGENT_NOTE: Shape = leaf::<AgentNote>();
static BATCH: Shape = node::<Batch>(&[
    (3, &SAMPLE_BLOCK),
    (4, &CHECK_RESULT),
    (5, &INVENTORY_DELTA),
    (6, &EXECUTION),
    (7, &AGENT_NOTE),
]);
static HEARTBEAT: Shape = leaf::<Heartbeat>();
static RENEW_REQUEST: Shape = leaf::<RenewRequest>();
static TRUST_HELD: Shape = leaf::<TrustHeld>();
static AGENT_FRAME: Shape = node::<AgentFrame>(&[
    (1, &HELLO),
    (2, &DICTIONARY),
    (3, &BATCH),
    (4, &HEARTBEAT),
    (5, &RENEW_REQUEST),
    (6, &TRUST_HELD),
]);

static WELCOME: Shape = leaf::<Welcome>();
static ACK: Shape = leaf::<Ack>();
static THRESHOLD: Shape = leaf::<Threshold>();
static PING: Shape = leaf::<PingProbe>();
static TCP: Shape = leaf::<TcpProbe>();
static HTTP: Shape = Shape {
    bytes: size_of::<HttpProbe>(),
    messages: &[(3, &LABEL), (5, &LABEL)],
    packed: &[(4, size_of::<u32>())],
};
static TLS: Shape = leaf::<TlsProbe>();
static DNS: Shape = leaf::<DnsProbe>();
static SSH: Shape = leaf::<SshProbe>();
static PLUGIN: Shape = node::<PluginRun>(&[(2, &LABEL)]);
static ASSIGNMENT: Shape = node::<Assignment>(&[
    (4, &THRESHOLD),
    (10, &PING),
    (11, &TCP),
    (12, &HTTP),
    (13, &TLS),
    (14, &DNS),
    (15, &SSH),
    (16, &PLUGIN),
]);
static ASSIGNMENTS: Shape = node::<Assignments>(&[(2, &ASSIGNMENT)]);
static RUN_NOW: Shape = leaf::<RunNow>();
static RENEW_REPLY: Shape = leaf::<RenewReply>();
static GOODBYE: Shape = leaf::<Goodbye>();
static TRUST: Shape = leaf::<Trust>();
static SERVER_FRAME: Shape = node::<ServerFrame>(&[
    (1, &WELCOME),
    (2, &ACK),
    (3, &ASSIGNMENTS),
    (4, &RUN_NOW),
    (5, &RENEW_REPLY),
    (6, &GOODBYE),
    (7, &TRUST),
]);

fn check(frame: &[u8], shape: &'static Shape) -> Result<(), DecodeError> {
    let mut bodies = Cursor { rest: frame };
    let (mut body, mut count) = (None, 0_u32);
    while let Some(field) = bodies.field()? {
        count += 1;
        body = shape.messages.iter().find(|(tag, _)| *tag == field.tag).zip(field.content);
    }
    // Several bodies would be merged by the decoder: no honest peer sends that.
    let ((_, shape), content) = body.filter(|_| count == 1).ok_or(DecodeError::Body)?;
    let mut budget = Budget { left: DECODED_BYTES_MAX };
    budget.spend(shape.bytes)?;
    // Depth is that of the static shapes above: four.
    walk(content, shape, &mut budget)
}

fn walk(content: &[u8], shape: &'static Shape, budget: &mut Budget) -> Result<(), DecodeError> {
    let mut cursor = Cursor { rest: content };
    while let Some(field) = cursor.field()? {
        let Some(content) = field.content else {
            // A number: at worst an element of a repeated one that came unpacked.
            budget.spend(size_of::<u64>())?;
            continue;
        };
        if let Some((_, inner)) = shape.messages.iter().find(|(tag, _)| *tag == field.tag) {
            // Twice: a growing vector holds up to two of each.
            budget.spend(inner.bytes.saturating_mul(2))?;
            walk(content, inner, budget)?;
        } else if let Some((_, factor)) = shape.packed.iter().find(|(tag, _)| *tag == field.tag) {
            budget.spend(content.len().saturating_mul(*factor))?;
        } else {
            budget.spend(content.len().saturating_add(2 * HANDLE))?;
        }
    }
    Ok(())
}

struct Budget {
    left: usize,
}

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.left = self.left.checked_sub(bytes).ok_or(DecodeError::TooCostly)?;
        Ok(())
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

struct Field<'a> {
    tag: u32,
    /// The bytes of a length-delimited field.
    content: Option<&'a [u8]>,
}

impl<'a> Cursor<'a> {
    fn field(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| DecodeError::Malformed)?;
        let tag = key >> 3;
        if tag == 0 {
            return Err(DecodeError::Malformed);
        }
        let content = match key & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => {
                self.skip(8)?;
                None
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Malformed)?;
                Some(self.skip(length)?)
            }
            5 => {
                self.skip(4)?;
                None
            }
            // Groups: nothing of ours has them.
            _ => return Err(DecodeError::Malformed),
        };
        Ok(Some(Field { tag, content }))
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(DecodeError::Malformed)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed)
    }

    fn skip(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (content, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Malformed)?;
        self.rest = rest;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agent(body: agent_frame::Body) -> Bytes {
        AgentFrame { body: Some(body) }.encode_to_vec().into()
    }

    #[test]
    fn every_kind_is_known_by_its_first_byte() {
        for (body, kind) in [
            (agent_frame::Body::Hello(Hello::default()), AgentFrameKind::Hello),
            (agent_frame::Body::Dictionary(Dictionary::default()), AgentFrameKind::Dictionary),
            (agent_frame::Body::Batch(Batch::default()), AgentFrameKind::Batch),
            (agent_frame::Body::Heartbeat(Heartbeat::default()), AgentFrameKind::Heartbeat),
            (agent_frame::Body::Renew(RenewRequest::default()), AgentFrameKind::Renew),
            (agent_frame::Body::TrustHeld(TrustHeld::default()), AgentFrameKind::TrustHeld),
        ] {
            let bytes = agent(body.clone());
            assert_eq!(AgentFrameKind::of(&bytes), Some(kind));
            assert_eq!(decode_agent_frame(bytes), Ok(body));
        }
        assert_eq!(AgentFrameKind::of(&[]), None);
        assert_eq!(AgentFrameKind::of(&[0x3a]), None);
    }

    #[test]
    fn a_mebibyte_of_empty_elements_is_too_costly() {
        // Batch: half a million empty results, or notes, or executions.
        for element in [0x22_u8, 0x2a, 0x32, 0x3a] {
            let inner: Vec<u8> = [element, 0].repeat(500_000);
            let mut frame = vec![0x1a];
            prost::encoding::encode_varint(inner.len() as u64, &mut frame);
            frame.extend(inner);
            assert_eq!(decode_agent_frame(frame.into()), Err(DecodeError::TooCostly));
        }
    }

    #[test]
    fn a_large_honest_batch_fits() {
        let batch = Batch {
            seq: 7,
            dictionary: 1,
            samples: vec![SampleBlock {
                at_ms: 1,
                refs: (0..20_000).collect(),
                values: (0..20_000).map(f64::from).collect(),
            }],
            results: (0..4096)
                .map(|i| CheckResult {
                    check_id: "check_01h455vb4pex5vsknk084sn02q".into(),
                    output: format!("OK number {i}"),
                    metrics: vec![PerfMetric {
                        label: "time".into(),
                        value: Some(1.0),
                        ..Default::default()
                    }],
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        let bytes = agent(agent_frame::Body::Batch(batch.clone()));
        assert!(bytes.len() < crate::FRAME_BYTES_MAX);
        assert_eq!(decode_agent_frame(bytes), Ok(agent_frame::Body::Batch(batch)));
    }

    #[test]
    fn two_bodies_in_a_frame_are_refused() {
        let mut bytes = agent(agent_frame::Body::Batch(Batch { seq: 1, ..Default::default() })).to_vec();
        bytes.extend(agent(agent_frame::Body::Heartbeat(Heartbeat { now_ms: 1, ..Default::default() })));
        assert_eq!(decode_agent_frame(bytes.into()), Err(DecodeError::Body));
        assert_eq!(decode_agent_frame(Bytes::new()), Err(DecodeError::Body));
        // A frame of a newer protocol.
        assert_eq!(decode_agent_frame(vec![0x7a, 0].into()), Err(DecodeError::Body));
    }

    proptest! {
        /// Whatever the decoder takes, the walk took before; and neither panics.
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode_agent_frame(bytes.clone().into());
            let _ = decode_server_frame(bytes.into());
        }

        /// Near misses: a good frame with a few bytes changed.
        #[test]
        fn changed_bytes(at in prop::collection::vec((0..300_usize, any::<u8>()), 0..6)) {
            let batch = Batch {
                seq: 1, dictionary: 2,
                samples: vec![SampleBlock { at_ms: 3, refs: vec![1, 2, 300], values: vec![1.0, 2.0, 3.0] }],
                notes: vec![AgentNote { at_ms: 1, kind: "started".into(), text: "x".repeat(50), count: 3 }],
                inventory: vec![InventoryDelta { section: "os".into(), full: true, ..Default::default() }],
                ..Default::default()
            };
            let mut bytes = agent(agent_frame::Body::Batch(batch)).to_vec();
            for (index, value) in at {
                if let Some(slot) = bytes.get_mut(index) { *slot = value; }
            }
            let _ = decode_agent_frame(bytes.into());
        }
    }
}
