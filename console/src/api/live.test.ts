// @vitest-environment jsdom

import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openLive, useLiveState } from './live'

class Source extends EventTarget {
  static readonly CLOSED = 2
  static all: Source[] = []
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  constructor() {
    super()
    Source.all.push(this)
  }
  close() {
    this.readyState = 2
  }
  opens() {
    this.readyState = 1
    this.onopen?.()
  }
  says(kind: string, data = '1') {
    this.dispatchEvent(new MessageEvent(kind, { data }))
  }
}

const handlers = () => ({
  check: vi.fn(),
  event: vi.fn(),
  agent: vi.fn(),
  configuration: vi.fn(),
  resync: vi.fn(),
})

describe('the live stream', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('EventSource', Source)
    Source.all = []
  })
  afterEach(() => void vi.useRealTimers())

  it('reads everything again when it takes the place of one that was closed, and only then', () => {
    const first = handlers()
    const closeFirst = openLive(first)
    act(() => Source.all[0]?.opens())
    expect(first.resync).not.toHaveBeenCalled()
    closeFirst()
    const second = handlers()
    const closeSecond = openLive(second, true)
    const state = renderHook(useLiveState).result
    expect(state.current.live, 'no break to speak of').toBe('connecting')
    act(() => Source.all[1]?.opens())
    expect(second.resync).toHaveBeenCalledOnce()
    closeSecond()
  })
  it('is not live when it has gone silent, and is opened anew', () => {
    const handle = handlers()
    const close = openLive(handle)
    const state = renderHook(useLiveState).result
    act(() => Source.all[0]?.opens())
    expect(state.current.live).toBe('live')
    for (let i = 0; i < 10; i += 1) {
      act(() => {
        vi.advanceTimersByTime(10_000)
        Source.all[0]?.says('alive')
      })
    }
    expect(state.current.live).toBe('live')
    act(() => void vi.advanceTimersByTime(35_000))
    expect(state.current.live).toBe('broken')
    expect(Source.all).toHaveLength(2)
    expect(Source.all[0]?.readyState).toBe(2)
    act(() => Source.all[1]?.opens())
    expect(state.current.live).toBe('live')
    // Nobody knows what was missed.
    expect(handle.resync).toHaveBeenCalledTimes(1)
    act(close)
  })
  it('says at once that it broke, and is opened again by and by when refused', () => {
    const close = openLive(handlers())
    const state = renderHook(useLiveState).result
    const [first] = Source.all
    act(() => first?.opens())
    act(() => {
      first?.close()
      first?.onerror?.()
    })
    expect(state.current.live).toBe('broken')
    act(() => void vi.advanceTimersByTime(1000))
    expect(Source.all).toHaveLength(2)
    act(close)
    act(() => void vi.advanceTimersByTime(120_000))
    expect(Source.all).toHaveLength(2)
  })
  it('reads everything again rather than miss a line it cannot read', () => {
    const handle = handlers()
    const close = openLive(handle)
    act(() => Source.all[0]?.opens())
    act(() => Source.all[0]?.says('check', '{not json'))
    expect(handle.resync).toHaveBeenCalledTimes(1)
    expect(handle.check).not.toHaveBeenCalled()
    act(close)
  })
})
