import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { body, client } from '../../../api/client'

export const groupsQuery = queryOptions({
  queryKey: ['access', 'groups'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/groups', { signal })),
})

export const membersQuery = (id: string) =>
  queryOptions({
    queryKey: ['access', 'groups', id, 'members'],
    queryFn: ({ signal }) =>
      body(client.GET('/api/v1/groups/{id}/members', { params: { path: { id } }, signal })),
  })

export const rolesQuery = queryOptions({
  queryKey: ['access', 'roles'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/roles', { signal })),
})

export const actionsQuery = queryOptions({
  queryKey: ['access', 'actions'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/actions', { signal })),
  staleTime: 3_600_000,
})

export const grantsQuery = queryOptions({
  queryKey: ['access', 'grants'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/grants', { signal })),
})

export const explainQuery = (who: string, on: string) =>
  queryOptions({
    queryKey: ['access', 'explain', who, on],
    queryFn: ({ signal }) =>
      body(
        client.GET('/api/v1/access/explain', {
          params: { query: { who, ...(on === '' ? {} : { on }) } },
          signal,
        }),
      ),
  })

export const whoQuery = (action: string, on: string) =>
  queryOptions({
    queryKey: ['access', 'who', action, on],
    queryFn: ({ signal }) =>
      body(
        client.GET('/api/v1/access/who', {
          params: { query: { action, ...(on === '' ? {} : { on }) } },
          signal,
        }),
      ),
  })

/** Whoever changes rights may have changed any answer about them, and his own. */
export const rightsChanged = (queries: QueryClient): void => {
  for (const key of ['access', 'me']) void queries.invalidateQueries({ queryKey: [key] })
}
