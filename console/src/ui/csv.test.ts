import { describe, expect, it } from 'vitest'
import { csv, csvCell } from './csv'

describe('CSV', () => {
  it.each(['=1+1', '+cmd|calc', '-2+3', '@SUM(A1)', '\t=1', ' =1', '\r=1', '%0A', '|x'])(
    'makes the formula %j plain text',
    (formula) => {
      expect(csvCell(formula)).toBe(`"'${formula}"`)
    },
  )
  it('leaves negative numbers numbers', () => {
    expect(csvCell('-12.5')).toBe('"-12.5"')
  })
  it('doubles quotes and keeps line breaks inside a cell', () => {
    expect(csvCell('say "hi"\nthere')).toBe('"say ""hi""\nthere"')
  })
  it('ends lines as RFC 4180 says', () => {
    expect(csv(['a'], [['1'], ['2']])).toBe('\uFEFF"a"\r\n"1"\r\n"2"\r\n')
  })
})
