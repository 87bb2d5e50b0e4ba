// A stand-in for the server, for looking at the console while developing. It keeps no rule of the product: tests that
// prove something run against the real server (e2e/).
//
//   node tests/fixture-server.mjs [port]     serves dist/ and an invented API at http://127.0.0.1:4173
//   HOSTS=10000 beforehand                   gives a large installation
//   DIST=FOLDER beforehand                   serves another build of the console

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { accessOf, ask, meAs } from './fixtures-access.mjs'

const port = Number(process.argv.find((each) => /^\d+$/.test(each)) ?? 4173)
const dist = process.env.DIST ? pathToFileURL(`${process.env.DIST}/`) : new URL('../dist/', import.meta.url)
const types = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

let seed = 7
const random = () => {
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed / 2147483648
}
const pick = (list) => list[Math.floor(random() * list.length)]
const id = (prefix, n) => `${prefix}_01k9z${String(n).padStart(21, '0')}`
const iso = (ms) => new Date(ms).toISOString()
const NOW = () => Date.now()

const hostNames = [
  'web-01',
  'web-02',
  'web-03',
  'web-04',
  'db-primary',
  'db-replica-1',
  'db-replica-2',
  'cache-01',
  'cache-02',
  'queue-01',
  'mail-gw',
  'dns-paris-1',
  'dns-paris-2',
  'ldap-01',
  'backup-01',
  'ci-runner-1',
  'ci-runner-2',
  'ci-runner-3',
  'vpn-01',
  'proxy-dmz',
  ...Array.from(
    { length: Number(process.env.HOSTS ?? 44) },
    (_, i) => `node-${String(i + 1).padStart(2, '0')}.prod.example`,
  ),
]
const hosts = hostNames.map((name, i) => ({
  id: id('host', i),
  name,
  status: 'ok',
  problems: { critical: 0, warning: 0, unknown: 0, handled: 0, ok: 14, pending: 0 },
  os: pick([
    'Debian GNU/Linux 12 (bookworm)',
    'Debian GNU/Linux 13 (trixie)',
    'Ubuntu 24.04.3 LTS',
    'Rocky Linux 9.6',
  ]),
  addresses: [`10.20.${i % 7}.${10 + i}`, `2001:db8:20::${(10 + i).toString(16)}`],
  agent: i === 62 ? undefined : id('agent', i),
  connected: ![9, 33].includes(i),
  last_seen_at: iso(NOW() - ([9, 33].includes(i) ? 1_900_000 : 4000)),
  fields: {
    group: pick(['web', 'data', 'platform', 'edge']),
    location: pick(['Paris', 'Lyon', 'Frankfurt']),
    responsible: pick(['A. Moreau', 'J. Keller', 'S. Okafor']),
    description: i === 0 ? 'Front of the <b>shop</b> <script>alert(1)</script>' : '',
  },
  in_downtime: i === 17,
  revision: 3,
}))

const titles = [
  ['disk:/', 'Disk /'],
  ['disk:/var', 'Disk /var'],
  ['memory', 'Memory'],
  ['load', 'Load'],
  ['swap', 'Swap'],
  ['clock', 'Clock'],
  ['units', 'Failed units'],
  ['readonly', 'Read-only file systems'],
  ['alive', 'Agent'],
  ['certificate:agent', 'Certificate agent'],
  ['http:shop', 'Shop front page'],
  ['tcp:ssh', 'SSH port'],
  ['plugin:check_apt', 'Pending updates'],
  ['plugin:check_ntp', 'NTP offset'],
]
const okOutput = {
  'disk:/': 'Disk / 41 % used, 27 GiB free of 46 GiB',
  memory: 'Memory 62 % available, 9.8 GiB of 15.7 GiB',
  load: 'Load 0.84 on 8 processors, 0.11 each',
  alive: 'Connected',
  'http:shop': 'HTTP 200 in 84 ms, 18 KiB',
}
const bad = [
  [
    'web-01',
    'http:shop',
    'critical',
    'HTTP 503 in 1.2 s: <script>alert("hello")</script> Service Unavailable',
    220_000,
  ],
  [
    'db-primary',
    'disk:/var',
    'critical',
    'Disk /var 96 % used, 1.8 GiB free of 46 GiB; full in about 5 h at this rate',
    3_900_000,
  ],
  ['queue-01', 'alive', 'critical', 'No connection since 13:14:20', 1_900_000],
  ['node-14.prod.example', 'alive', 'critical', 'No connection since 13:16:02', 1_860_000],
  ['cache-02', 'memory', 'warning', 'Memory 8 % available, 1.2 GiB of 15.7 GiB', 7_400_000],
  [
    'ci-runner-2',
    'load',
    'warning',
    'Load 31.20 on 8 processors, 3.90 each; tasks wait for a processor 61 % of the time',
    540_000,
  ],
  ['mail-gw', 'units', 'warning', '1 failed unit: postfix-policyd.service', 86_000_000],
  [
    'backup-01',
    'plugin:check_apt',
    'warning',
    '14 packages available for upgrade (3 critical updates)',
    400_000_000,
  ],
  ['dns-paris-2', 'clock', 'unknown', 'No time service answers', 12_600_000],
  ['vpn-01', 'plugin:check_ntp', 'unknown', 'timeout after 10 s', 62_000],
  ['web-03', 'certificate:agent', 'warning', 'Certificate agent ends in 3 days', 9_000_000],
]
const checks = []
let n = 0
for (const host of hosts) {
  for (const [key, title] of titles) {
    const problem = bad.find((each) => each[0] === host.name && each[1] === key)
    const status = problem?.[2] ?? (n % 97 === 96 ? 'pending' : 'ok')
    const ack = ['cache-02', 'mail-gw'].includes(host.name) && problem
    const down = host.name === 'ci-runner-2' && problem
    checks.push({
      id: id('check', n),
      host: { id: host.id, name: host.name },
      key,
      title,
      kind:
        key === 'alive'
          ? 'alive'
          : key.startsWith('plugin')
            ? 'plugin'
            : /http|tcp/.test(key)
              ? 'probe'
              : 'builtin',
      status,
      state_type: problem?.[4] < 100_000 ? 'soft' : 'hard',
      attempt: problem ? (problem[4] < 100_000 ? 1 : 3) : 1,
      max_attempts: 3,
      since: status === 'pending' ? undefined : iso(NOW() - (problem?.[4] ?? 900_000_000 * random())),
      last_checked_at: iso(NOW() - 20_000 * random()),
      next_due_at: iso(NOW() + 40_000),
      reason: problem?.[3].startsWith('timeout') ? 'timeout' : '',
      no_data_since: host.connected || key === 'alive' ? undefined : host.last_seen_at,
      output: problem?.[3] ?? okOutput[key] ?? 'OK',
      flapping: host.name === 'vpn-01' && !!problem,
      acknowledgement: ack
        ? {
            by: 'a.moreau',
            at: iso(NOW() - 600_000),
            note: 'Ordered more memory, arrives Tuesday.',
            sticky: true,
          }
        : undefined,
      in_downtime: !!down,
      handled: !!(ack || down),
      enabled: true,
      can_recheck: /plugin|http|tcp/.test(key),
    })
    if (problem) {
      host.problems[status] += 1
      host.problems.ok -= 1
      if (ack || down) host.problems.handled += 1
      const order = ['ok', 'pending', 'unknown', 'warning', 'critical']
      if (order.indexOf(status) > order.indexOf(host.status)) host.status = status
    }
    n += 1
  }
}
const rank = { critical: 0, warning: 1, unknown: 2, pending: 3, ok: 4 }
const sorted = () =>
  [...checks].sort(
    (a, b) => rank[a.status] - rank[b.status] || Date.parse(b.since ?? 0) - Date.parse(a.since ?? 0),
  )

