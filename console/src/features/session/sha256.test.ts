import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha256Head, solve } from './sha256'

const head = (text: string) => createHash('sha256').update(text).digest().readUInt32BE(0)

test('digests are those of another implementation, at every length around a block', () => {
  for (let length = 0; length < 200; length += 1) {
    const text = 'ab.3'.repeat(60).slice(0, length)
    expect(sha256Head(text)).toBe(head(text))
  }
})

test('a solution has the zero bits that were asked for, and no smaller number has', () => {
  const n = solve('EgAAAZ0puzzle', 10)
  const zeros = (text: string) => Math.clz32(head(text))
  expect(zeros(`EgAAAZ0puzzle.${n}`)).toBeGreaterThanOrEqual(10)
  for (let smaller = 0; smaller < n; smaller += 1) {
    expect(zeros(`EgAAAZ0puzzle.${smaller}`)).toBeLessThan(10)
  }
})
