// From the fields of the form to the arguments of a check, as the API types them. Pure.

export const kinds = ['http', 'tcp', 'ping', 'tls', 'dns', 'ssh', 'plugin'] as const
export type Kind = (typeof kinds)[number]

export interface Draft {
  kind: Kind
  name: string
  address: string
  port: number
  url: string
  expect: string
  dnsName: string
  plugin: string
  params: Record<string, string>
  warn: string
  crit: string
  interval: number
  runner: string
}

export const emptyDraft = (address: string): Draft => ({
  kind: 'http',
  name: '',
  address,
  port: 443,
  url: '',
  expect: '',
  dnsName: '',
  plugin: '',
  params: {},
  warn: '',
  crit: '',
  interval: 60,
  runner: '',
})

/** The metric that thresholds of the form are about. */
export const metricOf: Record<Kind, string | undefined> = {
  http: 'time',
  tcp: 'time',
  ping: 'rtt',
  tls: 'cert_days',
  dns: 'time',
  ssh: 'time',
  plugin: undefined,
}

export function buildSpec(draft: Draft): Record<string, unknown> {
  const metric = metricOf[draft.kind]
  const warn = draft.warn.trim()
  const crit = draft.crit.trim()
  const thresholds =
    metric === undefined || (warn === '' && crit === '')
      ? {}
      : { thresholds: [{ metric, ...(warn === '' ? {} : { warn }), ...(crit === '' ? {} : { crit }) }] }
  const address = draft.address.trim()
  switch (draft.kind) {
    case 'http':
      return {
        kind: 'http',
        url: draft.url.trim(),
        ...(draft.expect === '' ? {} : { expect_body: draft.expect }),
        ...thresholds,
      }
    case 'ping':
      return { kind: 'ping', address, ...thresholds }
    case 'dns':
      return {
        kind: 'dns',
        name: draft.dnsName.trim(),
        ...(address === '' ? {} : { server: address }),
        ...thresholds,
      }
    case 'plugin':
      return {
        kind: 'plugin',
        name: draft.plugin,
        params: Object.entries(draft.params).filter(([, value]) => value !== ''),
      }
    default:
      return { kind: draft.kind, address, port: draft.port, ...thresholds }
  }
}
