import { type FormEvent, useState } from 'react'
import { t } from '../../strings'
import { Button } from '../../ui/Button'
import { zone } from '../../ui/format'
import { IconChevronDown } from '../../ui/icons'
import { usePopup } from '../../ui/usePopup'
import styles from './RangePicker.module.css'
import { presets, printRange, useRange } from './range'
import { useSearchState } from './useSearchState'

// A datetime-local field speaks local time without a zone.
const toField = (at: number): string => {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

export function RangePicker({ allTime = false }: { allTime?: boolean }) {
  const [range, setRange] = useRange()
  const [search] = useSearchState()
  // Where all time is the default, no range in the address means just that.
  const isAll = allTime && search.range === undefined
  const { open, setOpen, box } = usePopup<HTMLDivElement>()
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const start = () => {
    setFrom(toField(range.from))
    setTo(toField(range.to))
    setOpen(!open)
  }
  const apply = (event: FormEvent) => {
    event.preventDefault()
    const a = new Date(from).getTime()
    const b = new Date(to).getTime()
    if (Number.isFinite(a) && Number.isFinite(b) && a < b) {
      setRange(printRange(a, b))
      setOpen(false)
    }
  }
  return (
    <div className={styles.box} ref={box}>
      <button
        type="button"
        className={styles.button}
        aria-expanded={open}
        aria-haspopup="dialog"
        onClick={start}
      >
        <span className={styles.label}>{isAll ? t.range.all : range.label}</span>
        <IconChevronDown size={14} aria-hidden />
      </button>
      {open && (
        <div className={styles.popup} role="dialog" aria-label={t.range.label}>
          <div className={styles.presets}>
            {allTime && (
              <button
                type="button"
                className={styles.preset}
                aria-pressed={isAll}
                onClick={() => {
                  setRange(undefined)
                  setOpen(false)
                }}
              >
                {t.range.all}
              </button>
            )}
            {presets.map((preset) => (
              <button
                key={preset.id}
                type="button"
                className={styles.preset}
                aria-pressed={!isAll && range.preset === preset.id}
                onClick={() => {
                  setRange(preset.id)
                  setOpen(false)
                }}
              >
                {t.range.last(preset.id)}
              </button>
            ))}
          </div>
          <form className={styles.form} onSubmit={apply}>
            <label>
              {t.range.from}
              <input
                type="datetime-local"
                value={from}
                onChange={(event) => setFrom(event.currentTarget.value)}
              />
            </label>
            <label>
              {t.range.to}
              <input
                type="datetime-local"
                value={to}
                onChange={(event) => setTo(event.currentTarget.value)}
              />
            </label>
            <div className={styles.foot}>
              <span>{zone()}</span>
              <Button type="submit" size="small" look="primary">
                {t.range.apply}
              </Button>
            </div>
          </form>
        </div>
      )}
    </div>
  )
}
