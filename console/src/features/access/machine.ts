// Shapes and reads of tokens, service accounts, approvals and reviews. All of them come from the OpenAPI document.

import { queryOptions } from '@tanstack/react-query'
import { body, client } from '../../api/client'
import type { components } from '../../api/generated/schema'

type Schemas = components['schemas']

export type ApiToken = Schemas['ApiToken']
export type ApiTokenInput = Schemas['ApiTokenInput']
export type ApiTokenMade = Schemas['ApiTokenMade']
export type ServiceAccount = Schemas['ServiceAccount']
export type Approval = Schemas['Approval']
export type FourEyesPolicy = Schemas['FourEyesPolicy']
export type Review = Schemas['Review']
export type ReviewLine = Schemas['ReviewLine']
export type ReviewWhole = Schemas['ReviewWhole']

export const apiTokensQuery = queryOptions({
  queryKey: ['api-tokens'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/api-tokens', { signal })),
})

export const myTokensQuery = queryOptions({
  queryKey: ['me', 'tokens'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/tokens', { signal })),
})

export const serviceAccountsQuery = queryOptions({
  queryKey: ['service-accounts'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/service-accounts', { signal })),
})

export const openApprovalsQuery = queryOptions({
  queryKey: ['approvals', 'open'],
  queryFn: ({ signal }) =>
    body(client.GET('/api/v1/approvals', { signal, params: { query: { open: true } } })),
  // Somebody waits for it: no stream tells of it.
  refetchInterval: 30_000,
})

export const approvalsQuery = queryOptions({
  queryKey: ['approvals', 'all'],
  queryFn: ({ signal }) =>
    body(client.GET('/api/v1/approvals', { signal, params: { query: { limit: 200 } } })),
})

export const fourEyesQuery = queryOptions({
  queryKey: ['four-eyes'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/four-eyes', { signal })),
})

export const reviewsQuery = queryOptions({
  queryKey: ['reviews'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/reviews', { signal })),
})

export const reviewQuery = (id: string) =>
  queryOptions({
    queryKey: ['reviews', id],
    queryFn: ({ signal }) => body(client.GET('/api/v1/reviews/{id}', { signal, params: { path: { id } } })),
  })

export const accessFindingsQuery = queryOptions({
  queryKey: ['access-findings'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/access-findings', { signal })),
})

/** Requests that wait for somebody who may decide them: for badges. */
export const waiting = (approvals: { items: Approval[] } | undefined): number =>
  approvals?.items.filter((each) => each.may_decide).length ?? 0
