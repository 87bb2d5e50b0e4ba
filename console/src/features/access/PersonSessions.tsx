// Where somebody is signed in, and whether their last factor is on its way out: both can be ended here.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { body, client } from '../../api/client'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Notice } from '../../ui/Layout'
import { Ago, At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { deviceOf } from '../session/device'
import rows from '../session/MePage.module.css'
import { words } from '../session/words'
import styles from './Access.module.css'

export function PersonSessions({ id, mayEnd }: { id: string; mayEnd: boolean }) {
  const queries = useQueryClient()
  const key = ['users', id, 'sessions']
  const sessions = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      body(client.GET('/api/v1/users/{id}/sessions', { params: { path: { id } }, signal })),
  })
  const removals = useQuery({
    queryKey: ['factor-removals'],
    enabled: mayEnd,
    queryFn: ({ signal }) => body(client.GET('/api/v1/factor-removals', { signal })),
  })
  const end = useMutation({
    mutationFn: async (session: string | undefined) => {
      await client.DELETE('/api/v1/users/{id}/sessions', {
        params: { path: { id }, query: session === undefined ? {} : { session } },
      })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: key })
      toast(t.me.ended)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const keep = useMutation({
    mutationFn: async () => {
      await client.DELETE('/api/v1/users/{id}/factor-removal', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['factor-removals'] })
      toast(words.others.kept)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const removal = removals.data?.items.find((each) => each.user === id)
  const items = sessions.data?.items ?? []
  return (
    <>
      {removal !== undefined && (
        <Notice
          tone="notice"
          title={words.others.going(words.factor.kinds[removal.factor] ?? removal.factor)}
          action={
            <Button size="small" onClick={() => keep.mutate()} busy={keep.isPending}>
              {words.factor.keep}
            </Button>
          }
        >
          {words.others.goingDetail} <At at={removal.due_at} />.
        </Notice>
      )}
      <h3>{t.me.sessions}</h3>
      {sessions.isError && (
        <Notice tone="danger" title={words.others.cannotList}>
          {sessions.error.message}
        </Notice>
      )}
      {sessions.data !== undefined && items.length === 0 && <p>{words.others.nowhere}</p>}
      <ul className={`${rows.rows} ${styles.sessions}`}>
        {items.map((session) => {
          const device = deviceOf(session.user_agent)
          return (
            <li key={session.id}>
              <div>
                <strong title={session.user_agent}>{device}</strong>
                <div className={rows.detail}>
                  {session.address} · {t.me.method(session.method)}
                </div>
                <small>
                  {t.me.since} <Ago at={session.created_at} /> · {t.me.lastUsed}{' '}
                  <Ago at={session.last_used_at} />
                </small>
              </div>
              {mayEnd && (
                <Button
                  size="small"
                  aria-label={t.me.endOf(device)}
                  onClick={() => end.mutate(session.id)}
                  busy={end.isPending && end.variables === session.id}
                >
                  {t.me.end}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      {mayEnd && items.length > 1 && (
        <div>
          <Button size="small" onClick={() => end.mutate(undefined)} busy={end.isPending}>
            {words.others.endAll}
          </Button>
        </div>
      )}
    </>
  )
}
