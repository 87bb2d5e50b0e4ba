// How long dangerous acts are not asked to be confirmed, and the way to end it now.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { body, client, sessionRenewed } from '../../api/client'
import { factorsQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { useNow } from '../../ui/clock'
import { span } from '../../ui/format'
import { toast, toastError } from '../../ui/toast'
import { words } from '../session/words'
import styles from './Elevation.module.css'

export function Elevation() {
  const factors = useQuery(factorsQuery)
  const queries = useQueryClient()
  const now = useNow()
  const until = factors.data?.fresh_until == null ? 0 : Date.parse(factors.data.fresh_until)
  const left = until - now
  const over = until > 0 && left <= 0
  useEffect(() => {
    if (over) void queries.invalidateQueries({ queryKey: factorsQuery.queryKey })
  }, [over, queries])
  const end = useMutation({
    mutationFn: () => body(client.DELETE('/api/v1/me/elevate')),
    onSuccess: (fresh) => {
      sessionRenewed()
      queries.setQueryData(factorsQuery.queryKey, fresh)
      toast(words.elevation.ended)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  if (left <= 0) return null
  // Minutes while there are some: a number that changes each second draws the eye for nothing.
  const shown = left > 60_000 ? Math.ceil(left / 60_000) * 60_000 : Math.ceil(left / 5_000) * 5_000
  return (
    <span className={styles.elevation} title={words.elevation.detail}>
      <span className={styles.word} role="timer">
        {words.elevation.on(span(shown))}
      </span>
      <Button size="small" look="quiet" onClick={() => end.mutate()} busy={end.isPending}>
        {words.elevation.end}
      </Button>
    </span>
  )
}
