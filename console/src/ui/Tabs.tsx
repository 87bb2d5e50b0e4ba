// Tabs that are links: the address says which is open. Marked up as navigation, since each is a place.

import styles from './Tabs.module.css'

export interface Tab<Id extends string> {
  id: Id
  label: string
  badge?: string | number | undefined
}

export function Tabs<Id extends string>({
  label,
  tabs,
  open,
  onOpen,
}: {
  label: string
  tabs: readonly Tab<Id>[]
  open: Id
  onOpen: (id: Id) => void
}) {
  return (
    <div className={styles.tabs} role="tablist" aria-label={label}>
      {tabs.map((tab, index) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          className={styles.tab}
          aria-selected={tab.id === open}
          tabIndex={tab.id === open ? 0 : -1}
          onClick={() => onOpen(tab.id)}
          onKeyDown={(event) => {
            const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
            const next = step === 0 ? undefined : tabs[(index + step + tabs.length) % tabs.length]
            if (next === undefined) return
            event.preventDefault()
            onOpen(next.id)
            const sibling =
              step === 1 ? event.currentTarget.nextElementSibling : event.currentTarget.previousElementSibling
            if (sibling instanceof HTMLElement) sibling.focus()
          }}
        >
          {tab.label}
          {tab.badge !== undefined && <span className={styles.badge}>{tab.badge}</span>}
        </button>
      ))}
    </div>
  )
}
