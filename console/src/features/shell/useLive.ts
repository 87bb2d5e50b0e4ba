// Carries the live stream into the cache: known checks change in place, a moment's worth at a time; lists are read again
// at most once a second, and less often when reading them takes long.

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { onRenewed } from '../../api/client'
import { openLive } from '../../api/live'
import { patchChecks } from '../../api/queries'
import type { CheckView } from '../../api/types'

const CALM_MS = 1000
/** A reading that took a second is not begun again for four: a long list must not keep server and browser busy. */
const REST = 4
/** Changes that come together are shown together. Shorter than anybody sees. */
const BATCH_MS = 40

/** Collects keys and reads them again together, so that a storm of events is one read at a time, with rests. */
export function makeRefresher(
  queries: Pick<QueryClient, 'invalidateQueries'>,
  calmMs = CALM_MS,
  clock: () => number = () => performance.now(),
) {
  const due = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let reading = false
  let calm = calmMs
  let stopped = false
  const later = () => {
    if (!reading && !stopped && due.size > 0) timer ??= setTimeout(() => void read(), calm)
  }
  const read = async () => {
    timer = undefined
    const now = [...due]
    due.clear()
    reading = true
    const began = clock()
    // Never in place of a reading under way: somebody waits for the rest of a long list.
    await Promise.allSettled(
      now.map((key) => queries.invalidateQueries({ queryKey: [key] }, { cancelRefetch: false })),
    )
    reading = false
    calm = Math.max(calmMs, (clock() - began) * REST)
    later()
  }
  return {
    want(...keys: string[]) {
      for (const key of keys) due.add(key)
      later()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

/** Hands on what came within a moment, the newest of each. */
export function makeBatch<T>(idOf: (item: T) => string, use: (items: ReadonlyMap<string, T>) => void) {
  let waiting = new Map<string, T>()
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    add(item: T) {
      waiting.set(idOf(item), item)
      timer ??= setTimeout(() => {
        timer = undefined
        const now = waiting
        waiting = new Map()
        use(now)
      }, BATCH_MS)
    },
    stop() {
      clearTimeout(timer)
    },
  }
}

export function useLive(): void {
  const queries = useQueryClient()
  const [renewals, setRenewals] = useState(0)
  useEffect(() => onRenewed(() => setRenewals((n) => n + 1)), [])
  useEffect(() => {
    const refresher = makeRefresher(queries)
    const batch = makeBatch<CheckView>(
      (check) => check.id,
      (checks) => patchChecks(queries, checks),
    )
    const close = openLive(
      {
        check: (check) => {
          batch.add(check)
          refresher.want('checks', 'overview', 'check', 'hosts')
        },
        event: () => refresher.want('events', 'overview'),
        agent: () => refresher.want('agents', 'tokens', 'hosts', 'overview', 'host'),
        configuration: () =>
          refresher.want('checks', 'hosts', 'host', 'overview', 'check', 'agents', 'channels', 'downtimes'),
        resync: () => void queries.invalidateQueries(),
      },
      renewals > 0,
    )
    return () => {
      refresher.stop()
      batch.stop()
      close()
    }
  }, [queries, renewals])
}
