import { describe, expect, it } from 'vitest'
import { readEntry } from './entry'

describe('an audit entry for people', () => {
  it('shows fields before and after, and a secret as a commitment only', () => {
    const read = readEntry({
      actor: { type: 'user', id: 'user_1', auth_method: 'password+totp', aal: 2 },
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
  it('shows the hashes before and after, the policy, and that a list was cut', () => {
    const read = readEntry({
      actor: { type: 'user', id: 'alice' },
      object: { type: 'host', id: 'host_1', rev: 3 },
      before_hash: 'b'.repeat(64),
      after_hash: 'a'.repeat(64),
      policy_version: 'sha256:00',
      tenant: 'default',
      node: 'srv',
      ts_mono_ns: '77',
      prev_ts_gap_ns: '-5',
      diff: [
        { field: 'spec.headers.Authorization', old: null, new: { withheld: true } },
        { field: 'note', old: null, new: { bytes: 5000, cut: 'long', sha256: 'ff' } },
      ],
      diff_cut: { bytes: 90000, sha256: 'ee', total: 500 },
    })
    expect([read.actor.kind, read.object.kind, read.object.revision]).toEqual(['user', 'host', '3'])
    expect([read.before[0], read.after[0], read.policy, read.tenant]).toEqual([
      'b',
      'a',
      'sha256:00',
      'default',
    ])
    expect([read.node, read.processClock, read.sinceLast]).toEqual(['srv', '77', '-5'])
    expect(read.changes.map((change) => change.after)).toEqual(['withheld', 'long… (5000 bytes, SHA-256 ff)'])
    expect(read.cut).toEqual({ total: '500', sha256: 'ee' })
  })
  it.each([null, 'x', 4, [], { diff: 'x', actor: 3 }, { diff: [1, null] }])(
    'does not stumble over %j',
    (raw) => {
      expect(readEntry(raw).changes).toEqual([])
    },
  )
})