const glob = (pattern, text) =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i').test(text)
const matches = (check, filter) =>
  (filter.match(/-?(?:[\w.]+:)?(?:"[^"]*"|\S+)/g) ?? []).every((raw) => {
    const negate = raw.startsWith('-')
    const word = raw.replace(/^-/, '').replaceAll('"', '')
    const [key, values] = word.includes(':')
      ? [word.slice(0, word.indexOf(':')), word.slice(word.indexOf(':') + 1).split(',')]
      : [undefined, []]
    const host = hosts.find((each) => each.id === check.host.id)
    const hit =
      key === 'state'
        ? values.includes(check.status)
        : key === 'host'
          ? values.some((each) => glob(each, check.host.name))
          : key === 'check'
            ? values.some((each) => glob(each, check.key) || glob(each, check.title))
            : key === 'kind'
              ? values.includes(check.kind)
              : key === 'type'
                ? values.includes(check.state_type)
                : key?.startsWith('field.')
                  ? values.some((each) => glob(each, host.fields[key.slice(6)] ?? ''))
                  : word === 'handled'
                    ? check.handled
                    : word === 'acknowledged'
                      ? !!check.acknowledgement
                      : word === 'downtime'
                        ? check.in_downtime
                        : word === 'flapping'
                          ? check.flapping
                          : word === 'nodata'
                            ? !!check.no_data_since
                            : `${check.host.name} ${check.title} ${check.output}`
                                .toLowerCase()
                                .includes(word.toLowerCase())
    return hit !== negate
  })

const trace = {
  gates: [
    { gate: 'forced', passed: false, detail: 'Nobody asked for it by hand.' },
    {
      gate: 'notifications_on',
      passed: true,
      detail: 'Notifications are on for the check, its host and the installation.',
    },
    { gate: 'host_reachable', passed: true, detail: 'The agent is connected.' },
    { gate: 'not_in_downtime', passed: true, detail: 'No downtime covers this check.' },
    { gate: 'not_acknowledged', passed: true, detail: 'Nobody has taken charge.' },
    { gate: 'hard', passed: true, detail: 'Failed 3 of 3 times in a row.' },
    { gate: 'news', passed: true, detail: 'Changed from OK to CRITICAL.' },
  ],
  verdict: { kind: 'notify', notice: 'problem' },
  revision: 41,
}
const event = (i, at, check, kind, severity, summary, detail = {}) => ({
  id: id('event', i),
  at: iso(at),
  host: check.host,
  check: check.id,
  check_title: check.title,
  kind,
  severity,
  summary,
  detail,
})
const events = () =>
  sorted()
    .filter((check) => check.status !== 'ok' && check.status !== 'pending')
    .flatMap((check, i) => [
      event(
        i * 4,
        Date.parse(check.since),
        check,
        'state',
        check.status,
        `OK → ${check.status.toUpperCase()}: ${check.output}`,
        {
          from: 'ok',
          to: check.status,
          state_type: 'hard',
          attempt: 3,
          trace: check.handled
            ? {
                ...trace,
                gates: [
                  ...trace.gates.slice(0, 4),
                  { gate: 'not_acknowledged', passed: false, detail: 'a.moreau took charge 10 min ago.' },
                ],
                verdict: { kind: 'silent', gate: 'not_acknowledged' },
              }
            : trace,
        },
      ),
      ...(check.handled
        ? [
            event(
              i * 4 + 1,
              NOW() - 600_000,
              check,
              'ack',
              'info',
              'a.moreau: Ordered more memory, arrives Tuesday.',
            ),
          ]
        : []),
      event(
        i * 4 + 2,
        Date.parse(check.since) + 1500,
        check,
        'notification',
        'info',
        'Mail to operations delivered',
      ),
    ])
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))

const agents = hosts
  .filter((host) => host.agent)
  .map((host, i) => ({
    id: host.agent,
    host: { id: host.id, name: host.name },
    standing: i === 20 ? 'quarantined' : i === 40 ? 'revoked' : 'active',
    connected: host.connected && i !== 40,
    grants: i % 9 === 0 ? ['probe'] : [],
    version: '0.1.0',
    os: host.os,
    enrolled_at: iso(NOW() - 5e9 * random()),
    last_seen_at: host.last_seen_at,
    last_address: `${host.addresses[0]}:51${100 + i}`,
    cert_serial: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
    cert_not_after: iso(NOW() + 6e8 * random()),
    remote_off: i === 3,
    read_only: i === 4,
    plugins:
      i % 4 === 0
        ? [
            { name: 'check_apt', sha256: 'ab'.repeat(32), params: [] },
            { name: 'check_http', sha256: 'cd'.repeat(32), params: ['url'] },
          ]
        : [],
    committed_seq: 88120 + i,
  }))
