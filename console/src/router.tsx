// The addresses of the console. Everything a colleague should see when given a link is in the address: filter, sort,
// range, open panel, tab. All of it is text, so that an address can be read and written by hand.

import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { ApiError } from './api/client'
import { meQuery, metaQuery } from './api/queries'
import { AppFrame } from './features/shell/AppFrame'
import { NotFound, PageError } from './features/shell/PageError'

/** What every page understands. */
export interface CommonSearch {
  /** `check:ID`, `host:ID`, `agent:ID`, `audit:SEQ`: opened at the side. */
  panel?: string
  /** `6h`, or `FROM..TO` in RFC 3339. */
  range?: string
}

export interface ListSearch extends CommonSearch {
  q?: string
  /** `column` or `-column`. */
  sort?: string
  scope?: string
}

export interface TabSearch extends ListSearch {
  tab?: string
  /** Section of a tab. */
  part?: string
}

export interface MeSearch extends CommonSearch {
  /** `password`, `authenticator` or `recovery`: what is being changed. */
  open?: string
  /** An outside identity was linked, or was not, and by which word. */
  linked?: string
  refused?: string
}

export interface AuditSearch extends ListSearch {
  actor?: string
  action?: string
  object?: string
  outcome?: string
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function pick<K extends string>(search: Record<string, unknown>, keys: readonly K[]): { [P in K]?: string } {
  const out: { [P in K]?: string } = {}
  for (const key of keys) {
    const value = text(search[key])
    if (value !== undefined) out[key] = value
  }
  return out
}

const rootRoute = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: PageError,
  validateSearch: (search: Record<string, unknown>): CommonSearch => pick(search, ['panel', 'range']),
})

const claimRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/claim',
  component: lazyRouteComponent(() => import('./features/session/ClaimPage'), 'ClaimPage'),
})

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/signin',
  validateSearch: (search: Record<string, unknown>): { to?: string; refused?: string; outside?: string } =>
    pick(search, ['to', 'refused', 'outside']),
  loader: ({ context }) => context.queries.ensureQueryData(metaQuery),
  component: lazyRouteComponent(() => import('./features/session/SignInPage'), 'SignInPage'),
})

const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'app',
  component: AppFrame,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.ensureQueryData(meQuery)
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        throw redirect({ to: '/signin', search: location.href === '/' ? {} : { to: location.href } })
      }
      throw error
    }
  },
})

const nowRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./features/now/NowPage'), 'NowPage'),
})

const problemsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/problems',
  validateSearch: (search: Record<string, unknown>): ListSearch =>
    pick(search, ['panel', 'range', 'q', 'sort', 'scope']),
  component: lazyRouteComponent(() => import('./features/problems/ProblemsPage'), 'ProblemsPage'),
})

const hostsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/hosts',
  validateSearch: (search: Record<string, unknown>): ListSearch =>
    pick(search, ['panel', 'range', 'q', 'sort']),
  component: lazyRouteComponent(() => import('./features/hosts/HostsPage'), 'HostsPage'),
})

const hostRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/hosts/$id',
  validateSearch: (search: Record<string, unknown>): TabSearch =>
    pick(search, ['panel', 'range', 'q', 'sort', 'tab', 'part']),
  component: lazyRouteComponent(() => import('./features/hosts/HostPage'), 'HostPage'),
})

const agentsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/agents',
  validateSearch: (search: Record<string, unknown>): TabSearch =>
    pick(search, ['panel', 'range', 'q', 'sort', 'tab']),
  component: lazyRouteComponent(() => import('./features/agents/AgentsPage'), 'AgentsPage'),
})

const evidenceRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/evidence',
  validateSearch: (search: Record<string, unknown>): AuditSearch =>
    pick(search, ['panel', 'range', 'sort', 'actor', 'action', 'object', 'outcome']),
  component: lazyRouteComponent(() => import('./features/evidence/EvidencePage'), 'EvidencePage'),
})

const accessRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/access',
  validateSearch: (search: Record<string, unknown>): TabSearch =>
    pick(search, ['panel', 'range', 'q', 'sort', 'tab']),
  component: lazyRouteComponent(() => import('./features/access/AccessPage'), 'AccessPage'),
})

const systemRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/system',
  validateSearch: (search: Record<string, unknown>): TabSearch =>
    pick(search, ['panel', 'range', 'sort', 'tab']),
  component: lazyRouteComponent(() => import('./features/system/SystemPage'), 'SystemPage'),
})

const sessionsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/me',
  validateSearch: (search: Record<string, unknown>): MeSearch =>
    pick(search, ['panel', 'range', 'open', 'linked', 'refused']),
  component: lazyRouteComponent(() => import('./features/session/MePage'), 'MePage'),
})

const routeTree = rootRoute.addChildren([
  claimRoute,
  signInRoute,
  appRoute.addChildren([
    nowRoute,
    problemsRoute,
    hostsRoute,
    hostRoute,
    agentsRoute,
    evidenceRoute,
    accessRoute,
    systemRoute,
    sessionsRoute,
  ]),
])

export const makeRouter = (queries: QueryClient) =>
  createRouter({
    routeTree,
    context: { queries },
    defaultErrorComponent: PageError,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    parseSearch: (raw) => Object.fromEntries(new URLSearchParams(raw)),
    stringifySearch: (search) => {
      const entries = Object.entries(search).flatMap(([key, value]): [string, string][] =>
        value === undefined || value === null ? [] : [[key, String(value)]],
      )
      const query = new URLSearchParams(entries).toString()
      // Colons, commas and stars are what filters are made of: leave them readable.
      return query === ''
        ? ''
        : `?${query.replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2A', '*')}`
    },
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
