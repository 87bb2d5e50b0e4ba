import { describe, expect, it } from 'vitest'
import { stateChange, whyNot } from './trace'

describe('the decision trace of an event', () => {
  it('is read gate by gate', () => {
    const change = stateChange({
      from: 'ok',
      to: 'critical',
      state_type: 'hard',
      attempt: 3,
      trace: {
        gates: [{ gate: 'hard', passed: true, detail: 'three of three' }],
        verdict: { kind: 'notify', notice: 'problem' },
        revision: 4,
      },
    })
    expect(change).toEqual({
      from: 'ok',
      to: 'critical',
      stateType: 'hard',
      attempt: 3,
      gates: [{ gate: 'hard', passed: true, detail: 'three of three' }],
      verdict: { kind: 'notify', notice: 'problem', untilMs: undefined },
      merged: false,
      revision: 4,
    })
  })
  it.each([null, 1, 'x', [], {}, { trace: 'no' }, { trace: { gates: 'no' } }])(
    'is absent in %j',
    (detail) => {
      expect(stateChange(detail)).toBeUndefined()
    },
  )
  it('leaves out what does not fit', () => {
    const change = stateChange({
      to: 'nonsense',
      trace: { gates: [null, { gate: 5, passed: 'yes' }], verdict: 7 },
    })
    expect(change?.to).toBeUndefined()
    expect(change?.gates).toEqual([{ gate: '', passed: false, detail: '' }])
    expect(change?.verdict).toEqual({ kind: '', notice: '', untilMs: undefined })
  })
})

describe('why nobody was told', () => {
  const change = (kind: string, ...gates: [boolean, string][]) =>
    stateChange({
      to: 'critical',
      trace: {
        gates: gates.map(([passed, detail]) => ({ gate: 'x', passed, detail })),
        verdict: { kind },
      },
    })
  it('is what the gate said that ended it', () => {
    const held = change(
      'silent',
      [false, 'Nobody asked for it by hand.'],
      [true, 'ok'],
      [false, 'In a downtime.'],
    )
    expect(held && whyNot(held)).toBe('In a downtime.')
  })
  it('is nothing when people were to be told', () => {
    const told = change('notify', [false, 'Nobody asked for it by hand.'], [true, 'ok'])
    expect(told && whyNot(told)).toBe('')
  })
})
