// Browsers that are known as mine. Each can be made a stranger again.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { client } from '../../../api/client'
import { t } from '../../../strings'
import { Button } from '../../../ui/Button'
import { Mark } from '../../../ui/Glyph'
import { Notice, Section } from '../../../ui/Layout'
import { Ago } from '../../../ui/Time'
import { toast, toastError } from '../../../ui/toast'
import { deviceOf } from '../../session/device'
import styles from './Passwords.module.css'
import { browsersQuery } from './queries'
import { p } from './strings'

export function Browsers() {
  const browsers = useQuery(browsersQuery)
  const queries = useQueryClient()
  const forget = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/me/browsers/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: browsersQuery.queryKey })
      toast(p.forgotten)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = browsers.data?.items
  return (
    <Section title={p.browsers} flush>
      <p className={`${styles.detail} ${styles.pad}`}>{p.browsersLead}</p>
      {browsers.isError && (
        <div className={styles.pad}>
          <Notice tone="danger" title={p.browsersCannot}>
            {browsers.error.message}
          </Notice>
        </div>
      )}
      {items?.length === 0 && <p className={styles.pad}>{p.browsersNone}</p>}
      <ul className={styles.browsers}>
        {(items ?? []).map((browser) => {
          const device = deviceOf(browser.user_agent)
          return (
            <li key={browser.id} aria-current={browser.current || undefined}>
              <div>
                <strong title={browser.user_agent}>{device}</strong>{' '}
                {browser.current && <Mark tone="good" word={p.thisOne} />}
                <div className={styles.detail}>{browser.address}</div>
                <small className={styles.detail}>
                  {p.firstSeen} <Ago at={browser.first_seen_at} /> · {p.lastUsed}{' '}
                  <Ago at={browser.last_used_at} />
                </small>
              </div>
              <Button
                size="small"
                onClick={() => forget.mutate(browser.id)}
                busy={forget.isPending && forget.variables === browser.id}
                aria-label={p.forgetOf(device)}
              >
                {p.forget}
              </Button>
            </li>
          )
        })}
      </ul>
    </Section>
  )
}
