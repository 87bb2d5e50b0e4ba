// How states look and read. One entry per state: a state added to the API fails the build here, not in front of an
// operator.

import type { CheckStatus } from '../../api/types'
import { t } from '../../strings'
import type { Tone } from '../../ui/tone'

export const statusTone = {
  ok: 'good',
  warning: 'notice',
  critical: 'danger',
  unknown: 'unclear',
  pending: 'waiting',
} satisfies Record<CheckStatus, Tone>

export const statusWord = {
  ok: t.status.ok,
  warning: t.status.warning,
  critical: t.status.critical,
  unknown: t.status.unknown,
  pending: t.status.pending,
} satisfies Record<CheckStatus, string>

/** Worst first. */
export const statusRank = {
  critical: 0,
  warning: 1,
  unknown: 2,
  pending: 3,
  ok: 4,
} satisfies Record<CheckStatus, number>

export const severityTone = (severity: string): Exclude<Tone, 'waiting'> | undefined =>
  severity === 'ok'
    ? 'good'
    : severity === 'warning'
      ? 'notice'
      : severity === 'critical'
        ? 'danger'
        : severity === 'unknown'
          ? 'unclear'
          : undefined

export const isStatus = (value: unknown): value is CheckStatus =>
  typeof value === 'string' && Object.hasOwn(statusTone, value)
