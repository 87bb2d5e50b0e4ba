import { describe, expect, it } from 'vitest'
import { cellAt, place } from './Honeycomb'

describe('the honeycomb', () => {
  it('finds each cell at its own centre', () => {
    for (const index of [0, 1, 9, 10, 11, 25, 9_999]) {
      const { x, y } = place(index, 10, 6)
      expect(cellAt(x, y, 10, 6, 10_000)).toBe(index)
    }
  })
  it('finds nothing beyond the last cell or outside', () => {
    const { x, y } = place(5, 10, 6)
    expect(cellAt(x, y, 10, 6, 5)).toBeUndefined()
    expect(cellAt(-50, 3, 10, 6, 5)).toBeUndefined()
  })
})
