import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Notice } from '../../ui/Layout'
import type { List } from './useList'

/** Why a list, or its next page, could not be read, and how to try again. */
export function ListError<T>({ list, title }: { list: List<T>; title: string }) {
  if (list.error === undefined) return null
  return (
    <div style={{ padding: 'var(--sp-1) var(--sp-2)' }}>
      <Notice
        tone="danger"
        title={title}
        action={
          <Button size="small" onClick={list.retry}>
            {t.errors.again}
          </Button>
        }
      >
        {list.error.message}
      </Notice>
    </div>
  )
}
