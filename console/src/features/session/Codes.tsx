// Recovery codes, the one time they are shown: to save, to print, and to say that they are kept.

import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { CopyLine } from '../../ui/CopyLine'
import { download } from '../../ui/csv'
import styles from './Entrance.module.css'

export function CodeList({
  codes,
  kept,
  onKept,
}: {
  codes: readonly string[]
  kept: boolean
  onKept: (kept: boolean) => void
}) {
  const text = codes.join('\n')
  return (
    <>
      <CopyLine text={text} label={t.claim.codes} rows />
      <div className={styles.acts}>
        <Button
          onClick={() =>
            download(
              'watchkeep-recovery-codes.txt',
              new Blob([`${t.claim.codesFile}\n\n${text}\n`], { type: 'text/plain' }),
            )
          }
        >
          {t.claim.save}
        </Button>
        <Button onClick={() => window.print()}>{t.claim.print}</Button>
      </div>
      <label className={styles.ack}>
        <input type="checkbox" checked={kept} onChange={(event) => onKept(event.currentTarget.checked)} />
        {t.claim.kept}
      </label>
    </>
  )
}