const tokens = [
  {
    id: id('token', 1),
    host_pattern: 'web-*',
    grants: [],
    created_at: iso(NOW() - 400_000),
    created_by: 'a.moreau',
    expires_at: iso(NOW() + 3_200_000),
    state: 'open',
  },
  {
    id: id('token', 2),
    host_pattern: 'probe-lyon',
    grants: ['probe'],
    created_at: iso(NOW() - 9e6),
    created_by: 'a.moreau',
    expires_at: iso(NOW() - 5e6),
    state: 'used',
    used_by: id('agent', 3),
  },
  {
    id: id('token', 3),
    host_pattern: '*',
    grants: [],
    created_at: iso(NOW() - 9e7),
    created_by: 'j.keller',
    expires_at: iso(NOW() - 8e7),
    state: 'expired',
  },
]
const audit = Array.from({ length: 420 }, (_, i) => {
  const seq = 420 - i
  const action = [
    'problem.acknowledge',
    'session.open',
    'agent.enrol',
    'host.update',
    'downtime.create',
    'token.create',
    'session.open',
    'channel.update',
  ][seq % 8]
  const outcome = seq % 31 === 0 ? 'denied' : seq % 67 === 0 ? 'failed' : 'success'
  const actor = seq % 8 === 2 ? 'system' : ['a.moreau', 'j.keller', 's.okafor'][seq % 3]
  return {
    seq,
    at: iso(NOW() - i * 470_000),
    actor,
    action,
    object: `${action.split('.')[0]} ${id(action.split('.')[0], seq)}`,
    outcome,
    leaf_hash: `${seq.toString(16).padStart(4, '0')}${'7f3a9c'.repeat(10)}`,
    entry: {
      v: 1,
      seq,
      actor: {
        kind: 'user',
        id: id('user', 1),
        session: id('session', 9),
        auth_method: 'password+totp',
        aal: 2,
      },
      source: { ip: '10.20.0.7', ua_hash: '9f' },
      action,
      object: { kind: 'host', id: id('host', 1), rev: 4 },
      outcome,
      reason: outcome === 'denied' ? 'role viewer may not' : '',
      request_id: id('req', seq),
      diff: action.endsWith('update')
        ? [
            { field: 'fields.location', old: 'Lyon', new: 'Paris' },
            { field: 'fields.responsible', old: null, new: 'A. Moreau' },
            { field: 'secret', old: { commitment: 'ab12cd34ef56' }, new: { commitment: '99aa88bb77cc' } },
          ]
        : [],
    },
  }
})
const certificates = [
  { role: 'root', subject: 'Watchkeep root 2026', days: 3640, life: 3650 },
  { role: 'intermediate', subject: 'Watchkeep intermediate 1', days: 82, life: 90 },
  { role: 'server', subject: 'watchkeep.example, localhost, 127.0.0.1', days: 6, life: 30 },
  ...agents.slice(0, 12).map((agent, i) => ({
    role: 'agent',
    subject: agent.id,
    days: i === 4 ? 0 : (i % 6) + 1,
    life: 7,
    revoked: i === 9,
  })),
].map((each, i) => ({
  role: each.role,
  subject: each.subject,
  serial: `0${i}a1b2c3d4`,
  algorithm: 'ECDSA P-256',
  not_before: iso(NOW() - (each.life - each.days) * 864e5),
  not_after: iso(NOW() + each.days * 864e5 + 3e6),
  days_left: each.days,
  fingerprint_sha256: `${i.toString(16)}4e1f${'90ab'.repeat(15)}`,
  revoked: each.revoked ?? false,
}))
const selfChecks = [
  { key: 'tls', title: 'TLS', status: 'ok', detail: 'TLS 1.3 with hybrid key exchange on both ports' },
  {
    key: 'certificates',
    title: 'Certificates',
    status: 'warning',
    detail: 'The server certificate ends in 6 days; it renews itself tomorrow',
  },
  { key: 'audit', title: 'Audit log', status: 'ok', detail: '420 entries, checkpoint signed 2 min ago' },
  {
    key: 'backup',
    title: 'Backup',
    status: 'unknown',
    detail: 'No backup has been made yet: watchkeep backup create',
  },
  { key: 'storage', title: 'Storage', status: 'ok', detail: '41 GiB free where the data lies' },
]
const system = () => ({
  started_at: iso(NOW() - 9e6),
  ports: [
    {
      direction: 'in',
      address: '0.0.0.0:8443',
      protocol: 'HTTPS',
      purpose: 'Console and API',
      authentication: 'Session with second factor',
    },
    {
      direction: 'in',
      address: '0.0.0.0:8444',
      protocol: 'gRPC over mTLS',
      purpose: 'Agents',
      authentication: 'Certificate of the internal CA',
    },
    {
      direction: 'out',
      address: 'mail.example:465',
      protocol: 'SMTP over TLS',
      purpose: 'Channel operations',
      authentication: 'Password, sealed',
    },
  ],
  storage: {
    database_engine: 'SQLite 3.50 (WAL)',
    schema_version: 7,
    database_bytes: 48_120_832,
    audit_entries: 420,
    events: 18_233,
    metrics_series: 21_480,
    metrics_bytes: 812_000_000,
    metrics_wal_bytes: 14_400_000,
    metrics_corrupt_blocks: 0,
    reports: [],
  },
  queues: [
    { name: 'Notification outbox', length: 1, limit: 10_000, detail: 'Oldest waits 4 s' },
    { name: 'Result intake', length: 212, limit: 4096, detail: '' },
    { name: 'Metrics write-ahead', length: 3100, limit: 4096, detail: 'Flush every second' },
  ],
  self_checks: selfChecks,
  counters: {
    'hub.refused_enrolments': 3,
    'api.rate_limited': 12,
    'ingest.duplicate_batches': 41,
    'spool.dropped_batches': 0,
  },
})
const channels = [
  {
    id: id('channel', 1),
    name: 'Operations',
    kind: 'email',
    config: {
      server: 'mail.example:465',
      security: 'tls',
      from: 'watchkeep@example.org',
      to: ['ops@example.org'],
      severities: ['critical', 'warning'],
    },
    has_secret: true,
    enabled: true,
    revision: 2,
  },
  {
    id: id('channel', 2),
    name: 'Duty phone',
    kind: 'webhook',
    config: { url: 'https://hooks.example/duty' },
    has_secret: true,
    enabled: false,
    revision: 1,
  },
]
const notifications = sorted()
  .slice(0, 9)
  .map((check, i) => ({
    id: id('notif', i),
    channel: channels[i % 2].id,
    host: check.host.name,
    check: check.title,
    kind: 'problem',
    created_at: iso(NOW() - i * 600_000),
    state: i === 0 ? 'pending' : i === 3 ? 'failed' : 'delivered',
    attempts: i === 3 ? 6 : 1,
    last_error: i === 3 ? 'connection to hooks.example refused' : '',
    delivered_at: undefined,
    summary: `${check.host.name} ${check.title} ${check.status.toUpperCase()}`,
  }))

const inventory = {
  os: [
    {
      key: 'Debian GNU/Linux 12 (bookworm)',
      fields: { kernel: '6.18.2', architecture: 'x86_64', boot: '2026-11-02' },
    },
  ],
  packages: Array.from({ length: 640 }, (_, i) => ({
    key: `lib${pick(['ssl', 'c', 'xml', 'curl', 'pam', 'gcc', 'icu'])}${i}`,
    fields: {
      version: `${i % 9}.${i % 13}.${i % 5}-1`,
      architecture: 'amd64',
      source: 'debian',
      status: 'installed',
    },
  })),
  listeners: [
    {
      key: 'tcp/0.0.0.0:22',
      fields: { process: 'sshd', user: 'root', address: '0.0.0.0', port: '22', protocol: 'tcp' },
    },
    {
      key: 'tcp/127.0.0.1:5432',
      fields: { process: 'postgres', user: 'postgres', address: '127.0.0.1', port: '5432', protocol: 'tcp' },
    },
  ],
  users: [
    { key: 'root', fields: { uid: '0', shell: '/bin/bash', home: '/root' } },
    { key: 'deploy', fields: { uid: '1000', shell: '/bin/bash', home: '/home/deploy' } },
  ],
  mounts: [{ key: '/', fields: { device: '/dev/vda1', type: 'ext4', options: 'rw,relatime' } }],
}
const stamp = (item) => ({ ...item, first_seen_at: iso(NOW() - 5e9), last_changed_at: iso(NOW() - 4e8) })

