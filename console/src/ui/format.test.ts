import { describe, expect, it } from 'vitest'
import { ago, bytes, ms, quantity, span } from './format'

describe('sizes and spans', () => {
  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1536, '1.5 KiB'],
    [10 * 1024 ** 3, '10 GiB'],
    [-2048, '−2 KiB'],
  ])('%d bytes are %s', (value, text) => expect(bytes(value)).toBe(text))
  it.each([
    [0, '0 s'],
    [0.25, '250 µs'],
    [240, '240 ms'],
    [8000, '8 s'],
    [90_000, '1 min 30 s'],
    [12 * 60_000, '12 min'],
    [3_700_000, '1 h 1 min'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms are %s', (value, text) => expect(span(value)).toBe(text))
  it('says when, both ways', () => {
    expect(ago(0, 90_000)).toBe('1 min ago')
    expect(ago(90_000, 0)).toBe('in 1 min')
    expect(ago(1000, 0)).toBe('now')
  })
  it('shows what was not measured as a dash, never as zero', () => {
    expect(quantity(null, 'B')).toBe('–')
    expect(quantity(Number.NaN, '%')).toBe('–')
  })
  it('uses the unit of the series', () => {
    expect(quantity(0.084, 's')).toBe('84 ms')
    expect(quantity(2048, 'B/s')).toBe('2 KiB/s')
    expect(quantity(41.27, '%')).toBe('41.3 %')
  })
  it('has no instant for nothing or nonsense', () => {
    expect(ms(undefined)).toBeNull()
    expect(ms('')).toBeNull()
    expect(ms('yesterday')).toBeNull()
  })
})
