import { describe, expect, it } from 'vitest'
import { buildConfig, draftOf } from '../system/channelConfig'
import { daysTone } from '../system/days'
import { buildSpec, emptyDraft } from './checkSpec'
import { processors, usedShare } from './graphs'

describe('arguments of a check', () => {
  it('leaves out what was not filled in', () => {
    expect(buildSpec({ ...emptyDraft('10.0.0.5'), kind: 'tcp', port: 22 })).toEqual({
      kind: 'tcp',
      address: '10.0.0.5',
      port: 22,
    })
  })
  it('puts thresholds on the metric of the kind', () => {
    expect(buildSpec({ ...emptyDraft('a'), kind: 'tls', warn: '14:', crit: ' 3: ' })).toEqual({
      kind: 'tls',
      address: 'a',
      port: 443,
      thresholds: [{ metric: 'cert_days', warn: '14:', crit: '3:' }],
    })
  })
  it('gives plugins their parameters as pairs', () => {
    expect(
      buildSpec({
        ...emptyDraft('a'),
        kind: 'plugin',
        plugin: 'check_http',
        params: { url: '/x', skip: '' },
      }),
    ).toEqual({ kind: 'plugin', name: 'check_http', params: [['url', '/x']] })
  })
})

describe('a channel', () => {
  it('survives the trip through its form', () => {
    const config = {
      server: 'mail.example:465',
      security: 'tls',
      from: 'a@example.org',
      to: ['b@example.org', 'c@example.org'],
      severities: ['critical'],
    }
    const draft = draftOf({
      id: 'x',
      name: 'Ops',
      kind: 'email',
      config: config as never,
      has_secret: true,
      enabled: true,
      revision: 1,
      tenant: 'tenant_00000000000000000000000000',
    })
    expect(buildConfig(draft)).toEqual(config)
  })
})

describe('thresholds of load', () => {
  const metric = (label: string, value: number | null) => ({ label, value, unit: '' })
  it('are drawn for all processors, since the check judges one', () => {
    expect(processors([metric('load5_per_core', 0.5), metric('load5', 4)])).toBe(8)
  })
  it('are not drawn when the number of processors cannot be told', () => {
    expect(processors([metric('load5_per_core', 0), metric('load5', 0)])).toBeNaN()
    expect(processors([metric('load5', 4)])).toBeNaN()
  })
})

describe('used share of a file system', () => {
  const series = (name: string, ...points: number[][]) => ({
    name,
    labels: { mount: '/' },
    unit: 'B',
    counter: false,
    tier: 'raw',
    points: points as never,
  })
  it('is used over used and available, as df says', () => {
    const [line] = usedShare([
      series('fs.used', [0, 50, 60, 55, 55]),
      series('fs.available', [0, 40, 50, 45, 45]),
    ])
    expect(line?.points).toEqual([[0, 50, 60, 55, 55]])
  })
  it('has no point where one half is missing', () => {
    const [line] = usedShare([series('fs.used', [0, 1, 1, 1, 1]), series('fs.available')])
    expect(line?.points).toEqual([])
  })
})

describe('days left of a certificate', () => {
  const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const certificate = (lived: number, left: number, revoked = false) => ({
    not_before: at(-lived),
    not_after: at(left),
    days_left: Math.floor(left),
    revoked,
  })
  it('is judged against its whole life', () => {
    expect(daysTone(certificate(1, 6))).toBe('good')
    expect(daysTone(certificate(80, 10))).toBe('notice')
    expect(daysTone(certificate(3600, 50))).toBe('danger')
    expect(daysTone(certificate(5, -1))).toBe('danger')
    expect(daysTone(certificate(1, 6, true))).toBe('waiting')
  })
})
