// Short words about what just happened, at the lower right; never the only place that says it.

import { notifications } from '@mantine/notifications'
import { t } from '../strings'
import { Button } from './Button'
import styles from './toast.module.css'

export function toast(
  title: string,
  options: { detail?: string; undo?: { label: string; run: () => void } } = {},
) {
  const id = `toast-${Date.now()}-${Math.random()}`
  notifications.show({
    id,
    title,
    message:
      options.undo === undefined ? (
        options.detail
      ) : (
        <span className={styles.line}>
          {options.detail}
          <Button
            size="small"
            look="soft"
            onClick={() => {
              notifications.hide(id)
              options.undo?.run()
            }}
          >
            {options.undo.label}
          </Button>
        </span>
      ),
    color: 'accent',
    autoClose: options.undo === undefined ? 4000 : 9000,
    withBorder: false,
    closeButtonProps: { 'aria-label': t.common.close },
  })
}

export function toastError(title: string, detail: string) {
  notifications.show({
    title,
    message: detail,
    color: 'danger',
    autoClose: 12_000,
    role: 'alert',
    closeButtonProps: { 'aria-label': t.common.close },
  })
}
