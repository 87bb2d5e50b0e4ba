// What the stand-in server answers about tenants, rules for passwords, conditions, factors and sessions.
//
// A picture of a state that passes asks for it first: GET /__as?banner=attack,read-only or /__as?me=change,enrol.

const id = (prefix, n) => `${prefix}_01k9z${String(n).padStart(21, '0')}`
const ago = (ms) => new Date(Date.now() - ms).toISOString()
const ahead = (ms) => new Date(Date.now() + ms).toISOString()
const HOUR = 3.6e6
const DAY = 24 * HOUR

const root = 'tenant_00000000000000000000000000'
const tenant = (n, name, parent, depth, title, change = {}) => ({
  id: n === 0 ? root : id('tenant', n),
  parent,
  name,
  title,
  depth,
  hosts: 40 - n * 6,
  people: 6 - n,
  channels: n === 0 ? 3 : 1,
  read_only: false,
  closed: false,
  why: '',
  may_write: true,
  may_switch: true,
  revision: 1,
  ...change,
})
const shut = { read_only: true, closed: true, why: 'Year-end freeze until 3 January' }
const tenants = [
  tenant(0, 'All', undefined, 0, 'All'),
  tenant(1, 'Europe', root, 1, 'Europe', shut),
  tenant(2, 'Paris', id('tenant', 1), 2, 'Europe / Paris', { closed: true, why: shut.why }),
  tenant(
    3,
    'A customer with a very long name, Limited',
    id('tenant', 2),
    3,
    'Europe / Paris / A customer with a very long name, Limited',
    {
      hosts: 0,
      people: 0,
      channels: 0,
      closed: true,
      why: shut.why,
    },
  ),
  tenant(4, 'Asia', root, 1, 'Asia', { people: 1, hosts: 1 }),
]

const knob = (key, title, value, least, most, allowed, clause, change = {}) => ({
  key,
  title,
  value,
  least,
  most,
  allowed,
  clause,
  switch: false,
  none: false,
  ...change,
})
const profile = (name, detail, clause, chars) => ({
  name,
  detail,
  knobs: [
    knob(
      'chars_min',
      'Characters at least, beside a second factor',
      chars,
      chars,
      64,
      `${chars} to 64`,
      clause,
    ),
    knob('classes', 'Kinds of characters at least', 0, 0, 0, 'nothing else', `${clause} forbids it`, {
      none: true,
    }),
    knob('expires_days', 'Days until it must be changed', 0, 0, 365, 'none, or 30 to 365', clause, {
      none: true,
    }),
    knob('history', 'Passwords before that are refused', 4, 0, 24, '0 to 24', clause),
    knob('breached', 'Refuse what is on the list of breached passwords', 1, 1, 1, 'always on', clause, {
      switch: true,
    }),
    knob('failures_max', 'Failures until the account is closed', 100, 3, 100, '3 to 100', clause, {
      none: true,
    }),
  ],
})
const profiles = [
  profile(
    'nist',
    'NIST SP 800-63B: long, not known to be stolen, and never changed without a reason.',
    'SP 800-63B 3.1.1.2',
    8,
  ),
  profile('bsi', 'BSI ORP.4: two ways to be good, changed when there is a sign.', 'ORP.4.A22', 8),
  profile('pci', 'PCI DSS 4.0.1: twelve characters, letters and digits.', 'PCI DSS 8.3.6', 12),
  profile('own', 'Each knob as one likes, from 8 characters.', 'own', 8),
]
const rules = [
  'At least 15 characters, or 8 beside a second factor.',
  'Not on the list of breached passwords.',
  'Not one of the last 4.',
]
const policies = {
  attack_until: null,
  blocklist_entries: 1_284_500_312,
  blocklist_made_at: ago(20 * DAY),
  blocklist_trouble: null,
  profiles,
  policies: [
    {
      scope: 'default',
      profile: 'nist',
      knobs: { history: 6 },
      values: {},
      rules,
      changed_by: 'a.moreau',
      changed_at: ago(3 * DAY),
    },
    {
      scope: 'role:admin',
      profile: 'pci',
      knobs: {},
      values: {},
      rules,
      changed_by: 's.okafor',
      changed_at: ago(9 * DAY),
    },
  ],
}

const session = (n, user_agent, change = {}) => ({
  id: id('session', n),
  current: false,
  created_at: ago(n * 3 * HOUR),
  last_used_at: ago(n * HOUR),
  address: n % 2 ? '10.20.0.31' : '2001:db8:4f2a:91c3:77d0:12ab:9e4f:c0de',
  user_agent,
  method: 'password+totp',
  ...change,
})
const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18.1 Mobile Safari/604'

