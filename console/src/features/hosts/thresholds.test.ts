import { describe, expect, it } from 'vitest'
import type { CheckDetail, CheckView, PerfValue } from '../../api/types'
import { graphs } from './graphs'
import { checksOf, thresholdsOf } from './thresholds'

const graph = (id: string) => graphs.find((each) => each.id === id) ?? graphs[0]
const disk = (mount: string, warn: string, crit: string) =>
  ({
    key: `disk:${mount}`,
    metrics: [{ label: 'used', unit: '%', value: 50, warn, crit }] as PerfValue[],
  }) as CheckDetail
const fs = graph('fs')

describe('the thresholds of a graph', () => {
  it('are those of every file system, not of the root for all', () => {
    if (fs === undefined) throw new Error('there is no graph of file systems')
    const lines = thresholdsOf(fs, [
      disk('/', '~:85', '~:93'),
      disk('/boot', '~:85', '~:93'),
      disk('/srv', '~:93.4', '~:97'),
    ])
    expect(lines.map((each) => each.label)).toEqual([
      'Warning 85 % · /, /boot',
      'Critical 93 % · /, /boot',
      'Warning 93.4 % · /srv',
      'Critical 97 % · /srv',
    ])
    const checks = ['disk:/', 'disk:/srv', 'diskette', 'load'].map((key) => ({ key }) as CheckView)
    expect(checksOf(fs, checks).map((each) => each.key)).toEqual(['disk:/', 'disk:/srv'])
  })
  it('are one line where all agree', () => {
    if (fs === undefined) throw new Error('there is no graph of file systems')
    const lines = thresholdsOf(fs, [disk('/', '~:85', '~:93'), disk('/srv', '~:85', '~:93')])
    expect(lines.map((each) => each.label)).toEqual(['Warning 85 %', 'Critical 93 %'])
  })
  it('of memory are drawn in bytes, for what is available', () => {
    const memory = graph('memory')
    if (memory === undefined) throw new Error('there is no graph of memory')
    const detail = {
      key: 'memory',
      metrics: [
        { label: 'available', unit: '%', value: 50, warn: '10:', crit: '5:' },
        { label: 'available_bytes', unit: 'B', value: 8 * 1024 ** 3 },
      ] as PerfValue[],
    } as CheckDetail
    expect(thresholdsOf(memory, [detail])).toEqual([
      { value: (8 * 1024 ** 3 * 10) / 50, tone: 'notice', label: 'Warning 1.6 GiB · available' },
      { value: (8 * 1024 ** 3 * 5) / 50, tone: 'danger', label: 'Critical 819 MiB · available' },
    ])
  })
  it('are none where the check says none, or what cannot be read', () => {
    if (fs === undefined) throw new Error('there is no graph of file systems')
    expect(thresholdsOf(fs, [disk('/', '', 'nonsense')])).toEqual([])
  })
})
