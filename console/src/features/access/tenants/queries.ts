// Tenants as one sees them, and what of them is closed to changes.

import { queryOptions, useQuery } from '@tanstack/react-query'
import { body, client } from '../../../api/client'
import type { components } from '../../../api/generated/schema'
import { summaryQuery } from '../../../api/queries'
import { useMay } from '../../shell/useMe'
import { tenantWords as w } from './words'

export type Tenant = components['schemas']['TenantView']

export const tenantsQuery = queryOptions({
  queryKey: ['tenants'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/tenants', { signal })),
})

/** The tenants to choose from; nothing to choose while there is one. */
export function useTenants(): readonly Tenant[] {
  const may = useMay()
  return useQuery({ ...tenantsQuery, enabled: may('tenant.read') }).data?.items ?? []
}

/** Why configuration cannot be changed in a tenant now; `undefined` when it can. Without a tenant: anywhere at all. */
export function useClosed(tenant?: string): string | undefined {
  const may = useMay()
  const tenants = useTenants()
  const closed = useQuery({ ...summaryQuery, enabled: may('overview.read') }).data?.read_only ?? []
  const own = tenants.find((each) => each.id === tenant)
  if (own?.closed) return own.why === '' ? w.readOnly : `${w.readOnly}: ${own.why}`
  const server = closed.find((each) => each.tenant === undefined)
  return server === undefined ? undefined : `${w.readOnly}: ${server.why}`
}
