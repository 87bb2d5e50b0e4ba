// The pages of the Access section, in the order they are listed. Each is loaded when it is opened.

import { useQuery } from '@tanstack/react-query'
import { type ComponentType, lazy } from 'react'
import { invitationsQuery, usersQuery } from '../../api/queries'
import type { Permission } from '../../api/types'
import { t } from '../../strings'
import { words } from '../session/words'
import { openApprovalsQuery, waiting } from './machine'
import { approvalWords, reviewWords, tokenWords } from './machineWords'
import { p as passwords } from './passwords/strings'
import { words as providerWords } from './providers/words'
import { r as rights } from './rights/strings'
import { tenantWords } from './tenants/words'

type GroupId = 'who' | 'may' | 'enter' | 'watch'

export interface AccessTab {
  /** In the address. */
  id: string
  label: string
  group: GroupId
  /** Not offered without; the server decides in any case. */
  needs?: Permission
  /** Open to everybody, since others' forms ask for it: no reason to offer the section, and opened when it is named. */
  aside?: true
  /** A hook: how many there are, or wait. */
  useBadge?: () => string | number | undefined
  page: ComponentType
}

export const groups: readonly { id: GroupId; label: string }[] = [
  { id: 'who', label: t.access.groups.who },
  { id: 'may', label: t.access.groups.may },
  { id: 'enter', label: t.access.groups.enter },
  { id: 'watch', label: t.access.groups.watch },
]

export const tabs: readonly AccessTab[] = [
  {
    id: 'people',
    label: t.access.tabs.people,
    group: 'who',
    needs: 'user.read',
    useBadge: () => useQuery(usersQuery).data?.items.length,
    page: lazy(() => import('./PeopleTab').then((m) => ({ default: m.PeopleTab }))),
  },
  {
    id: 'invitations',
    label: t.access.tabs.invitations,
    group: 'who',
    needs: 'user.read',
    useBadge: () => useQuery(invitationsQuery).data?.items.length,
    page: lazy(() => import('./InvitationsTab').then((m) => ({ default: m.InvitationsTab }))),
  },
  {
    id: 'tenants',
    label: tenantWords.tab,
    group: 'who',
    needs: 'tenant.read',
    aside: true,
    page: lazy(() => import('./tenants/TenantsTab').then((m) => ({ default: m.TenantsTab }))),
  },
  {
    id: 'sign-in',
    label: providerWords.tab,
    group: 'enter',
    needs: 'provider.read',
    page: lazy(() => import('./providers/ProvidersTab').then((m) => ({ default: m.ProvidersTab }))),
  },
  {
    id: 'groups',
    label: rights.groups.tab,
    group: 'who',
    needs: 'access.read',
    page: lazy(() => import('./rights/GroupsTab').then((m) => ({ default: m.GroupsTab }))),
  },
  {
    id: 'roles',
    label: rights.roles.tab,
    group: 'may',
    needs: 'access.read',
    page: lazy(() => import('./rights/RolesTab').then((m) => ({ default: m.RolesTab }))),
  },
  {
    id: 'grants',
    label: rights.grants.tab,
    group: 'may',
    needs: 'access.read',
    page: lazy(() => import('./rights/GrantsTab').then((m) => ({ default: m.GrantsTab }))),
  },
  {
    id: 'explain',
    label: rights.explain.tab,
    group: 'may',
    needs: 'access.read',
    page: lazy(() => import('./rights/Explain').then((m) => ({ default: m.ExplainTab }))),
  },
  {
    id: 'conditions',
    label: words.conditions.title,
    group: 'enter',
    needs: 'access.read',
    page: lazy(() => import('./conditions/ConditionsTab').then((m) => ({ default: m.ConditionsTab }))),
  },
  {
    id: 'password-policy',
    label: passwords.tab,
    group: 'enter',
    needs: 'access.read',
    page: lazy(() => import('./passwords/PolicyTab').then((m) => ({ default: m.PolicyTab }))),
  },
  {
    id: 'tokens',
    label: tokenWords.tab,
    group: 'who',
    needs: 'token.read',
    page: lazy(() => import('./tokens/TokensTab').then((m) => ({ default: m.TokensTab }))),
  },
  {
    id: 'approvals',
    label: approvalWords.tab,
    group: 'watch',
    needs: 'approval.read',
    useBadge: () => waiting(useQuery(openApprovalsQuery).data) || undefined,
    page: lazy(() => import('./approvals/ApprovalsTab').then((m) => ({ default: m.ApprovalsTab }))),
  },
  {
    id: 'reviews',
    label: reviewWords.tab,
    group: 'watch',
    needs: 'review.read',
    page: lazy(() => import('./reviews/ReviewsTab').then((m) => ({ default: m.ReviewsTab }))),
  },
]

/** The tab an address means, among those that `may` be opened; the first of them when it names none. */
export const tabOf = (
  id: string | undefined,
  may: (permission: Permission) => boolean,
): AccessTab | undefined => {
  const open = tabs.filter((tab) => tab.needs === undefined || may(tab.needs))
  return open.find((tab) => tab.id === id) ?? open.find((tab) => tab.aside !== true)
}
