// Threshold ranges in the plugin guideline's notation: read for graphs, and said in words for people.

import { t } from '../../strings'
import { quantity } from '../../ui/format'

/** Alerts outside `low` to `high`, or inside when turned round. Ends may be infinite. */
export interface Limits {
  low: number
  high: number
  inside: boolean
}

/** `80`, `0:80`, `~:80`, `10:`, `@5:10`. Nothing when there is no threshold or it cannot be read. */
export function limits(range: string | null | undefined): Limits | undefined {
  if (range === null || range === undefined || range === '') return undefined
  const inside = range.startsWith('@')
  const text = inside ? range.slice(1) : range
  const colon = text.indexOf(':')
  const end = (raw: string, open: number) => (raw === '' ? open : Number(raw))
  const low = colon < 0 || text.slice(0, colon) === '' ? 0 : text.slice(0, colon)
  const from = low === '~' ? Number.NEGATIVE_INFINITY : Number(low)
  const to = end(colon < 0 ? text : text.slice(colon + 1), Number.POSITIVE_INFINITY)
  return Number.isNaN(from) || Number.isNaN(to) || text === '' ? undefined : { low: from, high: to, inside }
}

/** `above 85 %`, `below 10 %`, `below 5 or above 9`; what cannot be read stays as it is. */
export function limitWords(range: string | null | undefined, unit: string): string {
  if (!range) return '–'
  const read = limits(range)
  if (read === undefined) return range
  const [low, high] = [Number.isFinite(read.low), Number.isFinite(read.high)]
  const [from, to] = [quantity(read.low, unit), quantity(read.high, unit)]
  if (read.inside) return low && high ? t.range.inside(from, to) : range
  // Nothing that is counted or measured here goes below zero: that end says nothing.
  if (high && (!low || read.low === 0)) return t.range.above(to)
  if (low && !high) return t.range.below(from)
  return low && high ? t.range.outside(from, to) : range
}
