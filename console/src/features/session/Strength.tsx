// How good a password would be, and why not: the server's own judgement, while one types.

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { body, client } from '../../api/client'
import type { PasswordVerdict } from '../../api/types'
import { t } from '../../strings'
import { Glyph } from '../../ui/Glyph'
import { Rules } from '../access/passwords/Rules'
import styles from './Entrance.module.css'

/** `token`: of the link by which somebody joins. `current`: the password that it would replace. */
export function useVerdict(
  password: string,
  context: readonly string[],
  more: { token?: string; current?: string } = {},
): PasswordVerdict | undefined {
  const [asked, setAsked] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setAsked(password), 250)
    return () => clearTimeout(timer)
  }, [password])
  const verdict = useQuery({
    // A password must not stay in the cache: nothing is kept, and the key lives only as long as the field.
    queryKey: ['password', asked, more.current ?? '', ...context],
    enabled: asked !== '',
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      body(
        client.POST('/api/v1/password/check', {
          body: {
            password: asked,
            context: context.filter((word) => word !== ''),
            ...(more.token === undefined ? {} : { token: more.token }),
            ...(more.current === undefined || more.current === '' ? {} : { current: more.current }),
          },
          signal,
        }),
      ),
  }).data
  return asked === '' || password === '' ? undefined : verdict
}

export function Strength({ verdict }: { verdict: PasswordVerdict | undefined }) {
  return (
    <div className={styles.strength} role="status" aria-live="polite">
      <div
        className={styles.bars}
        data-score={verdict === undefined ? 0 : Math.max(1, verdict.score)}
        aria-hidden
      >
        <span />
        <span />
        <span />
        <span />
      </div>
      {verdict === undefined ? (
        <span className={styles.word}>{t.password.hint}</span>
      ) : (
        <>
          <span className={styles.word}>
            <Glyph tone={verdict.accepted ? 'good' : 'notice'} />
            {verdict.accepted ? t.password.scores(verdict.score) : t.password.refused}
          </span>
          <Rules verdict={verdict} />
          {verdict.advice.length > 0 && (
            <ul className={styles.reasons}>
              {verdict.advice.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          )}
        </>
      )}
    </div>
  )
}
