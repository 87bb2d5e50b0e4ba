// High contrast: asked for here, or by the system. One attribute on the root says so, and tokens.css does the rest.

import { useSyncExternalStore } from 'react'
import { readPref, writePref } from '../ui/prefs'

/** `auto` is as the system prefers. */
export type Contrast = 'auto' | 'more' | 'normal'

const isContrast = (value: unknown): value is Contrast =>
  value === 'auto' || value === 'more' || value === 'normal'

const system = () => window.matchMedia('(prefers-contrast: more)')
const listeners = new Set<() => void>()
let chosen: Contrast = 'auto'

const isMore = (): boolean => chosen === 'more' || (chosen === 'auto' && system().matches)

function apply(): void {
  if (isMore()) document.documentElement.dataset.contrast = 'more'
  else delete document.documentElement.dataset.contrast
  for (const each of listeners) each()
}

/** Before the first paint, and again whenever the system changes its mind. */
export function startContrast(): void {
  chosen = readPref('contrast', 'auto', isContrast)
  system().addEventListener('change', apply)
  apply()
}

/** A choice that agrees with the system is no choice: it goes on following it. */
export function setHighContrast(more: boolean): void {
  chosen = more === system().matches ? 'auto' : more ? 'more' : 'normal'
  writePref('contrast', chosen)
  apply()
}

export const useHighContrast = (): boolean =>
  useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, isMore)
