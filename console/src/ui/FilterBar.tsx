// A line of filter words with completion. The text is the filter; the shaded boxes behind it are only decoration.

import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { t } from '../strings'
import styles from './FilterBar.module.css'
import { replaceWord, wordAt, words } from './filterText'
import { IconSearch, IconX } from './icons'
import { useShortcuts } from './keys'

export interface Suggestion {
  /** Takes the place of the word at the caret. */
  value: string
  label: string
}

const WAIT_MS = 180

export function FilterBar({
  label,
  placeholder,
  value,
  onChange,
  complete,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
  complete: (text: string, signal: AbortSignal) => Promise<readonly Suggestion[]>
}) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const back = useRef<HTMLDivElement>(null)
  const [draft, setDraft] = useState(value)
  const [open, setOpen] = useState(false)
  const [items, setItems] = useState<readonly Suggestion[]>([])
  const [active, setActive] = useState(-1)
  const sent = useRef(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)

  // The address changed by other means: a view was chosen, the back button was pressed.
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value
      setDraft(value)
    }
  }, [value])

  const commit = (text: string) => {
    clearTimeout(timer.current)
    const trimmed = text.trim()
    if (trimmed === sent.current) return
    sent.current = trimmed
    onChange(trimmed)
  }
  const edit = (text: string) => {
    setDraft(text)
    clearTimeout(timer.current)
    // A half-typed `state:cr` is no filter yet: it waits for its value, for Enter, or for the next word.
    const word = wordAt(text, input.current?.selectionStart ?? text.length)
    if (word.key !== undefined && !word.text.endsWith('*')) return
    timer.current = setTimeout(() => commit(text), 350)
  }
  useEffect(() => () => clearTimeout(timer.current), [])

  useEffect(() => {
    if (!open) return
    const abort = new AbortController()
    const wait = setTimeout(async () => {
      const caret = input.current?.selectionStart ?? draft.length
      try {
        const found = await complete(draft.slice(0, caret), abort.signal)
        setItems(found)
        setActive(-1)
      } catch {
        // No completion is no reason to disturb the person who types.
      }
    }, WAIT_MS)
    return () => {
      clearTimeout(wait)
      abort.abort()
    }
  }, [open, draft, complete])

  const accept = (item: Suggestion) => {
    const caret = input.current?.selectionStart ?? draft.length
    const next = replaceWord(draft, caret, item.value)
    setDraft(next.text)
    if (!item.value.endsWith(':')) commit(next.text)
    requestAnimationFrame(() => {
      input.current?.focus()
      input.current?.setSelectionRange(next.caret, next.caret)
    })
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const shown = open && items.length > 0
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setOpen(true)
      if (items.length === 0) return
      const step = event.key === 'ArrowDown' ? 1 : -1
      setActive((now) => (now + step + items.length + 1) % (items.length + 1))
    } else if ((event.key === 'Tab' || event.key === 'Enter') && shown && items[active] !== undefined) {
      event.preventDefault()
      accept(items[active])
    } else if (event.key === 'Enter') {
      commit(draft)
      setOpen(false)
    } else if (event.key === 'Escape') {
      event.stopPropagation()
      if (shown) setOpen(false)
      else input.current?.blur()
    }
  }

  useShortcuts(t.keys.list, [
    {
      keys: 'f',
      label: t.keys.filter,
      run: () => {
        input.current?.focus()
        input.current?.select()
      },
    },
  ])

  const caretWord = wordAt(draft, draft.length)
  const shown = open && items.length > 0

  return (
    <div className={styles.bar}>
      <IconSearch size={15} aria-hidden className={styles.icon} />
      <div className={styles.field}>
        <div className={styles.back} ref={back} aria-hidden>
          {pieces(draft).map((piece, index) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity but their place.
              key={index}
              className={piece.word ? styles.word : undefined}
              data-negated={piece.negated}
              data-keyed={piece.keyed}
            >
              {piece.text}
            </span>
          ))}
        </div>
        <input
          ref={input}
          className={styles.input}
          type="text"
          role="combobox"
          aria-label={label}
          aria-expanded={shown}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={
            shown && active >= 0 && active < items.length ? `${id}-${active}` : undefined
          }
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder={placeholder}
          value={draft}
          onChange={(event) => {
            setOpen(true)
            edit(event.currentTarget.value)
          }}
          onScroll={(event) => {
            if (back.current !== null) back.current.scrollLeft = event.currentTarget.scrollLeft
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => {
            setOpen(false)
            commit(draft)
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      {draft !== '' && (
        <button
          type="button"
          className={styles.clear}
          aria-label={t.filter.clear}
          title={t.filter.clear}
          onClick={() => {
            setDraft('')
            commit('')
          }}
        >
          <IconX size={14} aria-hidden />
        </button>
      )}
      {shown && (
        <div className={styles.list} id={`${id}-list`} role="listbox" aria-label={t.filter.suggestions}>
          {items.map((item, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the text field handles the keys.
            <div
              key={item.value}
              id={`${id}-${index}`}
              role="option"
              className={styles.option}
              aria-selected={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => accept(item)}
            >
              <code>{item.value}</code>
              <span>{item.label === item.value ? '' : item.label}</span>
            </div>
          ))}
          <div className={styles.hint} aria-hidden>
            {caretWord.text === '' ? t.filter.hintEmpty : t.filter.hint}
          </div>
        </div>
      )}
    </div>
  )
}

function pieces(text: string): { text: string; word: boolean; negated: boolean; keyed: boolean }[] {
  const out: { text: string; word: boolean; negated: boolean; keyed: boolean }[] = []
  let at = 0
  for (const word of words(text)) {
    if (word.start > at)
      out.push({ text: text.slice(at, word.start), word: false, negated: false, keyed: false })
    out.push({ text: word.text, word: true, negated: word.negated, keyed: word.key !== undefined })
    at = word.end
  }
  if (at < text.length) out.push({ text: text.slice(at), word: false, negated: false, keyed: false })
  return out
}
