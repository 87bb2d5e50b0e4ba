// Between a channel's free configuration and the fields of its form. Pure.

import type { Channel } from '../../api/types'

export const severities = ['critical', 'warning', 'unknown'] as const
export type Severity = (typeof severities)[number]

export interface ChannelDraft {
  name: string
  kind: 'email' | 'webhook'
  server: string
  security: string
  from: string
  to: string
  username: string
  url: string
  severities: readonly Severity[]
  enabled: boolean
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []

export function draftOf(channel: Channel | undefined): ChannelDraft {
  const config = (channel?.config ?? {}) as Record<string, unknown>
  const chosen = list(config.severities)
  return {
    name: channel?.name ?? '',
    kind: channel?.kind === 'webhook' ? 'webhook' : 'email',
    server: text(config.server),
    security: text(config.security) || 'tls',
    from: text(config.from),
    to: list(config.to).join(', '),
    username: text(config.username),
    url: text(config.url),
    severities: chosen.length === 0 ? severities : severities.filter((each) => chosen.includes(each)),
    enabled: channel?.enabled ?? true,
  }
}

export function buildConfig(draft: ChannelDraft): Record<string, unknown> {
  const common = { severities: [...draft.severities] }
  if (draft.kind === 'webhook') return { url: draft.url.trim(), ...common }
  return {
    server: draft.server.trim(),
    security: draft.security,
    from: draft.from.trim(),
    to: draft.to
      .split(/[\s,;]+/)
      .map((each) => each.trim())
      .filter(Boolean),
    ...(draft.username.trim() === '' ? {} : { username: draft.username.trim() }),
    ...common,
  }
}
