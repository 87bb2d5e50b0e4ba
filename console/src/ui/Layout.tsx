// The plain parts a page is laid out with.

import type { ReactNode } from 'react'
import styles from './Layout.module.css'

/** A page with a heading; `fill` gives the rest of the height to one list. */
export function Page({
  title,
  lead,
  actions,
  children,
  fill = false,
  below,
}: {
  title: ReactNode
  lead?: ReactNode
  actions?: ReactNode
  below?: ReactNode
  children: ReactNode
  fill?: boolean
}) {
  return (
    <div className={styles.page} data-fill={fill}>
      <header className={styles.header}>
        <div className={styles.heading}>
          <h1>{title}</h1>
          {lead !== undefined && <div className={styles.lead}>{lead}</div>}
        </div>
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </header>
      {below}
      <div className={styles.content}>{children}</div>
    </div>
  )
}

/** A titled surface. */
export function Section({
  title,
  aside,
  children,
  flush = false,
  id,
}: {
  title: string
  aside?: ReactNode
  children: ReactNode
  /** Children reach the edges. */
  flush?: boolean
  id?: string
}) {
  return (
    <section className={styles.section} aria-label={title} id={id}>
      <div className={styles.sectionHead}>
        <h2>{title}</h2>
        {aside !== undefined && <div className={styles.sectionAside}>{aside}</div>}
      </div>
      <div className={styles.sectionBody} data-flush={flush}>
        {children}
      </div>
    </section>
  )
}

/** Names and values, one per line. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles.facts}>
      {items.map(([name, value]) => (
        <div key={name} className={styles.fact}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Nothing here, and the next step. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className={styles.empty}>
      <strong>{title}</strong>
      {children !== undefined && <div>{children}</div>}
      {action}
    </div>
  )
}

/** Words that hold a place in a line, such as a key to press. */
export function Kbd({ children }: { children: string }) {
  return <kbd className={styles.kbd}>{children}</kbd>
}

export function Tag({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className={styles.tag} title={title}>
      {children}
    </span>
  )
}

/** How much of something is used. `value` 0 to 1. */
export function Meter({ value, label, tone }: { value: number; label: string; tone?: 'notice' | 'danger' }) {
  const share = Math.max(0, Math.min(1, Number.isFinite(value) ? value : 0))
  return (
    <span
      className={styles.meter}
      role="meter"
      aria-label={label}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      data-tone={tone}
    >
      <span style={{ width: `${share * 100}%` }} />
    </span>
  )
}

/** A box that says something happened, or would. */
export function Notice({
  tone,
  title,
  children,
  action,
}: {
  tone: 'danger' | 'notice' | 'calm'
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className={styles.notice} data-tone={tone} role={tone === 'danger' ? 'alert' : 'status'}>
      <div className={styles.noticeText}>
        <strong>{title}</strong>
        {children !== undefined && <div>{children}</div>}
      </div>
      {action}
    </div>
  )
}

/** Room for a table wider than the page. Scrolled by keyboard too, hence focusable, hence named. */
export function TableBox({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard.
    <section className={styles.tableBox} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
