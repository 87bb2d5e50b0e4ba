import { describe, expect, it } from 'vitest'
import { ROOT, whereOf } from './scope'

const whole = { tenant: ROOT, tenant_title: 'All', owned: false, sections: [] }

describe('where a grant holds', () => {
  it('is everywhere at the root, and its tenant elsewhere', () => {
    expect(whereOf(whole, ROOT)).toBe('Everywhere')
    expect(whereOf({ ...whole, tenant: 'tenant_1', tenant_title: 'Europe / Paris' }, ROOT)).toBe(
      'Europe / Paris',
    )
  })
  it('names everything that narrows it', () => {
    const narrow = {
      ...whole,
      labels: 'env=prod',
      host: 'host_1',
      host_name: 'db-1',
      owned: true,
      sections: ['hosts'],
    }
    expect(whereOf(narrow, ROOT)).toBe(
      'Everywhere · env=prod · db-1 · only what the person owns · Hosts and checks',
    )
    expect(whereOf({ ...whole, host: 'host_1' }, ROOT)).toBe('Everywhere · host_1')
  })
})
