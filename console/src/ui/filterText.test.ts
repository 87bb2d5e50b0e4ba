import { describe, expect, it } from 'vitest'
import { quoteIfNeeded, replaceWord, setKey, toggleWord, wordAt, words } from './filterText'

describe('words of a filter', () => {
  it('finds keys, negation and quotes', () => {
    const found = words('state:critical  host:web-* -handled "disk full" check:"a b"')
    expect(found.map((word) => word.text)).toEqual([
      'state:critical',
      'host:web-*',
      '-handled',
      '"disk full"',
      'check:"a b"',
    ])
    expect(found.map((word) => word.key)).toEqual(['state', 'host', undefined, undefined, 'check'])
    expect(found.map((word) => word.negated)).toEqual([false, false, true, false, false])
  })
  it('does not take a colon inside quotes for a key', () => {
    expect(words('"a:b"')[0]?.key).toBeUndefined()
  })
  it('keeps an unfinished quote as one word', () => {
    expect(words('"disk fu').map((word) => word.text)).toEqual(['"disk fu'])
  })
  it('a lone minus negates nothing', () => {
    expect(words('-')[0]?.negated).toBe(false)
  })
  it('finds the word at the caret', () => {
    expect(wordAt('state:cr host:w', 8).text).toBe('state:cr')
    expect(wordAt('state:cr host:w', 15).text).toBe('host:w')
    expect(wordAt('state:cr ', 9).text).toBe('')
  })
})

describe('completing', () => {
  it('replaces only the word at the caret', () => {
    expect(replaceWord('state:cr host:web', 8, 'state:critical')).toEqual({
      text: 'state:critical host:web',
      caret: 14,
    })
  })
  it('leaves the caret behind the colon when a value is wanted', () => {
    expect(replaceWord('sta', 3, 'state:')).toEqual({ text: 'state:', caret: 6 })
  })
  it('adds a space after the last word', () => {
    expect(replaceWord('state:cr', 8, 'state:critical')).toEqual({ text: 'state:critical ', caret: 15 })
  })
})

describe('editing by button', () => {
  it('adds a word and takes it out again', () => {
    expect(toggleWord('host:a', '-handled')).toBe('host:a -handled')
    expect(toggleWord('host:a -handled', '-handled')).toBe('host:a')
  })
  it('sets one key in place of its other values', () => {
    expect(setKey('state:ok host:a', 'state', 'critical')).toBe('host:a state:critical')
    expect(setKey('state:ok host:a', 'state', undefined)).toBe('host:a')
  })
  it('quotes what would fall apart', () => {
    expect(quoteIfNeeded('a b')).toBe('"a b"')
    expect(quoteIfNeeded('web-*')).toBe('web-*')
    expect(quoteIfNeeded('a "b" c')).toBe('"a b c"')
  })
})
