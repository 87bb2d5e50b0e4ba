// Reads the decision trace out of an event's detail. The detail is free JSON: what does not fit is left out.

import type { CheckStatus } from '../../api/types'
import { isStatus } from './status'

export interface Gate {
  gate: string
  passed: boolean
  detail: string
}

/** The end of the matter: `notify` with what was told, `silent`, or `deferred` with the latest time it waits for. */
export interface Verdict {
  kind: string
  notice: string
  untilMs: number | undefined
}

export interface StateChange {
  from: CheckStatus | undefined
  to: CheckStatus | undefined
  stateType: string
  attempt: number | undefined
  gates: Gate[]
  verdict: Verdict
  /** Part of a running conversation: the check flaps. */
  merged: boolean
  revision: number | undefined
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function readVerdict(raw: unknown): Verdict {
  if (!isRecord(raw)) return { kind: '', notice: '', untilMs: undefined }
  return {
    kind: text(raw.kind),
    notice: text(raw.notice),
    untilMs: typeof raw.until_ms === 'number' ? raw.until_ms : undefined,
  }
}

export function stateChange(detail: unknown): StateChange | undefined {
  if (!isRecord(detail)) return undefined
  const trace = isRecord(detail.trace) ? detail.trace : undefined
  const gates = Array.isArray(trace?.gates) ? trace.gates : []
  const change: StateChange = {
    from: isStatus(detail.from) ? detail.from : undefined,
    to: isStatus(detail.to) ? detail.to : undefined,
    stateType: text(detail.state_type),
    attempt: typeof detail.attempt === 'number' ? detail.attempt : undefined,
    gates: gates.flatMap((gate): Gate[] =>
      isRecord(gate)
        ? [{ gate: text(gate.gate), passed: gate.passed === true, detail: text(gate.detail) }]
        : [],
    ),
    verdict: readVerdict(trace?.verdict),
    merged: trace?.merged === true,
    revision: typeof trace?.revision === 'number' ? trace.revision : undefined,
  }
  return change.to === undefined && change.gates.length === 0 ? undefined : change
}

/** Why the matter ended without a message: what the last gate said. Nothing when people were to be told. */
export const whyNot = (change: StateChange): string =>
  change.verdict.kind === 'notify' ? '' : (change.gates.findLast((gate) => !gate.passed)?.detail ?? '')
