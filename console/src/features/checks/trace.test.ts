import { describe, expect, it } from 'vitest'
import { stateChange } from './trace'

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
