// Pictures of Access and of one's own account: pages, what opens over them, and states that pass.

const click =
  (name, role = 'button') =>
  async (page) => {
    await page.getByRole(role, { name }).first().click()
    await page.waitForTimeout(400)
  }
const typed = (label, text) => async (page) => {
  await page.getByLabel(label).first().fill(text)
  await page.waitForTimeout(500)
}
const each =
  (...steps) =>
  async (page) => {
    for (const step of steps) await step(page)
  }
const olga = '/access?panel=person:user_01k9z000000000000000000002'

export const accessShots = {
  person: olga,
  'person-foot': {
    path: olga,
    act: (page) => page.getByRole('button', { name: 'End all sessions' }).scrollIntoViewIfNeeded(),
  },
  'person-role': { path: olga, act: click('Change role') },
  'person-reset': { path: olga, act: click('Reset factors') },
  invite: { path: '/access', act: click('Invite a person') },
  tenants: '/access?tab=tenants',
  'tenant-add': { path: '/access?tab=tenants', act: click('Add a tenant') },
  'password-policy': '/access?tab=password-policy',
  conditions: '/access?tab=conditions',
  'group-add': { path: '/access?tab=groups', act: click('Add group') },
  'role-add': { path: '/access?tab=roles', act: click('Add role') },
  'grant-add': { path: '/access?tab=grants', act: click('Give a role') },
  'token-add': { path: '/access?tab=tokens', act: click(/service account/i) },
  'approval-agree': { path: '/access?tab=approvals', act: click(/^Agree/) },
  'me-token': { path: '/me', act: click(/token/i) },
  'me-password': { path: '/me', act: click(/Change password/) },
  attack: { path: '/', as: 'banner=attack' },
  'read-only': { path: '/hosts', as: 'banner=read-only' },
  'change-first': { path: '/', as: 'me=change' },
  'enrol-first': { path: '/', as: 'me=enrol' },
  'enrolment-add': { path: '/agents?tab=enrol', act: click('Enrol a machine') },
  'channel-add': { path: '/system?tab=notifications', act: click('Add channel') },
  'host-add': { path: '/hosts', act: click('Add host') },
  palette: {
    path: '/access',
    act: each(async (page) => page.keyboard.press('Control+k'), typed(/search|command/i, 'gra')),
  },
}
