import { queryOptions } from '@tanstack/react-query'
import { body, client } from '../../../api/client'

export const policiesQuery = queryOptions({
  queryKey: ['policies', 'password'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/policies/password', { signal })),
})

export const browsersQuery = queryOptions({
  queryKey: ['me', 'browsers'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/me/browsers', { signal })),
})
