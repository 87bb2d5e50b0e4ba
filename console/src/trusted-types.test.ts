import { describe, expect, it } from 'vitest'
import { plainTextOnly } from './trusted-types'

describe('the Trusted Types policy', () => {
  it('lets style text pass', () => {
    expect(plainTextOnly(':root{--a:1px}')).toBe(':root{--a:1px}')
  })
  it.each(['<b>', '<script>alert(1)</script>', 'a < b', '<!--'])('throws on %s', (markup) => {
    expect(() => plainTextOnly(markup)).toThrow(TypeError)
  })
})
