// The words of a filter text: `state:critical,warning host:web-* -handled "disk full"`. Pure; the server judges what
// the words mean, this only finds where they are.

export interface Word {
  text: string
  start: number
  end: number
  negated: boolean
  /** Before the colon, when there is one outside quotes. */
  key: string | undefined
}

export function words(text: string): Word[] {
  const found: Word[] = []
  let i = 0
  while (i < text.length) {
    if (/\s/.test(text.charAt(i))) {
      i += 1
      continue
    }
    const start = i
    let quoted = false
    while (i < text.length && (quoted || !/\s/.test(text.charAt(i)))) {
      if (text.charAt(i) === '"') quoted = !quoted
      i += 1
    }
    const word = text.slice(start, i)
    const bare = word.replace(/^-/, '')
    const colon = bare.indexOf(':')
    const quote = bare.indexOf('"')
    found.push({
      text: word,
      start,
      end: i,
      negated: word.startsWith('-') && word.length > 1,
      key: colon > 0 && (quote < 0 || quote > colon) ? bare.slice(0, colon) : undefined,
    })
  }
  return found
}

/** The word the caret stands in or behind, or an empty one. */
export function wordAt(text: string, caret: number): Word {
  return (
    words(text).find((word) => caret > word.start && caret <= word.end) ?? {
      text: '',
      start: caret,
      end: caret,
      negated: false,
      key: undefined,
    }
  )
}

/** `text` with the word at the caret replaced, and where the caret goes. A word that ends in `:` wants a value next. */
export function replaceWord(text: string, caret: number, value: string): { text: string; caret: number } {
  const word = wordAt(text, caret)
  const space = value.endsWith(':') || text.charAt(word.end) === ' ' ? '' : ' '
  const next = text.slice(0, word.start) + value + space + text.slice(word.end)
  return { text: next, caret: word.start + value.length + space.length }
}

/** Adds a word, or takes it out when it is there. */
export function toggleWord(text: string, value: string): string {
  const all = words(text)
  return all.some((word) => word.text === value)
    ? all
        .filter((word) => word.text !== value)
        .map((word) => word.text)
        .join(' ')
    : [...all.map((word) => word.text), value].join(' ')
}

/** Sets `key:value`, in place of any other value of that key. */
export function setKey(text: string, key: string, value: string | undefined): string {
  const rest = words(text)
    .filter((word) => word.key !== key)
    .map((word) => word.text)
  return (value === undefined ? rest : [...rest, `${key}:${quoteIfNeeded(value)}`]).join(' ')
}

export const quoteIfNeeded = (value: string): string =>
  /[\s",]/.test(value) ? `"${value.replaceAll('"', '')}"` : value
