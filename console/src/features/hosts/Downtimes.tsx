import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { client } from '../../api/client'
import { downtimesQuery } from '../../api/queries'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Mark } from '../../ui/Glyph'
import { Empty } from '../../ui/Layout'
import { At } from '../../ui/Time'
import { toast, toastError } from '../../ui/toast'
import { useMay } from '../shell/useMe'
import styles from './Downtimes.module.css'

export function Downtimes({ host }: { host: string }) {
  const downtimes = useQuery(downtimesQuery)
  const queries = useQueryClient()
  const may = useMay()
  const end = useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE('/api/v1/downtimes/{id}', { params: { path: { id } } })
    },
    onSuccess: () => {
      for (const key of ['downtimes', 'checks', 'host', 'hosts', 'overview', 'events']) {
        void queries.invalidateQueries({ queryKey: [key] })
      }
      toast(t.downtimes.ended)
    },
    onError: (error) => toastError(t.acts.failed, error.message),
  })
  const items = (downtimes.data?.items ?? []).filter((each) => each.host.id === host)
  if (items.length === 0) return <Empty title={t.downtimes.none}>{t.downtimes.noneDetail}</Empty>
  return (
    <ul className={styles.list}>
      {items.map((downtime) => (
        <li key={downtime.id}>
          <div>
            <Mark
              tone={downtime.active ? 'waiting' : 'good'}
              word={downtime.active ? t.downtimes.active : t.downtimes.planned}
            />{' '}
            <strong>{downtime.check_title ?? t.downtimes.wholeHost}</strong>
            <p>{downtime.note}</p>
            <small>
              <At at={downtime.start_at} /> – <At at={downtime.end_at} /> · {downtime.created_by}
            </small>
          </div>
          {may('problem.downtime') && (
            <Button size="small" onClick={() => end.mutate(downtime.id)} busy={end.isPending}>
              {downtime.active ? t.downtimes.end : t.downtimes.cancel}
            </Button>
          )}
        </li>
      ))}
    </ul>
  )
}
