// Reads an audit entry's free JSON for people. Whatever is not understood is still there, whole, as raw text.

import type { Change } from '../../ui/Diff'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''

export interface Readable {
  actor: { kind: string; id: string; session: string; method: string; level: string }
  source: string
  reason: string
  request: string
  onBehalfOf: string
  object: { kind: string; id: string; revision: string }
  /** SHA-256 of the object before and after; empty where it was not there. */
  before: string
  after: string
  userAgent: string
  tenant: string
  policy: string
  node: string
  processClock: string
  sinceLast: string
  changes: Change[]
  /** The list of changes was too long for the entry: how many there were, and the SHA-256 of all. */
  cut: { total: string; sha256: string } | null
  raw: string
}

/** A value of a change in words; null where there was none. A secret shows as a commitment only. */
export function value(raw: unknown): string | null {
  if (raw === null || raw === undefined) return null
  if (isRecord(raw)) {
    if (raw.commitment !== undefined) return `secret (${text(raw.commitment).slice(0, 12)}…)`
    if (raw.withheld === true) return 'withheld'
    if (raw.cut !== undefined)
      return `${text(raw.cut)}… (${text(raw.bytes)} bytes, SHA-256 ${text(raw.sha256)})`
  }
  return typeof raw === 'string' ? raw : JSON.stringify(raw)
}

export function readEntry(raw: unknown): Readable {
  const entry = isRecord(raw) ? raw : {}
  const actor = isRecord(entry.actor) ? entry.actor : {}
  const source = isRecord(entry.source) ? entry.source : {}
  const object = isRecord(entry.object) ? entry.object : {}
  const diff = Array.isArray(entry.diff) ? entry.diff : []
  return {
    actor: {
      kind: text(actor.type),
      id: text(actor.id),
      session: text(actor.session),
      method: text(actor.auth_method),
      level: text(actor.aal),
    },
    source: text(source.ip),
    reason: text(entry.reason),
    request: text(entry.request_id),
    onBehalfOf: text(entry.on_behalf_of),
    object: { kind: text(object.type), id: text(object.id), revision: text(object.rev) },
    before: text(entry.before_hash),
    after: text(entry.after_hash),
    userAgent: text(source.ua_hash),
    tenant: text(entry.tenant),
    policy: text(entry.policy_version),
    node: text(entry.node),
    processClock: text(entry.ts_mono_ns),
    sinceLast: text(entry.prev_ts_gap_ns),
    changes: diff.flatMap((each): Change[] =>
      isRecord(each)
        ? [
            {
              field: text(each.field),
              before: value(each.old),
              after: value(each.new),
            },
          ]
        : [],
    ),
    cut: isRecord(entry.diff_cut)
      ? { total: text(entry.diff_cut.total), sha256: text(entry.diff_cut.sha256) }
      : null,
    raw: JSON.stringify(raw, null, 2),
  }
}