const series = [
  ...['user', 'system', 'iowait', 'idle', 'steal', 'irq', 'softirq', 'nice'].map((mode) => ({
    name: 'cpu.usage',
    labels: { mode },
    unit: '%',
  })),
  ...['load.1', 'load.5', 'load.15'].map((name) => ({ name, labels: {}, unit: '1' })),
  ...['cpu', 'memory', 'io'].map((what) => ({ name: `pressure.${what}.some.avg10`, labels: {}, unit: '%' })),
  ...[
    'memory.used',
    'memory.available',
    'memory.cached',
    'memory.total',
    'swap.used',
    'swap.total',
    'agent.memory.resident',
  ].map((name) => ({ name, labels: {}, unit: 'B' })),
  ...['/', '/var'].flatMap((mount) =>
    ['fs.used', 'fs.available', 'fs.size'].map((name) => ({
      name,
      labels: { device: 'vda1', mount, type: 'ext4' },
      unit: 'B',
    })),
  ),
  ...['vda', 'vdb'].flatMap((device) =>
    ['disk.read.bytes', 'disk.write.bytes'].map((name) => ({
      name,
      labels: { device },
      unit: 'B',
      counter: true,
    })),
  ),
  ...['vda', 'vdb'].map((device) => ({ name: 'disk.utilisation', labels: { device }, unit: '%' })),
  ...['eth0', 'lo'].flatMap((each) =>
    ['net.rx.bytes', 'net.tx.bytes'].map((name) => ({
      name,
      labels: { interface: each },
      unit: 'B',
      counter: true,
    })),
  ),
  ...['established', 'listen', 'time_wait'].map((state) => ({
    name: 'tcp.state',
    labels: { state },
    unit: '1',
  })),
].map((each) => ({ counter: false, ...each }))
const GB = 2 ** 30
const base = (s) => {
  const by = {
    'cpu.usage': { user: 18, system: 7, iowait: 3, idle: 70, steal: 1, irq: 0.3, softirq: 0.7, nice: 0.2 }[
      s.labels.mode
    ],
    'memory.total': 15.7 * GB,
    'memory.used': 6 * GB,
    'memory.available': 9.7 * GB,
    'memory.cached': 4.1 * GB,
    'swap.total': 2 * GB,
    'swap.used': 0.2 * GB,
    'agent.memory.resident': 6.2 * 2 ** 20,
    'fs.size': 46 * GB,
    'fs.used': (s.labels.mount === '/var' ? 42 : 19) * GB,
    'fs.available': (s.labels.mount === '/var' ? 3 : 26) * GB,
    'load.1': 1.4,
    'load.5': 1.1,
    'load.15': 0.9,
  }
  return by[s.name] ?? (s.unit === 'B' ? 400_000 : s.unit === '%' ? 12 : 40)
}
function points(s, from, to, step) {
  const out = []
  const b = base(s)
  const phase = s.name.length + Object.values(s.labels).join('').length
  for (let at = Math.ceil(from / step) * step; at < to; at += step) {
    const share = (at - from) / (to - from)
    if (share > 0.42 && share < 0.48) continue
    const steady = /total|size|fs\./.test(s.name)
    const wave = steady
      ? 1
      : 1 +
        0.35 * Math.sin(at / 700_000 + phase) +
        0.15 * Math.sin(at / 90_000 + phase * 3) +
        (share > 0.8 && !/memory|available/.test(s.name) ? 0.6 : 0)
    const v = b * wave
    out.push([at, v * 0.9, v * 1.12, v, v])
  }
  return out
}

const me = {
  id: id('user', 1),
  name: 'a.moreau',
  display_name: 'Anne Moreau',
  role: 'admin',
  recovery_codes_left: 9,
  session_expires_at: iso(NOW() + 4e7),
  permissions:
    'overview.read check.read host.read host.write check.write problem.acknowledge problem.downtime problem.recheck problem.comment agent.read agent.enrol agent.revoke audit.read system.read channel.read channel.write user.read user.write access.read access.write self.token token.read token.revoke service.write approval.read approval.decide approval.policy provider.read provider.write condition.write tenant.read tenant.write read_only.switch agent.write review.read review.write view.read view.keep view.share'.split(
      ' ',
    ),
}

// Providers, and who is whom there.
const provider = (n, kind, name, config, change = {}) => ({
  id: id('provider', n),
  kind,
  name,
  enabled: true,
  config,
  has_secret: true,
  rules: [
    { group: 'monitoring-admins', role: 'admin', groups: [] },
    { group: 'CN=Operators,OU=Groups,DC=acme,DC=example', role: 'operator', groups: [id('group', 1)] },
    { group: '*', role: 'viewer', groups: [] },
  ],
  create_accounts: true,
  trusts_factor: n === 1,
  people: 12 * n,
  callback: `https://watch.acme.example:8443/api/v1/providers/${id('provider', n)}/callback`,
  logout: `https://watch.acme.example:8443/api/v1/providers/${id('provider', n)}/logout`,
  metadata: `https://watch.acme.example:8443/api/v1/providers/${id('provider', n)}/metadata`,
  revision: 3,
  ...change,
})
const providers = [
  provider(1, 'oidc', 'Keycloak', {
    issuer: 'https://id.acme.example/realms/main',
    client_id: 'watchkeep',
    auth: 'basic',
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { groups: '/realm_access/roles' },
    amr: ['otp', 'hwk'],
  }),
  provider(
    2,
    'saml',
    'Corporate sign-on',
    { metadata: '<EntityDescriptor/>' },
    { enabled: false, rules: [] },
  ),
  provider(3, 'ldap', 'Active Directory', {
    servers: ['dc1.acme.example', 'dc2.acme.example'],
    find: { by: 'search', base: 'DC=acme,DC=example', filter: '(sAMAccountName={name})' },
    groups: { from: 'search', base: 'OU=Groups,DC=acme,DC=example' },
  }),
  provider(4, 'radius', 'Tokens of the data centre', { servers: ['radius1.acme.example'] }),
]
const step = (title, detail, ok = true) => ({ title, detail, ok })

