// The shapes of the tones: circle, triangle, diamond, square, ring. Told apart without colour, at 12 px and up.

import styles from './Glyph.module.css'
import type { Tone } from './tone'

const shapes: Record<Tone, React.ReactNode> = {
  good: (
    <>
      <circle cx="8" cy="8" r="7" className={styles.fill} />
      <path d="M4.700 8.300l2.300 2.300 4.300-4.800" className={styles.mark} />
    </>
  ),
  notice: (
    <>
      <path
        d="M7 1.600a1.150 1.150 0 0 1 2 0l6.200 11.100a1.150 1.150 0 0 1-1 1.700H1.800a1.150 1.150 0 0 1-1-1.700z"
        className={styles.fill}
      />
      <path d="M8 5.600v3.600M8 11.700v.1" className={styles.mark} />
    </>
  ),
  danger: (
    <>
      <path
        d="M7.100.7a1.250 1.250 0 0 1 1.800 0l6.400 6.400a1.250 1.250 0 0 1 0 1.800l-6.400 6.400a1.250 1.250 0 0 1-1.800 0L.7 8.900a1.250 1.250 0 0 1 0-1.800z"
        className={styles.fill}
      />
      <path d="M5.700 5.700l4.600 4.600M10.300 5.700l-4.600 4.600" className={styles.mark} />
    </>
  ),
  unclear: (
    <>
      <rect x="1.250" y="1.250" width="13.500" height="13.500" rx="3" className={styles.fill} />
      <path d="M6 6.200a2 2 0 1 1 2.700 1.900c-.5.2-.7.5-.7 1.100M8 11.600v.1" className={styles.mark} />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.200" className={styles.ring} />
      <path d="M8 5v3l2 1.500" className={styles.hand} />
    </>
  ),
}

/** Decoration beside a word; give `label` where no word stands beside it. */
export function Glyph({ tone, size = 14, label }: { tone: Tone; size?: number; label?: string }) {
  return (
    <svg
      className={styles.glyph}
      data-tone={tone}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    >
      {shapes[tone]}
    </svg>
  )
}

/** A tone's shape and a word, on its own ground when `chip`. */
export function Mark({
  tone,
  word,
  chip = false,
  soft = false,
  title,
}: {
  tone: Tone
  word: string
  chip?: boolean
  /** Not settled yet: a dashed edge, for a chip. */
  soft?: boolean
  title?: string
}) {
  return (
    <span className={styles.word} data-tone={tone} data-chip={chip} data-soft={soft} title={title}>
      <Glyph tone={tone} size={chip ? 12 : 14} />
      {word}
    </span>
  )
}
