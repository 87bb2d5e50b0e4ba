import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeRefresher } from './useLive'

describe('reading again after changes', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  it('reads each list once for a storm of events', () => {
    const invalidateQueries = vi.fn(async () => {})
    const refresher = makeRefresher({ invalidateQueries })
    for (let i = 0; i < 500; i += 1) refresher.want('checks', 'overview')
    expect(invalidateQueries).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(invalidateQueries).toHaveBeenCalledTimes(2)
    refresher.want('checks')
    vi.advanceTimersByTime(1000)
    expect(invalidateQueries).toHaveBeenCalledTimes(3)
  })
  it('stops when nobody looks any more', () => {
    const invalidateQueries = vi.fn(async () => {})
    const refresher = makeRefresher({ invalidateQueries })
    refresher.want('checks')
    refresher.stop()
    vi.advanceTimersByTime(5000)
    expect(invalidateQueries).not.toHaveBeenCalled()
  })
})
