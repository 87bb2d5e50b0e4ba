// Whether what is on the screen is now. A broken stream is said in words, at once, above everything.

import { useLiveState } from '../../api/live'
import { t } from '../../strings'
import { useNow } from '../../ui/clock'
import { lasted } from '../../ui/format'
import styles from './LiveDot.module.css'

export function LiveDot() {
  const { live } = useLiveState()
  return (
    <span className={styles.live} data-state={live} role="status" title={t.live.title[live]}>
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden>
        {live === 'broken' ? (
          <path d="M1.500 1.500l7 7M8.500 1.500l-7 7" />
        ) : live === 'live' ? (
          <circle cx="5" cy="5" r="4" data-solid />
        ) : (
          <circle cx="5" cy="5" r="3.500" />
        )}
      </svg>
      <span className={styles.word}>{t.live.word[live]}</span>
    </span>
  )
}

export function BrokenStream() {
  const { live, since } = useLiveState()
  const now = useNow()
  if (live !== 'broken') return null
  return (
    <div className={styles.broken} role="alert">
      <strong>{t.live.brokenTitle}</strong> {t.live.brokenDetail(lasted(since, Math.max(now, since)))}
    </div>
  )
}
