import { describe, expect, it } from 'vitest'
import { align, alone, figures, marksAt } from './data'

const line = (id: string, ...points: number[][]) => ({ id, label: id, points })

describe('lines on one axis', () => {
  it('keeps a gap a gap', () => {
    const { x, ys } = align([line('a', [0, 1, 1, 1, 1], [30_000, 2, 2, 2, 2])], 10_000)
    expect(x).toEqual([0, 10, 20, 30])
    expect(ys).toEqual([[1, null, null, 2]])
  })
  it('puts lines that start apart on the same axis', () => {
    const { ys } = align([line('a', [0, 1, 1, 1, 1]), line('b', [10_000, 5, 5, 5, 5])], 10_000)
    expect(ys).toEqual([
      [1, null],
      [null, 5],
    ])
  })
  it('draws nothing for nothing', () => {
    expect(align([line('a')], 10_000)).toEqual({ x: [], ys: [[]] })
  })
  it('stays bounded when an answer claims a tiny step over a year', () => {
    const { x } = align([line('a', [0, 1, 1, 1, 1], [31_536_000_000, 1, 1, 1, 1])], 1)
    expect(x.length).toBeLessThanOrEqual(20_001)
  })
  it('leaves out what is not a number', () => {
    expect(align([line('a', [0, 1, 1, Number.NaN, 1])], 10_000).ys).toEqual([[null]])
  })
})

describe('the legend', () => {
  it('takes least and greatest from the samples, not from the means', () => {
    expect(figures(line('a', [0, 1, 9, 5, 5], [1, 2, 8, 4, 3]))).toEqual({
      min: 1,
      max: 9,
      avg: 4.5,
      last: 3,
    })
  })
  it('has no figures without points', () => {
    expect(figures(line('a'))).toEqual({ min: null, max: null, avg: null, last: null })
  })
})

describe('values between gaps', () => {
  it('are found, so that they can be drawn as points', () => {
    expect(alone([1, null, 2, 3, null, 4])).toEqual([0, 5])
    expect(alone([null, null])).toEqual([])
    expect(alone([7])).toEqual([0])
    expect(alone([1, undefined, 1])).toEqual([0, 2])
  })
})

describe('what happened', () => {
  const marks = [
    { at: 100, label: 'acknowledged', tone: 'calm' as const },
    { at: 200, until: 400, label: 'downtime', tone: 'calm' as const },
  ]
  it('is read where the cursor is near', () => {
    expect(marksAt(marks, 104, 5).map((each) => each.label)).toEqual(['acknowledged'])
    expect(marksAt(marks, 300, 5).map((each) => each.label)).toEqual(['downtime'])
    expect(marksAt(marks, 150, 5)).toEqual([])
    expect(marksAt(marks, 404, 5).map((each) => each.label)).toEqual(['downtime'])
  })
})
