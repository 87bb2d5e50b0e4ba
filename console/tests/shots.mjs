// Screenshots of every screen against the stand-in server, both themes, wide and narrow: npm run shots [name...]

import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { accessShots } from './shots-access.mjs'

const out = new URL('../test-results/shots/', import.meta.url).pathname
await mkdir(out, { recursive: true })
const port = Number(process.env.PORT ?? 4174)
const server = spawn(
  process.execPath,
  [new URL('fixture-server.mjs', import.meta.url).pathname, String(port)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
await new Promise((resolve) => server.stdout.once('data', resolve))
const base = `http://127.0.0.1:${port}`
const host = 'host_01k9z000000000000000000000'
const check = 'check_01k9z000000000000000000010'
const all = {
  ...accessShots,
  now: '/',
  problems: '/problems',
  panel: `/problems?panel=check:${check}`,
  checks: '/problems?scope=all&q=host:web-*',
  hosts: '/hosts',
  host: `/hosts/${host}`,
  graphs: `/hosts/${host}?tab=graphs`,
  inventory: `/hosts/${host}?tab=inventory&part=packages`,
  timeline: `/hosts/${host}?tab=timeline`,
  agent: `/hosts/${host}?tab=agent`,
  about: `/hosts/${host}?tab=about`,
  agents: '/agents',
  tokens: '/agents?tab=enrol',
  evidence: '/evidence?panel=audit:419',
  access: '/access',
  invitations: '/access?tab=invitations',
  apitokens: '/access?tab=tokens',
  approvals: '/access?tab=approvals',
  reviews: '/access?tab=reviews',
  review: '/access?tab=reviews&open=review_01k9z000000000000000000002',
  methods: '/access?tab=sign-in',
  groups: '/access?tab=groups',
  roles: '/access?tab=roles',
  grants: '/access?tab=grants',
  explain: '/access?tab=explain',
  system: '/system',
  certificates: '/system?tab=certificates',
  channels: '/system?tab=notifications',
  signin: '/signin',
  claim: '/claim#token',
  me: '/me',
}
const wanted = process.argv.slice(2)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
  for (const theme of ['light', 'dark']) {
    for (const [size, width, height] of [
      ['wide', 1440, 900],
      ['narrow', 390, 844],
    ]) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        locale: 'en-GB',
      })
      context.setDefaultTimeout(3000)
      context.setDefaultNavigationTimeout(30_000)
      const page = await context.newPage()
      page.on(
        'console',
        (message) => message.type() === 'error' && console.log(`${theme} ${size}: ${message.text()}`),
      )
      page.on('pageerror', (error) => console.log(`${theme} ${size}: ${error.stack}`))
      for (const [name, what] of Object.entries(all)) {
        if (wanted.length > 0 && !wanted.includes(name)) continue
        await page.goto('about:blank')
        const { path, as = '', act } = typeof what === 'string' ? { path: what } : what
        await fetch(`${base}/__as?${as}`)
        await page.goto(base + path)
        await page.waitForTimeout(name === 'graphs' ? 1500 : 700)
        await act?.(page)?.catch((error) =>
          console.log(`${name} ${theme} ${size}: ${error.message.split('\n')[0]}`),
        )
        await page.screenshot({ path: `${out}${name}-${theme}-${size}.png` })
      }
      await context.close()
    }
  }
} finally {
  await browser.close()
  server.kill()
}
