import { describe, expect, it } from 'vitest'
import { csv, csvCell } from './csv'

describe('CSV', () => {
  it.each(['=1+1', '+cmd|calc', '-2+3', '@SUM(A1)', '\t1', ' =1', '\r1', '%0A', '|x'])(
    'makes the formula %j plain text',
    (formula) => {
      expect(csvCell(formula)).toBe(`"'${formula}"`)
    },
  )
  it('begins no cell inside, where cells are parted at semicolons', () => {
    expect(csvCell('x;=1+1')).toBe(`"x;'=1+1"`)
    expect(csvCell('a; "=cmd|calc')).toBe(`"a; ""'=cmd'|calc"`.replace("'|", '|'))
    expect(csvCell('ok\n@SUM(A1)')).toBe(`"ok\n'@SUM(A1)"`)
    expect(csvCell('＝1')).toBe(`"'＝1"`)
    expect(csvCell('load 1, -2; 3 of 4')).toBe('"load 1, -2; 3 of 4"')
  })
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
