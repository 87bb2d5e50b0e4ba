// Small preferences of this browser: column widths, a folded rail. Never state that a link should carry.

const prefix = 'watchkeep.'

export function readPref<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): T {
  try {
    const raw = localStorage.getItem(prefix + key)
    if (raw === null) return fallback
    const value: unknown = JSON.parse(raw)
    return isValid(value) ? value : fallback
  } catch {
    return fallback
  }
}

export function writePref(key: string, value: unknown): void {
  try {
    localStorage.setItem(prefix + key, JSON.stringify(value))
  } catch {
    // Storage full or forbidden: the preference lasts until the page is closed.
  }
}
