// The side panel: any object, over any list, without leaving it. Not modal: the list stays usable, and a key leads in.

import { type ReactNode, useLayoutEffect, useRef } from 'react'
import { t } from '../strings'
import { IconButton } from './Button'
import { IconX } from './icons'
import { useShortcuts } from './keys'
import styles from './Panel.module.css'

export function Panel({
  title,
  head,
  actions,
  onClose,
  children,
}: {
  title: string
  head: ReactNode
  actions?: ReactNode
  onClose: () => void
  children: ReactNode
}) {
  const box = useRef<HTMLElement>(null)
  useShortcuts(t.keys.panel, [
    { keys: 'i', label: t.keys.inside, run: () => box.current?.focus() },
    { keys: 'Escape', label: t.keys.close, run: onClose },
  ])
  useLayoutEffect(() => {
    const panel = box.current
    const before = document.activeElement
    panel?.scrollTo(0, 0)
    return () => {
      // Whoever was inside goes on where they were, not at the top of the page.
      if (panel?.contains(document.activeElement) && before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <aside className={styles.panel} aria-label={title} ref={box} tabIndex={-1}>
      <div className={styles.head}>
        <div className={styles.title}>{head}</div>
        {actions}
        <IconButton label={t.keys.close} onClick={onClose}>
          <IconX size={16} aria-hidden />
        </IconButton>
      </div>
      <div className={styles.body}>{children}</div>
    </aside>
  )
}
