import { Link } from '@tanstack/react-router'
import { ApiError, OfflineError } from '../../api/client'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { Empty, Notice } from '../../ui/Layout'
import styles from './PageError.module.css'

/** What happened, what is safe, and what to do. */
export function PageError({ error, reset }: { error: unknown; reset?: () => void }) {
  const text =
    error instanceof OfflineError
      ? { title: t.errors.offlineTitle, detail: t.errors.offlineDetail }
      : error instanceof ApiError && error.status === 403
        ? { title: t.errors.forbiddenTitle, detail: t.errors.forbiddenDetail }
        : error instanceof ApiError && error.status === 404
          ? { title: t.errors.goneTitle, detail: t.errors.goneDetail }
          : {
              title: t.errors.brokenTitle,
              detail: error instanceof Error ? error.message : t.errors.brokenDetail,
            }
  const id = error instanceof ApiError ? error.problem?.instance : undefined
  return (
    <div className={styles.box}>
      <Notice
        tone="danger"
        title={text.title}
        action={
          <Button size="small" onClick={() => (reset === undefined ? window.location.reload() : reset())}>
            {t.errors.again}
          </Button>
        }
      >
        {text.detail}
        {id !== undefined && id !== '' && (
          <div className={styles.id}>
            {t.errors.request} <code>{id}</code>
          </div>
        )}
      </Notice>
    </div>
  )
}

export function Forbidden() {
  return (
    <div className={styles.box}>
      <Notice tone="danger" title={t.errors.forbiddenTitle}>
        {t.errors.forbiddenDetail}
      </Notice>
    </div>
  )
}

export function NotFound() {
  return (
    <div className={styles.box}>
      <Empty title={t.errors.notFoundTitle} action={<Link to="/">{t.errors.toNow}</Link>}>
        {t.errors.notFoundDetail}
      </Empty>
    </div>
  )
}
