import { describe, expect, it } from 'vitest'
import { ApiError } from '../../api/client'
import type { BulkResult, CheckView } from '../../api/types'
import { inParts, newlyTaken, patiently, standing } from './bulk'

const check = (id: string, note?: string): CheckView =>
  ({
    id,
    ...(note === undefined
      ? {}
      : { acknowledgement: { by: 'user:x', at: '2026-11-21T10:00:00Z', note, sticky: true } }),
  }) as CheckView
const fine = (part: readonly unknown[]): BulkResult => ({ done: part.length, failed: [], made: [] })
const same = (id: string) => id

describe('an act on many checks', () => {
  it('goes in parts the server takes', async () => {
    const parts: number[] = []
    const ids = Array.from({ length: 2500 }, (_, i) => `check_${i}`)
    const result = await inParts(ids, same, async (part) => {
      parts.push(part.length)
      return fine(part)
    })
    expect(parts).toEqual([1000, 1000, 500])
    expect(result.done).toBe(2500)
  })
  it('says what was left when it breaks half way', async () => {
    let part = 0
    const result = await inParts(
      ['a', 'b', 'c', 'd', 'e'],
      same,
      async (ids) => {
        part += 1
        if (part === 2) throw new Error('the server cannot be reached')
        return fine(ids)
      },
      2,
    )
    expect(result.done).toBe(2)
    expect(result.failed.map((each) => each.id)).toEqual(['c', 'd', 'e'])
    expect(part).toBe(2)
  })
  it('fails as a whole when nothing was done', async () => {
    await expect(inParts(['a'], same, () => Promise.reject(new Error('denied')))).rejects.toThrow('denied')
  })
  it('is taken back only where it did something', () => {
    const checks = [check('a'), check('b', 'mine since Monday'), check('c')]
    const result = { done: 2, failed: [{ id: 'c', reason: 'is OK' }], made: [] }
    expect(newlyTaken(checks, result).map((each) => each.id)).toEqual(['a'])
  })
  it('puts back what colleagues had said', () => {
    const checks = [check('a', 'x'), check('b', 'y'), check('c', 'x'), check('d')]
    const groups = standing(checks, { done: 3, failed: [{ id: 'b', reason: '' }], made: [] })
    expect(groups).toHaveLength(1)
    expect(groups[0]?.checks.map((each) => each.id)).toEqual(['a', 'c'])
    expect(groups[0]?.how).toEqual({ note: 'x', sticky: true })
  })
})

describe('a server that asks for patience', () => {
  it('is asked again after the time it named', async () => {
    const waits: number[] = []
    let tries = 0
    const act = async () => {
      tries += 1
      if (tries < 3) throw new ApiError(429, undefined, 2)
      return 'done'
    }
    expect(await patiently(act, async (ms) => void waits.push(ms))).toBe('done')
    expect(waits).toEqual([2000, 2000])
  })
  it('is not asked for ever, nor at all when it refused', async () => {
    const refuse = (status: number) => () => Promise.reject(new ApiError(status, undefined, 1))
    await expect(patiently(refuse(429), async () => {})).rejects.toThrow()
    await expect(
      patiently(refuse(403), async () => {
        throw new Error('waited')
      }),
    ).rejects.toThrow('403')
  })
})
