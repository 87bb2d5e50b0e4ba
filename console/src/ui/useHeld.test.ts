// @vitest-environment jsdom

import { act, renderHook } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { holdOrder, useHeld } from './useHeld'

const row = (id: string, value = 0) => ({ id, value })
const idOf = (each: { id: string }) => each.id

describe('rows hold still', () => {
  it('changes values in place and keeps the order', () => {
    const held = holdOrder([row('a'), row('b')], [row('b', 2), row('a', 1)], idOf)
    expect(held.rows).toEqual([row('a', 1), row('b', 2)])
    expect(held.waiting).toBe(0)
  })
  it('counts what came and what went, and shows neither yet', () => {
    const held = holdOrder([row('a'), row('b')], [row('b'), row('c')], idOf)
    expect(held.rows.map(idOf)).toEqual(['a', 'b'])
    expect(held.waiting).toBe(2)
  })
})

describe('the hold', () => {
  afterEach(() => vi.useRealTimers())
  const start = () =>
    renderHook(({ rows, scope }) => useHeld(rows, idOf, scope), {
      initialProps: { rows: [row('a'), row('b')], scope: 'one' },
    })

  it('begins when the pointer enters and ends when it leaves', () => {
    const { result, rerender } = start()
    act(() => result.current.handlers.onPointerEnter())
    rerender({ rows: [row('c'), row('a')], scope: 'one' })
    expect(result.current.rows.map(idOf)).toEqual(['a', 'b'])
    expect(result.current.waiting).toBe(2)
    act(() => result.current.handlers.onPointerLeave())
    expect(result.current.rows.map(idOf)).toEqual(['c', 'a'])
  })
  it('ends by itself when the pointer was forgotten', () => {
    vi.useFakeTimers()
    const { result, rerender } = start()
    act(() => result.current.handlers.onPointerEnter())
    rerender({ rows: [row('c')], scope: 'one' })
    expect(result.current.waiting).toBeGreaterThan(0)
    act(() => vi.advanceTimersByTime(60_000))
    expect(result.current.rows.map(idOf)).toEqual(['c'])
  })
  it('does not hold the rows of another filter', () => {
    const { result, rerender } = start()
    act(() => result.current.handlers.onPointerEnter())
    rerender({ rows: [row('x')], scope: 'two' })
    expect(result.current.rows.map(idOf)).toEqual(['x'])
  })
})
