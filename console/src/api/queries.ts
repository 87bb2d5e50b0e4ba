// Every read of the console, with its cache key. Writes live beside the feature that makes them.

import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import { t } from '../strings'
import { body, client } from './client'
import type { CheckView, HostView, Page } from './types'

const PAGE = 500
/** 100 000 things: what should be read whole is never that many. */
const PAGES_MOST = 200

/** A list whole, where a screen counts or sorts all of it. */
export async function everyPage<T>(
  read: (query: { limit: number; after?: string }) => Promise<Page<T>>,
): Promise<Page<T>> {
  const items: T[] = []
  let after: string | undefined
  for (let page = 0; page < PAGES_MOST; page += 1) {
    const answer = await read({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    items.push(...answer.items)
    if (!answer.next) return { items, total: items.length }
    after = answer.next
  }
  throw new Error(t.errors.tooMany)
}

export const metaQuery = queryOptions({
  queryKey: ['meta'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/meta', { signal })),
  staleTime: 60_000,
})

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me', { signal })),
  staleTime: 60_000,
  retry: false,
})

export const sessionsQuery = queryOptions({
  queryKey: ['me', 'sessions'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/sessions', { signal })),
})

export const factorsQuery = queryOptions({
  queryKey: ['me', 'factors'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/factors', { signal })),
})

export const passkeysQuery = queryOptions({
  queryKey: ['me', 'passkeys'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/passkeys', { signal })),
})

export const devicesQuery = queryOptions({
  queryKey: ['me', 'devices'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/devices', { signal })),
})

export const conditionsQuery = queryOptions({
  queryKey: ['admin-conditions'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/admin-conditions', { signal })),
})

export const consoleClientsQuery = queryOptions({
  queryKey: ['console-clients'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/console-clients', { signal })),
})

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/users', { signal })),
})

export const invitationsQuery = queryOptions({
  queryKey: ['invitations'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/invitations', { signal })),
})

export const viewsQuery = queryOptions({
  queryKey: ['views'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/views', { signal })),
  staleTime: 60_000,
})

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/overview', { signal })),
  refetchInterval: 60_000,
})

/** The counts alone: every page shows them, and half a million hosts need not come along for that. */
export const summaryQuery = queryOptions({
  queryKey: ['overview', 'summary'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/summary', { signal })),
  refetchInterval: 60_000,
})

export type CheckScope = 'problems' | 'checks'

export const checksQuery = (scope: CheckScope, filter: string, host?: string, sort?: string) =>
  infiniteQueryOptions({
    queryKey: ['checks', scope, filter, host ?? '', sort ?? ''],
    queryFn: ({ signal, pageParam }): Promise<Page<CheckView>> => {
      const query = {
        limit: PAGE,
        ...(filter === '' ? {} : { filter }),
        ...(host === undefined ? {} : { host }),
        ...(sort === undefined ? {} : { sort }),
        ...(pageParam === '' ? {} : { after: pageParam }),
      }
      return scope === 'problems'
        ? body(client.GET('/api/v1/problems', { params: { query }, signal }))
        : body(client.GET('/api/v1/checks', { params: { query }, signal }))
    },
    initialPageParam: '',
    getNextPageParam: (page: Page<CheckView>) => page.next ?? undefined,
  })

export const checkQuery = (id: string) =>
  queryOptions({
    queryKey: ['check', id],
    queryFn: ({ signal }) => body(client.GET('/api/v1/checks/{id}', { params: { path: { id } }, signal })),
  })

export const hostsQuery = (q: string, sort?: string) =>
  infiniteQueryOptions({
    queryKey: ['hosts', q, sort ?? ''],
    queryFn: ({ signal, pageParam }): Promise<Page<HostView>> =>
      body(
        client.GET('/api/v1/hosts', {
          params: {
            query: {
              limit: PAGE,
              ...(q === '' ? {} : { q }),
              ...(sort === undefined ? {} : { sort }),
              ...(pageParam === '' ? {} : { after: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page: Page<HostView>) => page.next ?? undefined,
  })

export const hostQuery = (id: string) =>
  queryOptions({
    queryKey: ['host', id],
    queryFn: ({ signal }) => body(client.GET('/api/v1/hosts/{id}', { params: { path: { id } }, signal })),
  })

export const inventoryQuery = (id: string) =>
  queryOptions({
    queryKey: ['host', id, 'inventory'],
    queryFn: ({ signal }) =>
      body(client.GET('/api/v1/hosts/{id}/inventory', { params: { path: { id } }, signal })),
  })

export const inventorySectionQuery = (id: string, section: string) =>
  infiniteQueryOptions({
    queryKey: ['host', id, 'inventory', section],
    queryFn: ({ signal, pageParam }) =>
      body(
        client.GET('/api/v1/hosts/{id}/inventory/{section}', {
          params: {
            path: { id, section },
            query: { limit: PAGE, ...(pageParam === '' ? {} : { after: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  })

export const seriesQuery = (id: string) =>
  queryOptions({
    queryKey: ['host', id, 'series'],
    queryFn: ({ signal }) =>
      body(client.GET('/api/v1/hosts/{id}/series', { params: { path: { id } }, signal })),
    staleTime: 60_000,
  })

export interface RangeAsk {
  name: string
  /** `name:value`, more than one separated by a vertical bar. */
  label?: string
  from: number
  to: number
  stepMs: number
  rate: boolean
}

export const rangeQuery = (id: string, ask: RangeAsk) =>
  queryOptions({
    queryKey: ['host', id, 'range', ask],
    queryFn: ({ signal }) =>
      body(
        client.GET('/api/v1/hosts/{id}/range', {
          params: {
            path: { id },
            query: {
              name: ask.name,
              ...(ask.label === undefined ? {} : { label: ask.label }),
              from: new Date(ask.from).toISOString(),
              to: new Date(ask.to).toISOString(),
              step_ms: ask.stepMs,
              rate: ask.rate,
            },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 5000,
  })

export interface EventsAsk {
  host?: string
  check?: string
  kind?: string
  from?: string
  to?: string
}

export const eventsQuery = (ask: EventsAsk, limit = 100) =>
  infiniteQueryOptions({
    queryKey: ['events', ask, limit],
    queryFn: ({ signal, pageParam }) =>
      body(
        client.GET('/api/v1/events', {
          params: { query: { ...ask, limit, ...(pageParam === '' ? {} : { after: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  })

/** The newest change of a check's state: it carries the decision about telling people. */
export const lastStateQuery = (check: string) =>
  queryOptions({
    queryKey: ['events', 'last-state', check],
    queryFn: ({ signal }) =>
      body(client.GET('/api/v1/events', { params: { query: { check, kind: 'state', limit: 1 } }, signal })),
  })

export const downtimesQuery = queryOptions({
  queryKey: ['downtimes'],
  queryFn: ({ signal }) =>
    everyPage((query) => body(client.GET('/api/v1/downtimes', { params: { query }, signal }))),
})

export const agentsQuery = queryOptions({
  queryKey: ['agents'],
  queryFn: ({ signal }) =>
    everyPage((query) => body(client.GET('/api/v1/agents', { params: { query }, signal }))),
})

export const agentQuery = (id: string) =>
  queryOptions({
    queryKey: ['agents', id],
    queryFn: ({ signal }) => body(client.GET('/api/v1/agents/{id}', { params: { path: { id } }, signal })),
  })

export const executionsQuery = (id: string) =>
  queryOptions({
    queryKey: ['agents', id, 'executions'],
    queryFn: ({ signal }) =>
      body(
        client.GET('/api/v1/agents/{id}/executions', {
          params: { path: { id }, query: { limit: 50 } },
          signal,
        }),
      ),
  })

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) =>
    everyPage((query) => body(client.GET('/api/v1/enrolment-tokens', { params: { query }, signal }))),
})

export interface AuditAsk {
  actor?: string
  action?: string
  object?: string
  outcome?: string
  from?: string
  to?: string
}

export const auditQuery = (ask: AuditAsk) =>
  infiniteQueryOptions({
    queryKey: ['audit', ask],
    queryFn: ({ signal, pageParam }) =>
      body(
        client.GET('/api/v1/audit', {
          params: { query: { ...ask, limit: 200, ...(pageParam === '' ? {} : { after: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  })

export const systemQuery = queryOptions({
  queryKey: ['system'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/system', { signal })),
  refetchInterval: 30_000,
})

export const certificatesQuery = queryOptions({
  queryKey: ['certificates'],
  queryFn: ({ signal }) =>
    everyPage((query) => body(client.GET('/api/v1/certificates', { params: { query }, signal }))),
})

export const channelsQuery = queryOptions({
  queryKey: ['channels'],
  queryFn: ({ signal }) =>
    everyPage((query) => body(client.GET('/api/v1/channels', { params: { query }, signal }))),
})

export const notificationsQuery = queryOptions({
  queryKey: ['notifications'],
  queryFn: ({ signal }) =>
    body(client.GET('/api/v1/notifications', { params: { query: { limit: 100 } }, signal })),
})

export const complete = async (text: string, signal: AbortSignal) =>
  (await body(client.GET('/api/v1/filter/complete', { params: { query: { q: text } }, signal }))).items

/** Puts new states of checks wherever those checks are already shown. Pages without any of them stay the same object. */
export function patchChecks(queries: QueryClient, fresh: ReadonlyMap<string, CheckView>): void {
  queries.setQueriesData<{ pages: Page<CheckView>[]; pageParams: unknown[] }>(
    { queryKey: ['checks'] },
    (cached) => {
      if (cached === undefined) return cached
      let changed = false
      const pages = cached.pages.map((page) => {
        if (!page.items.some((each) => fresh.has(each.id))) return page
        changed = true
        return { ...page, items: page.items.map((each) => fresh.get(each.id) ?? each) }
      })
      return changed ? { ...cached, pages } : cached
    },
  )
}
