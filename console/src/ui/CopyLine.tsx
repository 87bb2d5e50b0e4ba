import { useState } from 'react'
import { t } from '../strings'
import { Button } from './Button'
import styles from './CopyLine.module.css'
import { IconCheck, IconCopy } from './icons'

/** Text to take away: a command, a secret, a list of codes. */
export function CopyLine({ text, label, rows }: { text: string; label: string; rows?: boolean }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
      setTimeout(() => setCopied(false), 2000)
    } catch {
      // Clipboard refused: the text is selectable.
    }
  }
  return (
    <div className={styles.box} data-rows={rows ?? false}>
      <section className={styles.text} aria-label={label} data-rows={rows ?? false}>
        <code>{text}</code>
      </section>
      <Button
        size="small"
        icon={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
        onClick={copy}
      >
        {copied ? t.common.copied : t.common.copy}
      </Button>
    </div>
  )
}
