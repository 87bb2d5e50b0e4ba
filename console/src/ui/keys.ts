// Keyboard shortcuts: who listens, what for, and the list that the help dialog shows.
//
// A shortcut never fires while somebody types, nor under an open dialog unless the dialog registered it. The latest
// registration wins, so that a list inside a panel takes `j` from the list behind it.

import { useEffect, useRef, useSyncExternalStore } from 'react'

export interface Shortcut {
  /** `j`, `Enter`, `ctrl+k`, or a sequence such as `g p`. */
  keys: string
  label: string
  run: (event: KeyboardEvent) => void
  /** Also while a text field has the focus. */
  whileTyping?: boolean
  /** Left out of the help dialog. */
  hidden?: boolean
}

interface Group {
  name: string
  shortcuts: readonly Shortcut[]
}

let groups: Group[] = []
const listeners = new Set<() => void>()
let pendingPrefix = ''
let pendingTimer: ReturnType<typeof setTimeout> | undefined

const notify = () => {
  for (const each of listeners) each()
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type)))

const inDialog = (): boolean => document.querySelector('[role="dialog"][aria-modal="true"]') !== null

const chord = (event: KeyboardEvent): string => {
  const base = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const mods = `${event.ctrlKey || event.metaKey ? 'ctrl+' : ''}${event.altKey ? 'alt+' : ''}`
  return mods + base
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return
  const pressed = chord(event)
  const typing = isTyping(event.target)
  const modal = inDialog()
  // A focused button or link keeps its own Enter and Space.
  const onControl =
    event.target instanceof HTMLElement &&
    event.target.closest('button, a[href], summary, [role="menuitem"]') !== null &&
    (event.key === 'Enter' || event.key === ' ')
  const wanted = pendingPrefix === '' ? pressed : `${pendingPrefix} ${pressed}`

  for (const group of groups.toReversed()) {
    for (const shortcut of group.shortcuts) {
      if ((typing && shortcut.whileTyping !== true) || modal || onControl) continue
      if (shortcut.keys === wanted) {
        pendingPrefix = ''
        event.preventDefault()
        shortcut.run(event)
        return
      }
    }
  }
  pendingPrefix = ''
  if (typing || modal) return
  if (groups.some((group) => group.shortcuts.some((shortcut) => shortcut.keys.startsWith(`${pressed} `)))) {
    pendingPrefix = pressed
    clearTimeout(pendingTimer)
    pendingTimer = setTimeout(() => {
      pendingPrefix = ''
    }, 1200)
  }
}

let installed = false

/** Registers shortcuts while the caller is mounted. */
export function useShortcuts(name: string, shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts)
  latest.current = shortcuts
  const shape = shortcuts.map((each) => each.keys).join('|')
  useEffect(() => {
    if (!installed) {
      installed = true
      window.addEventListener('keydown', onKeyDown)
    }
    const wrapped = shape
      .split('|')
      .filter((keys) => keys !== '')
      .map((keys): Shortcut => {
        const find = () => latest.current.find((each) => each.keys === keys)
        const first = find()
        return {
          keys,
          get label() {
            return find()?.label ?? ''
          },
          whileTyping: first?.whileTyping ?? false,
          hidden: first?.hidden ?? false,
          run: (event) => find()?.run(event),
        }
      })
    const group = { name, shortcuts: wrapped }
    groups = [...groups, group]
    notify()
    return () => {
      groups = groups.filter((each) => each !== group)
      notify()
    }
  }, [name, shape])
}

/** Everything that can be pressed now, for the help dialog. */
export const useShortcutList = (): readonly Group[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => groups,
  )
