// Acts on many checks at once, in parts the server takes. What one part did counts, whatever becomes of the next.

import { ApiError, body, client } from '../../api/client'
import type { BulkResult, CheckView } from '../../api/types'

/** Things in one request; the server takes no more. */
const PART = 1000
/** Requests under way at once where each is about one thing. */
const WIDE = 6

const idsOf = (checks: readonly CheckView[]) => checks.map((check) => check.id)

/** Runs `act` on parts of `items`, one after the other. Fails only when nothing was done at all. */
export async function inParts<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  act: (part: T[]) => Promise<BulkResult>,
  size = PART,
): Promise<BulkResult> {
  const sum: BulkResult = { done: 0, failed: [], made: [] }
  for (let at = 0; at < items.length; at += size) {
    const part = items.slice(at, at + size)
    try {
      const result = await act(part)
      sum.done += result.done
      sum.failed.push(...result.failed)
      sum.made.push(...result.made)
    } catch (error) {
      if (sum.done === 0 || !(error instanceof Error)) throw error
      // The rest would meet the same; it is said, and stays as it was.
      const reason = error.message
      sum.failed.push(...items.slice(at).map((item) => ({ id: idOf(item), reason })))
      return sum
    }
  }
  return sum
}

export interface Acknowledging {
  note: string
  sticky: boolean
  expires_at?: string
}

const ofChecks = (checks: readonly CheckView[], act: (ids: string[]) => Promise<BulkResult>) =>
  inParts(
    checks,
    (check) => check.id,
    (part) => patiently(() => act(idsOf(part))),
  )

export const acknowledge = (checks: readonly CheckView[], how: Acknowledging) =>
  ofChecks(checks, (ids) => body(client.POST('/api/v1/acknowledgements', { body: { checks: ids, ...how } })))

export const unacknowledge = (checks: readonly CheckView[]) =>
  ofChecks(checks, (ids) => body(client.POST('/api/v1/acknowledgements/remove', { body: { checks: ids } })))

export const recheck = (checks: readonly CheckView[]) =>
  ofChecks(checks, (ids) => body(client.POST('/api/v1/rechecks', { body: { checks: ids } })))

export const comment = (checks: readonly CheckView[], text: string) =>
  ofChecks(checks, (ids) => body(client.POST('/api/v1/comments', { body: { checks: ids, text } })))

export interface Span {
  start_at: string
  end_at: string
  note: string
}

export const planDowntime = (targets: readonly { host: string; check?: string }[], span: Span) =>
  inParts(
    targets,
    (target) => target.check ?? target.host,
    (part) => patiently(() => body(client.POST('/api/v1/downtimes', { body: { targets: part, ...span } }))),
  )

const TRIES = 5

/** Tries again when the server asks for patience, as it does of whoever asks for many things one by one. */
export async function patiently<T>(
  act: () => Promise<T>,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
): Promise<T> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 429 || left <= 1) throw error
      await wait((error.retryAfterS ?? 1) * 1000)
    }
  }
}

export async function cancelDowntimes(ids: readonly string[]): Promise<BulkResult> {
  const sum: BulkResult = { done: 0, failed: [], made: [] }
  const waiting = [...ids]
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        await patiently(() => client.DELETE('/api/v1/downtimes/{id}', { params: { path: { id } } }))
        sum.done += 1
      } catch (error) {
        sum.failed.push({ id, reason: error instanceof Error ? error.message : '' })
      }
    }
  }
  await Promise.all(Array.from({ length: WIDE }, work))
  return sum
}

/** Those that an acknowledgement newly took charge of: taking it back must not let go of somebody else's. */
export const newlyTaken = (checks: readonly CheckView[], result: BulkResult): CheckView[] => {
  const failed = new Set(result.failed.map((each) => each.id))
  return checks.filter((check) => !check.acknowledgement && !failed.has(check.id))
}

/** The acknowledgements that were there, grouped by what they said, to put them back. */
export function standing(
  checks: readonly CheckView[],
  result: BulkResult,
): { checks: CheckView[]; how: Acknowledging }[] {
  const failed = new Set(result.failed.map((each) => each.id))
  const groups = new Map<string, { checks: CheckView[]; how: Acknowledging }>()
  for (const check of checks) {
    const ack = check.acknowledgement
    if (!ack || failed.has(check.id)) continue
    const how = {
      note: ack.note,
      sticky: ack.sticky,
      ...(ack.expires_at ? { expires_at: ack.expires_at } : {}),
    }
    const key = JSON.stringify(how)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { checks: [check], how })
    else group.checks.push(check)
  }
  return [...groups.values()]
}
