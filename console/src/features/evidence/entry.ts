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
  actor: { kind: string; name: string; id: string; session: string; method: string; level: string }
  source: string
  reason: string
  request: string
  onBehalfOf: string
  object: { kind: string; id: string; revision: string }
  changes: Change[]
  raw: string
}

/** A value of a change in words; null where there was none. A secret shows as a commitment only. */
export function value(raw: unknown): string | null {
  if (raw === null || raw === undefined) return null
  if (isRecord(raw)) {
    const commitment = raw.commitment ?? raw.secret
    if (commitment !== undefined) return `secret (${text(commitment).slice(0, 12)}…)`
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
      kind: text(actor.type ?? actor.kind),
      name: text(actor.name),
      id: text(actor.id),
      session: text(actor.session),
      method: text(actor.auth_method),
      level: text(actor.aal),
    },
    source: text(source.ip),
    reason: text(entry.reason),
    request: text(entry.request_id),
    onBehalfOf: text(entry.on_behalf_of),
    object: { kind: text(object.type ?? object.kind), id: text(object.id), revision: text(object.rev) },
    changes: diff.flatMap((each): Change[] =>
      isRecord(each)
        ? [
            {
              field: text(each.field),
              before: value(each.old ?? each.before),
              after: value(each.new ?? each.after),
            },
          ]
        : [],
    ),
    raw: JSON.stringify(raw, null, 2),
  }
}
