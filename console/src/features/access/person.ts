// How an account stands, and which accounts a filter means. The list is short and here as a whole: filtered in place.

import type { User } from '../../api/types'
import { t } from '../../strings'
import type { Suggestion } from '../../ui/FilterBar'
import { wordAt, words } from '../../ui/filterText'
import type { Tone } from '../../ui/tone'

export const roles = [
  'none',
  'viewer',
  'responder',
  'operator',
  'author',
  'approver',
  'auditor',
  'admin',
] as const
export type Role = (typeof roles)[number]

export type State = 'active' | 'resetting' | 'closed' | 'disabled'
const tones: Record<State, { tone: Tone; rank: number }> = {
  closed: { tone: 'danger', rank: 0 },
  resetting: { tone: 'notice', rank: 1 },
  active: { tone: 'good', rank: 2 },
  disabled: { tone: 'waiting', rank: 3 },
}

export function stateOf(user: Pick<User, 'disabled' | 'closed' | 'awaits_factors'>): {
  id: State
  word: string
  tone: Tone
  rank: number
} {
  const id: State = user.disabled
    ? 'disabled'
    : user.closed
      ? 'closed'
      : user.awaits_factors
        ? 'resetting'
        : 'active'
  return { id, word: t.access.state(id), ...tones[id] }
}

export const nameOfUser = (user: Pick<User, 'name' | 'display_name'>): string =>
  user.display_name === '' ? user.name : user.display_name

/** Without this account nobody could manage the server. */
export const isLastAdmin = (user: User, all: readonly User[]): boolean =>
  user.role === 'admin' &&
  !user.disabled &&
  !all.some((other) => other.id !== user.id && other.role === 'admin' && !other.disabled)

const keys = {
  state: { of: (user: User) => [stateOf(user).id], values: Object.keys(tones), say: t.access.state },
  role: { of: (user: User) => [user.role], values: roles as readonly string[], say: t.shell.role },
  factor: {
    of: (user: User) => user.factors,
    values: ['password', 'totp', 'recovery'],
    say: t.access.factor,
  },
} as const
type Key = keyof typeof keys
const isKey = (key: string | undefined): key is Key => key !== undefined && Object.hasOwn(keys, key)

/** All words hold; `-` negates one, a comma means or. A word without a key is part of a name. */
export function matches(filter: string, user: User): boolean {
  return words(filter).every((word) => {
    const bare = word.text.replace(/^-/, '').replaceAll('"', '').toLowerCase()
    const holds = isKey(word.key)
      ? bare
          .slice(word.key.length + 1)
          .split(',')
          .some((value) => value !== '' && isKey(word.key) && keys[word.key].of(user).includes(value))
      : `${user.name}\n${user.display_name}`.toLowerCase().includes(bare)
    return holds !== word.negated
  })
}

export async function completePerson(text: string): Promise<readonly Suggestion[]> {
  const word = wordAt(text, text.length)
  const sign = word.negated ? '-' : ''
  const bare = word.text.replace(/^-/, '')
  if (isKey(word.key)) {
    const { key } = word
    const typed = bare.slice(key.length + 1)
    return keys[key].values
      .filter((value) => value.startsWith(typed) && value !== typed)
      .map((value) => ({ value: `${sign}${key}:${value}`, label: keys[key].say(value) }))
  }
  return (Object.keys(keys) as Key[])
    .filter((key) => key.startsWith(bare))
    .map((key) => ({ value: `${sign}${key}:`, label: keys[key].values.map(keys[key].say).join(', ') }))
}
