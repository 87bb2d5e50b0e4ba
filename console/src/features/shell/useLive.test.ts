import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeBatch, makeRefresher } from './useLive'

describe('reading again after changes', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  it('reads each list once for a storm of events', async () => {
    const invalidateQueries = vi.fn(async () => {})
    const refresher = makeRefresher({ invalidateQueries })
    for (let i = 0; i < 500; i += 1) refresher.want('checks', 'overview')
    expect(invalidateQueries).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1000)
    expect(invalidateQueries).toHaveBeenCalledTimes(2)
    refresher.want('checks')
    await vi.advanceTimersByTimeAsync(1000)
    expect(invalidateQueries).toHaveBeenCalledTimes(3)
  })
  it('rests four times as long as a long list took to read', async () => {
    let now = 0
    let done = () => {}
    const invalidateQueries = vi.fn(() => new Promise<void>((resolve) => (done = resolve)))
    const refresher = makeRefresher({ invalidateQueries }, 1000, () => now)
    refresher.want('checks')
    await vi.advanceTimersByTimeAsync(1000)
    expect(invalidateQueries).toHaveBeenCalledTimes(1)
    // Changes go on while 200 pages are read: nothing begins beside it, nor at once after it.
    refresher.want('checks')
    now = 10_000
    await vi.advanceTimersByTimeAsync(10_000)
    expect(invalidateQueries).toHaveBeenCalledTimes(1)
    done()
    await vi.advanceTimersByTimeAsync(39_000)
    expect(invalidateQueries).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1000)
    expect(invalidateQueries).toHaveBeenCalledTimes(2)
  })
  it('leaves a reading alone that somebody waits for', async () => {
    const invalidateQueries = vi.fn(async () => {})
    makeRefresher({ invalidateQueries }).want('checks')
    await vi.advanceTimersByTimeAsync(1000)
    expect(invalidateQueries).toHaveBeenCalledWith({ queryKey: ['checks'] }, { cancelRefetch: false })
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

describe('changes that come together', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  it('are shown together, the newest of each', () => {
    const use = vi.fn()
    const batch = makeBatch<{ id: string; n: number }>((item) => item.id, use)
    for (let n = 0; n < 1000; n += 1) batch.add({ id: `c${n % 10}`, n })
    vi.advanceTimersByTime(100)
    expect(use).toHaveBeenCalledTimes(1)
    const items: Map<string, { n: number }> = use.mock.calls[0]?.[0]
    expect([...items.values()].map((each) => each.n)).toEqual([
      990, 991, 992, 993, 994, 995, 996, 997, 998, 999,
    ])
  })
})
