// Who I am elsewhere: what opens my account beside what I sign in with here.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { body, client } from '../../../api/client'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Notice, Section, Tag } from '../../../ui/Layout'
import { toast, toastError } from '../../../ui/toast'
import styles from './Providers.module.css'
import { methodsQuery, myOutsideQuery } from './queries'
import { words as w } from './words'

/** What came of it stands far down on the page. */
const show = (came: HTMLElement | null) => came?.scrollIntoView({ block: 'center' })

export function MyOutside() {
  const mine = useQuery(myOutsideQuery)
  const methods = useQuery(methodsQuery)
  const queries = useQueryClient()
  const search = useSearch({ strict: false }) as { linked?: string; refused?: string }
  const link = useMutation({
    mutationFn: (provider: string) => body(client.POST('/api/v1/me/outside/link', { body: { provider } })),
    onSuccess: (departure) => window.location.assign(departure.url),
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const unlink = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/me/outside/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: myOutsideQuery.queryKey })
      toast(w.own.unlinked)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = mine.data?.items ?? []
  const more = (methods.data?.items ?? []).filter(
    (each) => !each.asks_password && !items.some((known) => known.provider === each.id),
  )
  const isBack = search.linked !== undefined || search.refused !== undefined
  if (items.length === 0 && more.length === 0) return null
  return (
    <Section title={w.own.title} flush>
      {isBack && (
        <div className={styles.came} ref={show}>
          {search.linked !== undefined && <Notice tone="calm" title={w.own.linked} />}
          {search.refused !== undefined && (
            <Notice tone="danger" title={w.own.notLinked}>
              {w.signIn.refused[search.refused] ?? w.signIn.refusedUnknown}
            </Notice>
          )}
        </div>
      )}
      <ul className={styles.list}>
        {items.map((each) => (
          <li key={`${each.provider} ${each.name}`}>
            <div>
              <strong>{each.provider_name}</strong> <Tag>{w.kinds[each.kind] ?? each.kind}</Tag>
              <p>
                {w.own.as(each.name)}
                {each.made_account && ` · ${w.own.made}`}
              </p>
            </div>
            {!each.made_account && (
              <Button
                size="small"
                look="quiet"
                busy={unlink.isPending}
                onClick={() => unlink.mutate(each.provider)}
              >
                {w.own.unlink}
              </Button>
            )}
          </li>
        ))}
        {more.map((each) => (
          <li key={each.id}>
            <div>
              <strong>{each.name}</strong> <Tag>{w.kinds[each.kind] ?? each.kind}</Tag>
            </div>
            <Button size="small" busy={link.isPending} onClick={() => link.mutate(each.id)}>
              {w.own.link(each.name)}
            </Button>
          </li>
        ))}
      </ul>
    </Section>
  )
}
