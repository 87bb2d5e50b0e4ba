import { describe, expect, it } from 'vitest'
import { readEntry } from './entry'

describe('an audit entry for people', () => {
  it('shows fields before and after, and a secret as a commitment only', () => {
    const read = readEntry({
      actor: { kind: 'user', id: 'user_1', auth_method: 'password+totp', aal: 2 },
      source: { ip: '192.0.2.1' },
      reason: 'disk ordered',
      diff: [
        { field: 'ack.sticky', old: null, new: true },
        { field: 'smtp.password', old: null, new: { commitment: '0123456789abcdef' } },
      ],
    })
    expect(read.actor.level).toBe('2')
    expect(read.source).toBe('192.0.2.1')
    expect(read.changes).toEqual([
      { field: 'ack.sticky', before: null, after: 'true' },
      { field: 'smtp.password', before: null, after: 'secret (0123456789ab…)' },
    ])
  })
  it.each([null, 'x', 4, [], { diff: 'x', actor: 3 }, { diff: [1, null] }])(
    'does not stumble over %j',
    (raw) => {
      expect(readEntry(raw).changes).toEqual([])
    },
  )
})