const finding = (code, weight, text, evidence = []) => ({ code, weight, text, evidence })
const line = (number, kind, name, role, findings, change = {}) => ({
  number,
  kind,
  subject: id(kind, number),
  name,
  facts: { role, created_at: iso(NOW() - 2e10), last_used_at: iso(NOW() - 9e9), acts: 4, owner: '' },
  findings,
  decision: '',
  role: '',
  note: '',
  decided_by: '',
  ...change,
})
const lines = [
  line(1, 'person', 'shift', 'operator', [
    finding('shared', 'high', 'It was used from 3 networks with 3 programs at one moment', [
      '192.0.2.1 Firefox from 08:00 to 09:30',
      '198.51.100.9 Chrome from 08:10 to 09:20',
      '2001:db8::1 Edge from 08:20 to 09:10',
    ]),
  ]),
  line(2, 'service', 'backup', 'viewer', [
    finding('no-owner', 'high', 'Nobody answers for it any more', ['t.bauer is disabled']),
    finding('review-overdue', 'medium', 'Somebody should have looked at it again by now'),
  ]),
  line(3, 'person', 's.okafor', 'admin', [
    finding(
      'over-privileged',
      'medium',
      'It has the role admin; in 90 days it did nothing that operator may not',
      ['problem.acknowledge: 41 times', 'not used: host.write, check.write, user.write'],
    ),
  ]),
  line(4, 'token', 'deploy', 'operator', [
    finding('from-anywhere', 'medium', 'It may be used from any address', ['last used from 192.0.2.7']),
  ]),
  line(5, 'person', 'a.moreau', 'admin', [], { decision: 'keep', decided_by: 'a.moreau' }),
]
const review = (n, change = {}) => ({
  id: id('review', n),
  state: 'open',
  created_at: iso(NOW() - 9e7),
  created_by: 'a.moreau',
  window_days: 90,
  due_at: iso(NOW() + 9e8),
  overdue: false,
  lines: 5,
  decided: 1,
  findings: 4,
  signed_by: '',
  note: '',
  ...change,
})
const token = (n, name, owner, kind, change = {}) => ({
  id: id('apitoken', n),
  name,
  hint: kind === 'service' ? 'wk_svc_7h2k' : 'wk_pat_0c9m',
  owner: { id: id('user', n), name: owner, kind },
  state: 'live',
  scopes: [{ role: 'operator' }],
  networks: ['192.0.2.0/24'],
  created_at: iso(NOW() - 9e8),
  created_by: 'a.moreau',
  expires_at: iso(NOW() + 6e9),
  days_left: 69,
  last_used_at: iso(NOW() - 2e5),
  last_address: '192.0.2.7',
  revoked_by: '',
  ...change,
})
const service = (n, name, purpose, change = {}) => ({
  id: id('user', 40 + n),
  name,
  display_name: '',
  role: 'operator',
  disabled: false,
  owner: { id: id('user', 1), name: 'a.moreau', kind: 'person' },
  owner_living: true,
  purpose,
  review_due_at: iso(NOW() + 9e9),
  review_overdue: false,
  created_at: iso(NOW() - 9e9),
  created_by: 'a.moreau',
  live_tokens: 1,
  revision: 1,
  ...change,
})
const approval = (n, change = {}) => ({
  id: id('approval', n),
  state: 'open',
  act: 'user.set_role',
  object: 'user:j.ito',
  summary: 'Give j.ito the role admin instead of operator',
  input: { role: 'admin', reason: 'takes over the night shift' },
  payload_sha256: 'c3'.repeat(32),
  requested_by: 's.okafor',
  by_token: false,
  reason: 'takes over the night shift',
  requested_at: iso(NOW() - 6e5),
  expires_at: iso(NOW() + 8e7),
  decided_by: '',
  note: '',
  mine: false,
  may_decide: true,
  why_not: '',
  could_decide: ['a.moreau'],
  ...change,
})
const machinesOf = (path) => {
  if (path === '/api-tokens')
    return {
      items: [
        token(1, 'deploy', 'ci', 'service'),
        token(2, 'laptop scripts', 'a.moreau', 'person', {
          networks: [],
          scopes: [{ role: 'viewer', labels: 'site=paris' }],
        }),
        token(3, 'old dashboard', 's.okafor', 'person', { state: 'revoked', last_used_at: undefined }),
      ],
    }
  if (path === '/me/tokens')
    return { items: [token(2, 'laptop scripts', 'a.moreau', 'person', { networks: [] })] }
  if (path === '/service-accounts')
    return {
      items: [
        service(1, 'ci', 'Acknowledges during deployments'),
        service(2, 'backup', 'Reads what is to be saved', {
          owner: undefined,
          owner_living: false,
          review_overdue: true,
          live_tokens: 0,
        }),
      ],
    }
  if (path === '/approvals')
    return {
      items: [
        approval(1),
        approval(2, {
          mine: true,
          may_decide: false,
          why_not: 'you asked for it yourself',
          requested_by: 'a.moreau',
          summary: 'Change the channel night-shift',
          act: 'channel.change',
          input: { name: 'night-shift', secret: { withheld: true } },
          could_decide: ['s.okafor'],
        }),
      ],
    }
  if (path === '/four-eyes') return { mode: 'when_two', could_decide: ['s.okafor'], alone: false }
  if (path === '/access-findings') return { items: lines }
  if (path === '/reviews')
    return {
      items: [
        review(2),
        review(1, {
          state: 'signed',
          decided: 5,
          signed_by: 'a.moreau',
          note: 'all looked at',
          next_due_at: iso(NOW() + 6e9),
        }),
      ],
    }
  if (path.startsWith('/reviews/')) return { review: review(2), lines }
  return undefined
}

const person = (n, name, display_name, role, change = {}) => ({
  id: id('user', n),
  name,
  display_name,
  role,
  created_at: iso(NOW() - n * 9e8),
  disabled: false,
  failures: 0,
  closed: false,
  awaits_factors: false,
  factors: ['password', 'totp', 'recovery'],
  recovery_codes_left: 10,
  last_sign_in_at: iso(NOW() - n * 4e6),
  ...change,
})
const people = [
  { ...person(1, me.name, me.display_name, 'admin'), id: me.id },
  person(2, 'o.lund', 'Olga Lund', 'operator', { recovery_codes_left: 2 }),
  person(3, 't.okafor', 'Tobi Okafor', 'operator', { closed: true, failures: 100 }),
  person(4, 'l.haas', 'Lea Haas', 'viewer', { awaits_factors: true, factors: [], recovery_codes_left: 0 }),
  person(5, 'p.silva', 'Paulo Silva', 'viewer', { disabled: true }),
]

