import type { components } from '../../../api/generated/schema'
import { r } from './strings'

type Scope = components['schemas']['GrantScope']

/** Where a grant holds, in a line. */
export function whereOf(scope: Scope, root: string | undefined): string {
  const parts = [scope.tenant === root ? r.grants.everywhere : scope.tenant_title]
  if (scope.labels) parts.push(scope.labels)
  if (scope.host) parts.push(scope.host_name ?? scope.host)
  if (scope.owned) parts.push(r.grants.owned.toLowerCase())
  if (scope.sections.length > 0) parts.push(scope.sections.map((id) => r.roles.sections[id] ?? id).join(', '))
  return parts.join(' · ')
}

/** The tenant that holds all others: its id is all zeros after the prefix. */
export const ROOT = 'tenant_00000000000000000000000000'
