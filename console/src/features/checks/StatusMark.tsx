import type { CheckView } from '../../api/types'
import { t } from '../../strings'
import { Mark } from '../../ui/Glyph'
import { IconPlugOff, IconUserCheck, IconWaveSine, IconZzz } from '../../ui/icons'
import styles from './StatusMark.module.css'
import { statusTone, statusWord } from './status'

export function StatusMark({ check, chip = true }: { check: CheckView; chip?: boolean }) {
  const confirming = check.state_type === 'soft' && check.status !== 'ok'
  return (
    <Mark
      tone={statusTone[check.status]}
      word={statusWord[check.status]}
      chip={chip}
      soft={confirming}
      title={confirming ? t.check.confirming(check.attempt, check.max_attempts) : undefined}
    />
  )
}

/** Who deals with it, and what is odd about it: icon and word each. */
export function Handling({ check, words = false }: { check: CheckView; words?: boolean }) {
  const marks = [
    check.acknowledgement
      ? {
          id: 'ack',
          icon: <IconUserCheck size={15} stroke={1.7} aria-hidden />,
          word: t.check.acknowledgedBy(check.acknowledgement.by),
        }
      : undefined,
    check.in_downtime
      ? { id: 'down', icon: <IconZzz size={15} stroke={1.7} aria-hidden />, word: t.check.inDowntime }
      : undefined,
    check.flapping
      ? { id: 'flap', icon: <IconWaveSine size={15} stroke={1.7} aria-hidden />, word: t.check.flapping }
      : undefined,
    check.no_data_since
      ? { id: 'nodata', icon: <IconPlugOff size={15} stroke={1.7} aria-hidden />, word: t.check.noData }
      : undefined,
  ].filter((mark) => mark !== undefined)
  if (marks.length === 0) return null
  return (
    <span className={styles.marks}>
      {marks.map((mark) => (
        <span key={mark.id} className={styles.mark} data-kind={mark.id} title={mark.word}>
          {mark.icon}
          <span className={words ? undefined : 'sr-only'}>{mark.word}</span>
        </span>
      ))}
    </span>
  )
}