const rightsTable = [
  {
    name: 'overview.read',
    section: 'monitor',
    kind: 'read',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin'],
  },
  {
    name: 'host.read',
    section: 'hosts',
    kind: 'read',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin'],
  },
  {
    name: 'host.write',
    section: 'hosts',
    kind: 'configure',
    fresh_factor: false,
    roles: ['author', 'admin'],
  },
  {
    name: 'check.read',
    section: 'hosts',
    kind: 'read',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin'],
  },
  {
    name: 'check.write',
    section: 'hosts',
    kind: 'configure',
    fresh_factor: false,
    roles: ['author', 'admin'],
  },
  {
    name: 'problem.acknowledge',
    section: 'monitor',
    kind: 'handle',
    fresh_factor: false,
    roles: ['operator', 'responder', 'admin'],
  },
  {
    name: 'problem.downtime',
    section: 'monitor',
    kind: 'handle',
    fresh_factor: false,
    roles: ['operator', 'admin'],
  },
  {
    name: 'problem.recheck',
    section: 'monitor',
    kind: 'handle',
    fresh_factor: false,
    roles: ['operator', 'responder', 'admin'],
  },
  {
    name: 'problem.comment',
    section: 'monitor',
    kind: 'handle',
    fresh_factor: false,
    roles: ['operator', 'responder', 'admin'],
  },
  {
    name: 'agent.read',
    section: 'agents',
    kind: 'read',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin'],
  },
  { name: 'agent.enrol', section: 'agents', kind: 'configure', fresh_factor: false, roles: ['admin'] },
  { name: 'agent.revoke', section: 'agents', kind: 'handle', fresh_factor: true, roles: ['admin'] },
  { name: 'agent.write', section: 'agents', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  { name: 'audit.read', section: 'evidence', kind: 'read', fresh_factor: false, roles: ['auditor', 'admin'] },
  {
    name: 'system.read',
    section: 'system',
    kind: 'read',
    fresh_factor: false,
    roles: ['operator', 'auditor', 'admin'],
  },
  {
    name: 'channel.read',
    section: 'notifications',
    kind: 'read',
    fresh_factor: false,
    roles: ['operator', 'author', 'approver', 'auditor', 'admin'],
  },
  {
    name: 'channel.write',
    section: 'notifications',
    kind: 'configure',
    fresh_factor: false,
    roles: ['admin'],
  },
  { name: 'user.read', section: 'access', kind: 'read', fresh_factor: false, roles: ['auditor', 'admin'] },
  { name: 'user.write', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  {
    name: 'view.read',
    section: 'monitor',
    kind: 'read',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin'],
  },
  {
    name: 'view.keep',
    section: 'monitor',
    kind: 'handle',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'admin'],
  },
  {
    name: 'view.share',
    section: 'monitor',
    kind: 'handle',
    fresh_factor: false,
    roles: ['operator', 'author', 'admin'],
  },
  { name: 'access.read', section: 'access', kind: 'read', fresh_factor: false, roles: ['auditor', 'admin'] },
  { name: 'access.write', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  { name: 'condition.write', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  { name: 'token.read', section: 'access', kind: 'read', fresh_factor: false, roles: ['auditor', 'admin'] },
  { name: 'token.revoke', section: 'access', kind: 'handle', fresh_factor: false, roles: ['admin'] },
  { name: 'service.write', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  {
    name: 'tenant.read',
    section: 'access',
    kind: 'read',
    fresh_factor: false,
    roles: ['viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin'],
  },
  { name: 'tenant.write', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  { name: 'read_only.switch', section: 'system', kind: 'handle', fresh_factor: true, roles: ['admin'] },
  {
    name: 'approval.read',
    section: 'access',
    kind: 'read',
    fresh_factor: false,
    roles: ['approver', 'auditor', 'admin'],
  },
  {
    name: 'approval.decide',
    section: 'access',
    kind: 'handle',
    fresh_factor: true,
    roles: ['approver', 'admin'],
  },
  { name: 'approval.policy', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
  { name: 'review.read', section: 'access', kind: 'read', fresh_factor: false, roles: ['auditor', 'admin'] },
  { name: 'review.write', section: 'access', kind: 'configure', fresh_factor: true, roles: ['admin'] },
]
const roleNames = ['none', 'viewer', 'operator', 'author', 'approver', 'responder', 'auditor', 'admin']
const rootTenant = 'tenant_00000000000000000000000000'
const everywhere = { tenant: rootTenant, tenant_title: 'All', owned: false, sections: [] }
const peopleGroups = [
  {
    id: id('group', 1),
    tenant: rootTenant,
    tenant_title: 'All',
    name: 'Night shift',
    about: 'Whoever is on duty between ten and six',
    members: 2,
    grants: 1,
    created_at: iso(NOW() - 9e8),
    revision: 1,
  },
  {
    id: id('group', 2),
    tenant: id('tenant', 2),
    tenant_title: 'Europe / Paris',
    name: 'Paris databases',
    about: '',
    members: 0,
    grants: 1,
    created_at: iso(NOW() - 8e8),
    revision: 3,
  },
]
const grants = [
  {
    id: id('grant', 1),
    group: id('group', 1),
    name: 'Night shift',
    effect: 'allow',
    role: 'operator',
    custom: false,
    scope: { ...everywhere, labels: 'env=prod, team in (db, web)' },
    reason: 'On duty at night',
    created_at: iso(NOW() - 7e8),
    created_by: me.name,
    expired: false,
  },
  {
    id: id('grant', 2),
    person: people[3].id,
    name: 'l.haas',
    effect: 'deny',
    role: 'author',
    custom: false,
    scope: { ...everywhere, tenant: id('tenant', 2), tenant_title: 'Europe / Paris', sections: ['hosts'] },
    reason: 'Still learning',
    created_at: iso(NOW() - 6e8),
    created_by: me.name,
    expires_at: iso(NOW() + 6e8),
    expired: false,
  },
]
const heldGrants = [
  { via: 'home', effect: 'allow', role: 'viewer', scope: everywhere },
  {
    id: id('grant', 1),
    via: 'group',
    group: 'Night shift',
    effect: 'allow',
    role: 'operator',
    scope: grants[0].scope,
  },
  { id: id('grant', 2), via: 'person', effect: 'deny', role: 'author', scope: grants[1].scope },
]
const rightsOf = (path, query) => {
  if (path === '/groups') return { items: peopleGroups }
  if (/^\/groups\/[^/]+\/members$/.test(path))
    return {
      items: people.slice(1, 3).map((each, n) => ({
        person: each.id,
        name: each.name,
        display_name: each.display_name,
        disabled: each.disabled,
        origin: n === 0 ? 'local' : id('idp', 1),
        since: iso(NOW() - 5e8),
      })),
    }
  if (path === '/actions') return { items: rightsTable.map(({ roles, ...action }) => action) }
  if (path === '/roles')
    return {
      items: [
        ...roleNames.map((name) => ({
          name,
          about: '',
          actions: rightsTable
            .filter((each) => name === 'admin' || each.roles.includes(name))
            .map((each) => each.name),
          grants: 0,
          revision: 0,
        })),
        {
          id: id('role', 1),
          name: 'shift-lead',
          about: 'Leads a shift',
          actions: ['host.read', 'check.read', 'problem.downtime'],
          grants: 1,
          revision: 2,
        },
      ],
    }
  if (path === '/grants') return { items: grants }
  if (path === '/access/explain') {
    const who =
      people.find((each) => each.id === query.get('who') || each.name === query.get('who')) ?? people[1]
    return {
      who: { id: who.id, name: who.name, kind: 'person', off: who.disabled },
      on: { id: '', title: 'the whole server', tenant: rootTenant, tenant_title: 'All' },
      holds: heldGrants,
      sees: { hosts: 412, checks: 5021, agents: 409, channels: 3 },
      answers: rightsTable.map(({ name, roles }) => ({
        action: name,
        allowed: roles.includes('viewer'),
        why: roles.includes('viewer')
          ? 'the account\u2019s own role viewer allows it'
          : 'nothing that is held allows it here',
        reasons: roles.includes('viewer') ? [heldGrants[0]] : [],
      })),
    }
  }
  if (path === '/access/who')
    return {
      items: people.slice(0, 2).map((each) => ({
        who: { id: each.id, name: each.name, kind: 'person', off: false },
        why: `the account\u2019s own role ${each.role} allows it`,
      })),
    }
  return undefined
}

let signedIn = true
const streams = new Set()
const page = (items, query) => {
  const limit = Number(query.get('limit') ?? 100)
  const start = Number(query.get('after') ?? 0)
  const slice = items.slice(start, start + limit)
  return {
    items: slice,
    total: items.length,
    ...(start + limit < items.length ? { next: String(start + limit) } : {}),
  }
}
const problem = (status, title, detail, errors) => ({
  __status: status,
  type: 'about:blank',
  title,
  status,
  detail,
  instance: id('req', 5),
  ...(errors ? { errors } : {}),
})

async function api(method, path, query, input) {
  const [, a, b, c] = path.split('/')
  const key = `${method} /${a ?? ''}`
  if (path === '/meta') return { product: 'Watchkeep', claimed: true }
  if (path === '/claim/check')
    return input.token === 'used'
      ? problem(410, 'Gone', 'The link was used.')
      : { kind: 'server', name: '', display_name: '', role: 'admin', expires_at: iso(NOW() + 864e5) }
  if (path === '/claim/begin')
    return {
      secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      uri: 'otpauth://totp/Watchkeep:admin?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Watchkeep&algorithm=SHA1&digits=6&period=30',
    }
  if (path === '/claim/finish')
    return { recovery_codes: Array.from({ length: 10 }, (_, i) => `k7qm-${i}x3p-9wtd-${i}hbn`), me }
  if (path === '/sign-in/methods')
    return {
      local: process.env.LOCAL ?? 'everybody',
      items: providers
        .filter((each) => each.enabled || each.kind === 'saml')
        .map((each) => ({
          id: each.id,
          kind: each.kind,
          name: each.name,
          asks_password: ['ldap', 'radius'].includes(each.kind),
        })),
    }
  if (path === '/password/check') {
    const long = input.password.length >= 12
    return {
      accepted: long,
      score: Math.min(4, Math.floor(input.password.length / 4)),
      reasons: long ? [] : ['It is shorter than 12 characters.'],
      advice: long ? [] : ['Add another unrelated word.'],
    }
  }
  if (key === 'POST /session' && b === undefined)
    return input.password === 'wrong'
      ? problem(401, 'Not signed in', 'That did not match.')
      : { challenge: 'c', factors: ['totp', 'recovery'] }
  if (path === '/session/factor') {
    signedIn = true
    return me
  }
  if (key === 'DELETE /session') {
    signedIn = false
    return null
  }
  if (!signedIn) return problem(401, 'Sign in first', 'There is no session.')
  if (method === 'GET' && path === '/providers') return { items: providers }
  if (path.startsWith('/providers/') && path.endsWith('/test'))
    return {
      ok: false,
      steps: [
        step('Configuration', 'can be read'),
        step(
          'Discovery',
          'https://id.acme.example/realms/main/.well-known/openid-configuration answers in 84 ms and names itself https://id.acme.example/realms/main',
        ),
        step('Keys', '3 keys, of which 2 sign with RS256 and ES256'),
        step(
          'Client',
          'the token endpoint says invalid_client: the secret is not the one that it knows',
          false,
        ),
      ],
    }
  if (path.startsWith('/providers')) return providers[0]
  if (path === '/sign-in/emergency')
    return {
      items: [
        { id: id('user', 8), name: 'break-glass', since: iso(NOW() - 5e9), ready: true, detail: '' },
        {
          id: id('user', 9),
          name: 'old-glass',
          since: iso(NOW() - 9e9),
          ready: false,
          detail: 'it has neither a passkey nor a password with an authenticator',
        },
      ],
    }
  if (path === '/me/outside')
    return {
      items: [
        {
          provider: id('provider', 1),
          provider_name: 'Keycloak',
          kind: 'oidc',
          name: 'anne.moreau@acme.example',
          linked_at: iso(NOW() - 9e9),
          last_used_at: iso(NOW() - 4e6),
          made_account: false,
          confirms: true,
        },
      ],
    }
  if (path === '/me' && method === 'GET') return meAs(me)
  const access = accessOf(method, path, people)
  if (access !== undefined) return access
  if (path === '/me/sessions')
    return {
      items: [
        {
          id: id('session', 1),
          current: true,
          created_at: iso(NOW() - 4e6),
          last_used_at: iso(NOW()),
          address: '10.20.0.7',
          user_agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/142',
          method: 'password+totp',
        },
        {
          id: id('session', 2),
          current: false,
          created_at: iso(NOW() - 4e7),
          last_used_at: iso(NOW() - 3e6),
          address: '10.20.0.31',
          user_agent: 'Mozilla/5.0 (iPhone)',
          method: 'password+totp',
        },
      ],
    }
  if (path === '/me/factors') return { totp: true, recovery_codes_left: 3, fresh_until: iso(NOW() + 5e5) }
  const machines = machinesOf(path)
  if (machines !== undefined) return machines
  const rights = rightsOf(path, query)
  if (rights !== undefined) return rights
  if (path === '/users' && method === 'GET') return { items: people }
  if (path === '/users')
    return { path: '/claim#9vQ2mS4k0rWx7uYtA1bC3dE5fG6hI8jK', expires_at: iso(NOW() + 864e5) }
  if (path === '/invitations')
    return {
      items: [
        {
          id: id('invite', 1),
          kind: 'invitation',
          name: 'j.ito',
          display_name: 'Jun Ito',
          role: 'operator',
          created_at: iso(NOW() - 36e5),
          created_by: me.name,
          expires_at: iso(NOW() + 828e5),
          expired: false,
        },
      ],
    }
  if (path === '/views')
    return {
      items: [
        {
          id: id('view', 1),
          list: 'problems',
          name: 'Paris, critical',
          filter: 'state:critical host:par-*',
          scope: '',
          sort: '-since',
          shared: true,
          owner: me.name,
          mine: true,
          created_at: iso(NOW() - 9e8),
          revision: 1,
        },
      ],
    }
  if (path === '/overview') {
    const count = (s) => checks.filter((each) => each.status === s).length
    return {
      problems: {
        critical: count('critical'),
        warning: count('warning'),
        unknown: count('unknown'),
        handled: checks.filter((each) => each.handled).length,
        ok: count('ok'),
        pending: count('pending'),
      },
      hosts: hosts.map((host) => ({
        id: host.id,
        name: host.name,
        status: host.status,
        problems: host.problems.critical + host.problems.warning + host.problems.unknown,
        connected: host.connected,
      })),
      agents: { connected: 60, silent: 2, quarantined: 1, revoked: 1 },
      open: sorted().filter((each) => !each.handled && !['ok', 'pending'].includes(each.status)),
      events: events().slice(0, 20),
      self_checks: selfChecks,
      now: iso(NOW()),
    }
  }
  if (key === 'GET /checks' && b === undefined)
    return page(
      sorted().filter(
        (each) =>
          matches(each, query.get('filter') ?? '') &&
          (!query.get('host') || each.host.id === query.get('host')),
      ),
      query,
    )
  if (path === '/problems')
    return page(
      sorted().filter(
        (each) =>
          !['ok', 'pending'].includes(each.status) &&
          matches(each, query.get('filter') ?? '') &&
          (!query.get('host') || each.host.id === query.get('host')),
      ),
      query,
    )
  if (path === '/filter/complete') {
    const word = (query.get('q') ?? '').split(' ').at(-1).replace(/^-/, '')
    const offers = word.startsWith('state:')
      ? Object.keys(rank).map((each) => [`state:${each}`, 'state'])
      : word.startsWith('host:')
        ? hostNames.map((each) => [`host:${each}`, 'host'])
        : [
            ...['state:', 'host:', 'check:', 'kind:', 'type:', 'field.group:'].map((each) => [each, '…']),
            ...['handled', 'acknowledged', 'downtime', 'flapping', 'nodata'].map((each) => [
              each,
              'only these',
            ]),
          ]
    return {
      items: offers
        .filter(([value]) => value.startsWith(word) && value !== word)
        .slice(0, 20)
        .map(([value, label]) => ({ value, label })),
    }
  }
  if (key === 'GET /checks') {
    const check = checks.find((each) => each.id === b)
    if (!check) return problem(404, 'Not found', 'There is no such check.')
    return {
      ...check,
      long_output: check.kind === 'plugin' ? 'openssl 3.0.17-1 → 3.0.18-1\nlibc6 2.36-9 → 2.36-10' : '',
      metrics:
        check.key === 'load'
          ? [
              { label: 'load5_per_core', value: 0.14, unit: '', warn: '2', crit: '4' },
              { label: 'load5', value: 1.1, unit: '', warn: '2', crit: '4' },
            ]
          : check.key.startsWith('disk')
            ? [{ label: 'used', value: 41, unit: '%', warn: '85', crit: '95' }]
            : [{ label: 'time', value: 0.084, unit: 's', warn: '0.5', crit: '2' }],
      interval_s: 60,
      retry_interval_s: 12,
      runner: check.kind === 'builtin' ? undefined : hosts[0].agent,
      spec: check.kind === 'probe' ? { kind: 'http', url: 'https://shop.example/' } : {},
      notifications_sent: 1,
      revision: 4,
    }
  }
  if (key === 'GET /hosts' && b === undefined)
    return page(
      hosts
        .filter((host) =>
          JSON.stringify(host)
            .toLowerCase()
            .includes((query.get('q') ?? '').toLowerCase()),
        )
        .sort((x, y) => x.name.localeCompare(y.name)),
      query,
    )
  if (key === 'GET /hosts' && c === undefined)
    return hosts.find((each) => each.id === b) ?? problem(404, 'Not found', 'There is no such host.')
  if (key === 'GET /hosts' && c === 'inventory') {
    const section = path.split('/')[4]
    if (section === undefined)
      return {
        items: Object.entries(inventory).map(([name, items]) => ({ section: name, items: items.length })),
      }
    return page((inventory[section] ?? []).map(stamp), query)
  }
  if (key === 'GET /hosts' && c === 'series') return { items: series }
  if (key === 'GET /hosts' && c === 'range') {
    const [name, from, to, step] = [
      query.get('name'),
      Date.parse(query.get('from')),
      Date.parse(query.get('to')),
      Number(query.get('step_ms')),
    ]
    return {
      from: iso(from),
      to: iso(to),
      step_ms: step,
      series: series
        .filter((each) => (name.endsWith('.') ? each.name.startsWith(name) : each.name === name))
        .map((each) => ({ ...each, tier: 'raw', points: points(each, from, to, step) })),
    }
  }
  if (key === 'PUT /hosts') {
    const host = hosts.find((each) => each.id === b)
    Object.assign(host, input, { revision: host.revision + 1 })
    return host
  }
  if (path === '/events')
    return page(
      events().filter(
        (each) =>
          (!query.get('host') || each.host.id === query.get('host')) &&
          (!query.get('check') || each.check === query.get('check')) &&
          (!query.get('kind') || query.get('kind').split(',').includes(each.kind)),
      ),
      query,
    )
  if (path === '/acknowledgements' || path === '/acknowledgements/remove') {
    for (const check of checks.filter((each) => input.checks.includes(each.id))) {
      check.acknowledgement = path.endsWith('remove')
        ? undefined
        : { by: me.name, at: iso(NOW()), note: input.note, sticky: input.sticky }
      check.handled = !!check.acknowledgement
      send('check', check)
    }
    return { done: input.checks.length, failed: [], made: [] }
  }
  if (['/rechecks', '/comments'].includes(path)) return { done: input.checks.length, failed: [], made: [] }
  if (key === 'POST /downtimes') return { done: input.targets.length, failed: [], made: [] }
  if (path === '/downtimes')
    return {
      items: [
        {
          id: id('downtime', 1),
          host: { id: hosts[0].id, name: 'web-01' },
          start_at: iso(NOW() + 8e7),
          end_at: iso(NOW() + 9e7),
          note: 'Kernel update',
          created_by: 'a.moreau',
          active: false,
        },
      ],
    }
  if (key === 'GET /agents' && b === undefined) return { items: agents, total: agents.length }
  if (key === 'GET /agents' && c === 'executions')
    return page(
      Array.from({ length: 14 }, (_, i) => ({
        id: id('exec', i),
        kind: 'plugin',
        what: pick(['check_apt', 'check_http', 'http']),
        argv: ['/usr/lib/nagios/plugins/check_apt'],
        sha256: 'ab',
        grade: i % 5 ? 'full' : 'no-landlock-net',
        outcome: i % 6 ? 'exit:0' : 'timeout',
        started_at: iso(NOW() - i * 60_000),
        duration_ms: 40 + i * 13,
      })),
      query,
    )
  if (key === 'GET /agents')
    return agents.find((each) => each.id === b) ?? problem(404, 'Not found', 'There is no such agent.')
  if (key === 'POST /agents') {
    const agent = agents.find((each) => each.id === b)
    agent.standing = c === 'revoke' ? 'revoked' : 'active'
    return agent
  }
  if (key === 'GET /enrolment-tokens') return { items: tokens }
  if (key === 'POST /enrolment-tokens')
    return {
      id: id('token', 9),
      line: `watchkeep-agent enrol --server watchkeep.example:8444 --token wke_${'k3x9'.repeat(8)} --ca-sha256 ${'4f2a'.repeat(16)}`,
      expires_at: iso(NOW() + 3.6e6),
    }
  if (path === '/audit')
    return page(
      audit.filter((each) =>
        ['actor', 'action', 'object', 'outcome'].every(
          (name) => !query.get(name) || each[name].includes(query.get(name)),
        ),
      ),
      query,
    )
  if (path === '/audit/verify')
    return { entries: 420, root_hash: '7f3a9c'.repeat(10), intact: true, findings: [] }
  if (path === '/system') return system()
  if (path === '/certificates') return { items: certificates }
  if (key === 'GET /channels') return { items: channels }
  if (path === '/notifications') return page(notifications, query)
  if (key.endsWith('/channels')) return channels[0]
  return method === 'DELETE' ? null : problem(404, 'Not found', 'There is no such route.')
}

function send(kind, data) {
  for (const stream of streams) stream.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
}

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://x')
  if (url.pathname === '/api/v1/live') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(': hello\n\n')
    streams.add(response)
    request.on('close', () => streams.delete(response))
    return
  }
  if (url.pathname === '/__as') {
    ask(url.searchParams)
    response.end()
    return
  }
  if (url.pathname === '/__drop') {
    for (const stream of streams) stream.destroy()
    response.end()
    return
  }
  if (url.pathname.startsWith('/api/v1/')) {
    let raw = ''
    for await (const chunk of request) raw += chunk
    const answer = await api(
      request.method,
      url.pathname.slice(7),
      url.searchParams,
      raw === '' ? {} : JSON.parse(raw),
    )
    const status = answer?.__status ?? (answer === null ? 204 : 200)
    response.writeHead(status, {
      'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json',
      'Cache-Control': 'no-store',
    })
    response.end(answer === null ? undefined : JSON.stringify(answer))
    return
  }
  const nonce = Math.random().toString(36).slice(2)
  response.setHeader(
    'Content-Security-Policy',
    `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types app`,
  )
  const name = url.pathname.slice(1)
  try {
    if (extname(name) === '') throw new Error('page')
    const file = await readFile(new URL(name, dist))
    response.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream' })
    response.end(file)
  } catch {
    const html = await readFile(new URL('index.html', dist), 'utf8')
    response.writeHead(200, { 'Content-Type': types['.html'] })
    response.end(html.replaceAll('__CSP_NONCE__', nonce))
  }
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`))
