import { describe, expect, it } from 'vitest'
import type { Permission } from '../../api/types'
import { destinations } from '../shell/Rail'
import { tabOf, tabs } from './tabs'

const may =
  (...held: Permission[]) =>
  (permission: Permission) =>
    held.includes(permission)

describe('the pages of Access', () => {
  it('open at the first that somebody may see, which for an approver is what waits', () => {
    expect(tabOf(undefined, may('user.read', 'tenant.read'))?.id).toBe('people')
    expect(tabOf(undefined, may('approval.read', 'tenant.read'))?.id).toBe('approvals')
    expect(tabOf('people', may('approval.read', 'tenant.read'))?.id).toBe('approvals')
  })

  it('are refused to whoever may see nothing but the list of tenants, unless that is asked for', () => {
    expect(tabOf(undefined, may('tenant.read'))).toBeUndefined()
    expect(tabOf('tenants', may('tenant.read'))?.id).toBe('tenants')
    expect(tabOf('tenants', may())).toBeUndefined()
  })

  it('are offered in the rail and in the palette to whoever may open one', () => {
    const { needs } = destinations.find((place) => place.to === '/access') ?? { needs: [] }
    const reached = tabs.filter((tab) => tab.aside !== true).map((tab) => tab.needs)
    expect([...needs].sort()).toEqual([...new Set([...reached, 'tenant.write'])].sort())
  })
})