let asked = { banner: [], me: [] }
/** Turns the states on that the next picture is of. */
export const ask = (query) => {
  asked = {
    banner: (query.get('banner') ?? '').split(','),
    me: (query.get('me') ?? '').split(','),
  }
}
/** The person who is signed in, as asked for. */
export const meAs = (me) => ({
  ...me,
  must_enrol: asked.me.includes('enrol'),
  must_change_password: asked.me.includes('change') ? 'It is older than 90 days, and may be no older' : null,
  sign_in_attack_until: asked.banner.includes('attack') ? ahead(9e5) : null,
  permissions: asked.me.includes('enrol') || asked.me.includes('change') ? [] : me.permissions,
})

/** The answer, or `undefined` where this is about something else. */
export const accessOf = (method, path, people) => {
  if (path === '/summary')
    return {
      problems: { critical: 3, warning: 4, unknown: 1, handled: 2, ok: 180, pending: 1 },
      hosts: { total: 62, ok: 51, warning: 4, critical: 3, unknown: 2, pending: 2 },
      agents: { connected: 60, silent: 2, quarantined: 1, revoked: 1 },
      self_checks: [],
      read_only: asked.banner.includes('read-only')
        ? [
            { name: '', why: 'The database moves tonight' },
            { tenant: id('tenant', 1), name: 'Europe', why: shut.why },
          ]
        : [],
      now: ago(0),
    }
  if (path === '/tenants') return method === 'GET' ? { items: tenants } : tenants[4]
  if (/^\/tenants\/[^/]+\/move$/.test(path))
    return {
      tenants: 2,
      hosts: 28,
      channels: 2,
      gains: ['Asia'],
      loses: ['Europe'],
      channels_gained: ['Asia on call'],
      channels_lost: [],
      closed_after: false,
      stranded: [],
    }
  if (path.startsWith('/tenants/')) return method === 'DELETE' ? null : tenants[4]
  if (path === '/policies/password') return method === 'GET' ? policies : policies.policies[0]
  if (path === '/policies/password/preview') return { accounts: 5, must_change: 2, may_change: 1, rules }
  if (path === '/policies/password/remove') return null
  if (path === '/admin-conditions')
    return {
      address: '10.20.0.7',
      certificate: null,
      conditions: { factor: 'any', networks: ['10.20.0.0/16'], device: false, actions: [] },
      default_actions: [
        'user.write',
        'access.write',
        'condition.write',
        'tenant.write',
        'provider.write',
        'service.write',
      ],
      device_enrolled: false,
      method: 'password+totp',
      seen_networks: ['10.20.0.0/16', '192.0.2.0/24', '2001:db8:4f2a::/48'],
      unmet: null,
      way_back: 'watchkeep conditions clear',
    }
  if (path === '/console-clients')
    return {
      mode: 'ask',
      authorities: [{ subject: 'CN=Acme Staff CA 2, O=Acme GmbH, C=DE', not_after: ahead(400 * DAY) }],
      certificate: null,
      revocation_lists: 1,
      way_back: 'watchkeep console-clients off',
    }
  if (path === '/me/passkeys')
    return {
      items: [
        {
          id: 'k1',
          name: 'YubiKey 5C',
          rp_id: '127.0.0.1',
          synced: false,
          works_here: true,
          created_at: ago(90 * DAY),
          last_used_at: ago(HOUR),
        },
        {
          id: 'k2',
          name: 'Phone',
          rp_id: 'watch.acme.example',
          synced: true,
          works_here: false,
          created_at: ago(30 * DAY),
          last_used_at: null,
        },
      ],
    }
  if (path === '/me/devices')
    return {
      items: [
        {
          id: id('device', 1),
          name: 'Laptop',
          user_agent: firefox,
          address: '10.20.0.7',
          current: true,
          created_at: ago(20 * DAY),
          last_used_at: ago(HOUR),
          expires_at: ahead(70 * DAY),
        },
      ],
    }
  if (path === '/me/browsers')
    return {
      items: [
        {
          id: id('browser', 1),
          current: true,
          user_agent: firefox,
          address: '10.20.0.7',
          first_seen_at: ago(60 * DAY),
          last_used_at: ago(HOUR),
        },
        {
          id: id('browser', 2),
          current: false,
          user_agent: phone,
          address: '198.51.100.20',
          first_seen_at: ago(9 * DAY),
          last_used_at: ago(2 * DAY),
        },
      ],
    }
  if (path === '/me/factors' && method === 'GET')
    return {
      totp: true,
      passkeys: 2,
      must_enrol: asked.me.includes('enrol'),
      recovery_codes_left: 3,
      fresh_until: ahead(5e5),
      removal: null,
    }
  if (/^\/users\/[^/]+\/sessions$/.test(path))
    return method === 'GET'
      ? { items: [session(3, firefox), session(4, phone, { method: 'passkey' })] }
      : null
  if (path === '/factor-removals')
    return {
      items: [
        {
          user: people[1].id,
          user_name: people[1].name,
          factor: 'totp',
          asked_by: people[1].name,
          asked_at: ago(HOUR),
          due_at: ahead(71 * HOUR),
        },
      ],
    }
  return undefined
}
