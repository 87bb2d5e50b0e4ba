import { describe, expect, it } from 'vitest'
import { limits, limitWords } from './ranges'

describe('a threshold range', () => {
  it.each([
    ['80', 0, 80, false],
    ['0:80', 0, 80, false],
    ['~:80.5', Number.NEGATIVE_INFINITY, 80.5, false],
    ['10:', 10, Number.POSITIVE_INFINITY, false],
    [':9', 0, 9, false],
    ['@5:10', 5, 10, true],
    ['-3:-1', -3, -1, false],
  ])('%s is read', (text, low, high, inside) => {
    expect(limits(text)).toEqual({ low, high, inside })
  })
  it.each(['', null, undefined, 'x', '5:y', '@', '<b>'])('%s is none', (text) => {
    expect(limits(text)).toBeUndefined()
  })
  it.each([
    ['~:95.78270980211647', '%', 'above 95.8 %'],
    ['4.2479842476633936:', '%', 'below 4.2 %'],
    ['80', '%', 'above 80 %'],
    ['5:9', '', 'below 5 or above 9'],
    ['@5:9', '', 'from 5 to 9'],
    ['', '%', '–'],
    ['<b>', '%', '<b>'],
  ])('%s %s is said as "%s"', (text, unit, words) => {
    expect(limitWords(text, unit)).toBe(words)
  })
})
