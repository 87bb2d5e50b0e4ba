// The page before one is signed in: one card, nothing else.

import type { ReactNode } from 'react'
import { t } from '../../strings'
import { Wordmark } from '../shell/Logo'
import styles from './Entrance.module.css'

export function Entrance({
  title,
  lead,
  steps,
  step,
  children,
}: {
  title: string
  lead?: ReactNode
  steps?: readonly string[]
  step?: number
  children: ReactNode
}) {
  return (
    <div className={styles.page}>
      <main className={styles.box}>
        <div className={styles.brand}>
          <Wordmark />
        </div>
        <div className={styles.card}>
          {steps !== undefined && (
            <ol className={styles.steps} aria-label={t.claim.steps}>
              {steps.map((name, index) => (
                <li
                  key={name}
                  data-done={index < (step ?? 0)}
                  aria-current={index === step ? 'step' : undefined}
                >
                  <span aria-hidden>{index + 1}</span>
                  {name}
                </li>
              ))}
            </ol>
          )}
          <h1>{title}</h1>
          {lead !== undefined && <p className={styles.lead}>{lead}</p>}
          {children}
        </div>
        <p className={styles.foot}>{t.entrance.foot}</p>
      </main>
    </div>
  )
}
