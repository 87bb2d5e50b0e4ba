import { describe, expect, it } from 'vitest'
import { parseRange, printRange, stepFor } from './range'

const now = Date.parse('2026-11-21T12:00:03Z')

describe('the time range of the address', () => {
  it('moves with the clock in whole steps', () => {
    const range = parseRange('6h', now)
    expect(range.preset).toBe('6h')
    expect(range.to).toBe(Date.parse('2026-11-21T12:00:10Z'))
    expect(range.to - range.from).toBe(21_600_000)
  })
  it('survives the trip through the address', () => {
    const range = parseRange(printRange(now - 5000, now), now)
    expect([range.from, range.to, range.preset]).toEqual([now - 5000, now, undefined])
  })
  it.each([undefined, '', 'x', '..', '2026-11-21..2026-11-20', 'a..b'])('takes %j for the default', (raw) => {
    expect(parseRange(raw, now).preset).toBe('1h')
  })
  it('asks for about 240 points on round steps', () => {
    expect(stepFor(0, 3_600_000)).toBe(20_000)
    expect(stepFor(0, 86_400_000)).toBe(600_000)
    expect(stepFor(0, 60_000)).toBe(10_000)
  })
})
