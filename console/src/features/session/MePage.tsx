// Who I am here, and where I am signed in.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { client } from '../../api/client'
import { sessionsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Mark } from '../../ui/Glyph'
import { Facts, Page, Section } from '../../ui/Layout'
import { Ago, At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { useMe } from '../shell/useMe'
import styles from './MePage.module.css'

export function MePage() {
  const me = useMe()
  const sessions = useQuery(sessionsQuery)
  const queries = useQueryClient()
  const end = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['me', 'sessions'] })
      toast(t.me.ended)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  return (
    <Page title={t.me.title}>
      <div className={styles.page}>
        <Section title={t.me.who}>
          <Facts
            items={[
              [t.me.name, me.name],
              [t.me.displayName, me.display_name || '–'],
              [t.me.role, t.shell.role(me.role)],
              [t.me.expires, <At key="e" at={me.session_expires_at} />],
            ]}
          />
        </Section>
        <Section title={t.me.sessions} flush>
          <ul className={styles.sessions}>
            {(sessions.data?.items ?? []).map((session) => (
              <li key={session.id}>
                <div>
                  <strong>{session.address}</strong>
                  {session.current && <Mark tone="good" word={t.me.thisOne} />}
                  <p>{session.user_agent}</p>
                  <small>
                    {session.method} · {t.me.since} <Ago at={session.created_at} /> · {t.me.lastUsed}{' '}
                    <Ago at={session.last_used_at} />
                  </small>
                </div>
                {!session.current && (
                  <Button size="small" onClick={() => end.mutate(session.id)} busy={end.isPending}>
                    {t.me.end}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </Section>
      </div>
    </Page>
  )
}
