// Carries the live stream into the cache: known checks change in place, lists are read again at most once a second.

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { openLive } from '../../api/live'
import { patchCheck } from '../../api/queries'

const CALM_MS = 1000

/** Collects keys and reads them again together, so that a storm of events is one read a second. */
export function makeRefresher(queries: Pick<QueryClient, 'invalidateQueries'>, calmMs = CALM_MS) {
  const due = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    want(...keys: string[]) {
      for (const key of keys) due.add(key)
      timer ??= setTimeout(() => {
        timer = undefined
        const now = [...due]
        due.clear()
        for (const key of now) void queries.invalidateQueries({ queryKey: [key] })
      }, calmMs)
    },
    stop() {
      clearTimeout(timer)
    },
  }
}

export function useLive(): void {
  const queries = useQueryClient()
  useEffect(() => {
    const refresher = makeRefresher(queries)
    const close = openLive({
      check: (check) => {
        patchCheck(queries, check)
        refresher.want('checks', 'overview', 'check', 'hosts')
      },
      event: () => refresher.want('events', 'overview'),
      agent: () => refresher.want('agents', 'tokens', 'hosts', 'overview', 'host'),
      configuration: () =>
        refresher.want('checks', 'hosts', 'host', 'overview', 'check', 'agents', 'channels', 'downtimes'),
      resync: () => void queries.invalidateQueries(),
    })
    return () => {
      refresher.stop()
      close()
    }
  }, [queries])
}
