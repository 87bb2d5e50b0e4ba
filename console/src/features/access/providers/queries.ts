// Reads about sign-in methods.

import { queryOptions } from '@tanstack/react-query'
import { body, client } from '../../../api/client'
import type { components } from '../../../api/generated/schema'

export type ProviderView = components['schemas']['ProviderView']
export type MappingRule = components['schemas']['MappingRule']
export type SignInMethod = components['schemas']['SignInMethod']

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/providers', { signal })),
})

export const methodsQuery = queryOptions({
  queryKey: ['sign-in', 'methods'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/sign-in/methods', { signal })),
  staleTime: 60_000,
})

export const emergencyQuery = queryOptions({
  queryKey: ['sign-in', 'emergency'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/sign-in/emergency', { signal })),
})

export const myOutsideQuery = queryOptions({
  queryKey: ['me', 'outside'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/outside', { signal })),
})

export const groupsQuery = queryOptions({
  queryKey: ['groups'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/groups', { signal })),
})
