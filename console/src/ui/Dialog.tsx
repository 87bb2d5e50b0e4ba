import type { FormEvent, ReactNode } from 'react'
import { t } from '../strings'
import { Button } from './Button'
import styles from './Dialog.module.css'
import { Sheet } from './Sheet'

/** A dialog with one question. With `onSubmit` it is a form and Enter answers it. */
export function Dialog({
  title,
  open,
  onClose,
  onSubmit,
  submit,
  danger = false,
  busy = false,
  disabled = false,
  width = 460,
  children,
  footer,
}: {
  title: string
  open: boolean
  onClose: () => void
  onSubmit?: () => void
  submit?: string
  danger?: boolean
  busy?: boolean
  disabled?: boolean
  width?: number
  children: ReactNode
  footer?: ReactNode
}) {
  const body = (
    <>
      <div className={styles.body}>{children}</div>
      <div className={styles.footer}>
        <div className={styles.note}>{footer}</div>
        <Button look="quiet" onClick={onClose}>
          {onSubmit === undefined ? t.common.close : t.common.cancel}
        </Button>
        {onSubmit !== undefined && (
          <Button type="submit" look={danger ? 'danger' : 'primary'} busy={busy} disabled={disabled}>
            {submit ?? t.common.save}
          </Button>
        )}
      </div>
    </>
  )
  if (!open) return null
  return (
    <Sheet title={title} onClose={onClose} width={width}>
      {onSubmit === undefined ? (
        <div>{body}</div>
      ) : (
        <form
          onSubmit={(event: FormEvent) => {
            event.preventDefault()
            onSubmit()
          }}
        >
          {body}
        </form>
      )}
    </Sheet>
  )
}
