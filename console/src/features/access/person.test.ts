import { describe, expect, it } from 'vitest'
import type { User } from '../../api/types'
import { completePerson, isLastAdmin, matches, stateOf } from './person'

const user = (change: Partial<User>): User => ({
  id: 'user_1',
  name: 'maria',
  display_name: 'Maria Costa',
  role: 'operator',
  tenant: 'tenant_root',
  created_at: '2026-01-01T00:00:00Z',
  disabled: false,
  failures: 0,
  closed: false,
  awaits_factors: false,
  factors: ['password', 'totp', 'recovery'],
  recovery_codes_left: 10,
  ...change,
})

describe('how an account stands', () => {
  it('says the gravest first: who is disabled is not also closed', () => {
    expect(stateOf(user({})).id).toBe('active')
    expect(stateOf(user({ awaits_factors: true })).id).toBe('resetting')
    expect(stateOf(user({ closed: true, awaits_factors: true })).id).toBe('closed')
    expect(stateOf(user({ disabled: true, closed: true })).id).toBe('disabled')
  })
  it('knows the last administrator', () => {
    const admin = user({ id: 'a', role: 'admin' })
    expect(isLastAdmin(admin, [admin, user({})])).toBe(true)
    expect(isLastAdmin(admin, [admin, user({ id: 'b', role: 'admin', disabled: true })])).toBe(true)
    expect(isLastAdmin(admin, [admin, user({ id: 'b', role: 'admin' })])).toBe(false)
    expect(isLastAdmin(user({}), [user({})])).toBe(false)
  })
})

describe('the filter of people', () => {
  it.each([
    ['', true],
    ['mar', true],
    ['COSTA', true],
    ['"maria costa"', true],
    ['-maria', false],
    ['role:operator', true],
    ['role:admin,operator', true],
    ['role:admin', false],
    ['-role:admin state:active', true],
    ['factor:recovery', true],
    ['-factor:recovery', false],
    ['role:', false],
    ['constructor:x', false],
    ['nobody', false],
  ])('%s', (filter, expected) => {
    expect(matches(filter, user({}))).toBe(expected)
  })
  it('completes keys, then their values', async () => {
    expect((await completePerson('')).map((each) => each.value)).toEqual(['state:', 'role:', 'factor:'])
    expect((await completePerson('mar -ro')).map((each) => each.value)).toEqual(['-role:'])
    expect((await completePerson('role:o')).map((each) => each.value)).toEqual(['role:operator'])
  })
})
