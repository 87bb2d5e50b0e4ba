import { describe, expect, it } from 'vitest'
import { safeTarget } from './safeTarget'

describe('where signing in leads', () => {
  it('goes back to the page that was asked for', () => {
    expect(safeTarget('/problems?q=state:critical')).toBe('/problems?q=state:critical')
  })
  it.each([
    undefined,
    '',
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    'javascript:alert(1)',
    '/signin?to=/',
    '/api/v1/session',
    '/claim',
  ])('does not go to %j', (raw) => {
    expect(safeTarget(raw)).toBe('/')
  })
})
