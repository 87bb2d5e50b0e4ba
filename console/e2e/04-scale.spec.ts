// Ten thousand hosts and half a million checks: the browser holds what is on the screen, whatever the installation holds.
// The session is real; the lists are invented, since no test can wait for so many machines.

import type { Page, Route } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, expectAccessible, openPage } from './helpers'

const HOSTS = 10_000
const CHECKS = 500_000
const id = (prefix: string, n: number) => `${prefix}_01k9z${String(n).padStart(21, '0')}`
const states = ['critical', 'warning', 'unknown', 'ok', 'pending'] as const
// What a machine may say of itself: markup, a formula, an override of the reading direction, marks that pile up.
const hostile = '<img src=x onerror=alert(1)> =1+1 \u202Egnp.exe Z\u0351\u0351\u0351\u0351\u0351 {{7*7}}'

const check = (n: number) => ({
  id: id('check', n),
  host: { id: id('host', n % HOSTS), name: `host-${n % HOSTS}` },
  key: `tcp:${n}`,
  title: `Check ${n}`,
  kind: 'probe',
  status: states[n % 3],
  state_type: 'hard',
  attempt: 3,
  max_attempts: 3,
  since: '2026-11-21T10:00:00Z',
  last_checked_at: '2026-11-21T10:00:00Z',
  output: n % 2 === 0 ? hostile : 'refused',
  flapping: false,
  in_downtime: false,
  handled: false,
  enabled: true,
  can_recheck: true,
})

interface Asked {
  sort: string[]
  parts: number[]
}

async function invent(page: Page): Promise<Asked> {
  const asked: Asked = { sort: [], parts: [] }
  const list = (total: number, one: (n: number) => unknown) => (route: Route) => {
    const url = new URL(route.request().url())
    const from = Number(url.searchParams.get('after') ?? 0)
    const to = Math.min(total, from + Number(url.searchParams.get('limit') ?? 100))
    const sort = url.searchParams.get('sort')
    if (sort !== null) asked.sort.push(sort)
    const place = (n: number) => (sort?.startsWith('-') === true ? total - 1 - n : n)
    return route.fulfill({
      json: {
        items: Array.from({ length: to - from }, (_, i) => one(place(from + i))),
        total,
        ...(to < total ? { next: String(to) } : {}),
      },
    })
  }
  await page.route(/\/api\/v1\/(problems|checks)(\?|$)/, list(CHECKS, check))
  await page.route(
    /\/api\/v1\/hosts(\?|$)/,
    list(HOSTS, (n) => ({
      id: id('host', n),
      name: `host-${n}`,
      status: states[n % 5],
      problems: { critical: 1, warning: 0, unknown: 0, handled: 0, ok: 49, pending: 0 },
      os: hostile,
      addresses: ['192.0.2.1'],
      connected: true,
      fields: {},
      in_downtime: false,
      revision: 1,
    })),
  )
  await page.route(/\/api\/v1\/overview$/, (route) =>
    route.fulfill({
      json: {
        now: '2026-11-21T10:00:00Z',
        problems: { critical: 166_667, warning: 166_667, unknown: 166_666, ok: 0, pending: 0, handled: 0 },
        agents: { connected: HOSTS, silent: 0, quarantined: 0, revoked: 0 },
        hosts: Array.from({ length: HOSTS }, (_, n) => ({
          id: id('host', n),
          name: `host-${n}`,
          status: states[n % 5],
          problems: n % 5 < 3 ? 1 : 0,
          connected: true,
        })),
        open: Array.from({ length: 20 }, (_, n) => check(n)),
        events: [],
        self_checks: [],
      },
    }),
  )
  await page.route(/\/api\/v1\/acknowledgements$/, (route) => {
    const checks: string[] = route.request().postDataJSON().checks
    asked.parts.push(checks.length)
    return route.fulfill({ json: { done: checks.length, failed: [], made: [] } })
  })
  // Nothing real changes the invented lists.
  await page.route(/\/api\/v1\/live$/, (route) => route.abort())
  return asked
}

const nodes = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length)

describe('a large installation', () => {
  afterAll(closeBrowser)

  it('fits on the first screen', async () => {
    const watched = await openPage({ signedIn: true, expected: /ERR_FAILED/ })
    const { page } = watched
    await invent(page)
    await page.goto('/')
    await page.getByRole('img', { name: /10,000 hosts/ }).waitFor()
    expect(await nodes(page)).toBeLessThan(1500)
    await expectAccessible(page)
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })

  it('is a list one can scroll, order by the server, and act on', async () => {
    const watched = await openPage({ signedIn: true, expected: /ERR_FAILED/ })
    const { page } = watched
    const asked = await invent(page)
    await page.goto('/problems?q=')
    const grid = page.getByRole('grid', { name: 'Problems' })
    await page.getByRole('row', { name: /Check 0,/ }).waitFor()
    expect(await grid.getAttribute('aria-rowcount')).toBe(String(CHECKS + 1))
    const atRest = await nodes(page)
    expect(atRest).toBeLessThan(2000)

    // Text that comes from machines stays text, and stays in its cell.
    expect(await page.locator('[role=grid] img').count()).toBe(0)
    await page.getByText(hostile).first().waitFor()

    // The end of what was read is no end: reading goes on, and what is off the screen is not kept as nodes.
    for (const least of [1000, 1500, 2000]) {
      await grid.focus()
      await page.keyboard.press('End')
      await page.getByText(`${least.toLocaleString('en-GB')} of 500,000 rows`).waitFor()
    }
    expect(await nodes(page)).toBeLessThan(atRest + 600)

    // An order is asked of the server: nobody reads half a million rows to see the last.
    await page.getByRole('columnheader', { name: 'Check', exact: true }).getByRole('button').click()
    await page.getByRole('columnheader', { name: 'Check', exact: true }).getByRole('button').click()
    await page.getByRole('row', { name: /Check 499999,/ }).waitFor()
    expect(asked.sort).toContain('-check')
    await page.getByText('500 of 500,000 rows').waitFor()

    // As many as a person can mean at once, in parts the server takes.
    await page.getByRole('checkbox', { name: 'Select all rows' }).check()
    await page.getByRole('button', { name: 'Select the first 10,000' }).click()
    await page.getByText('10,000 selected').waitFor()
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog', { name: 'Take charge of 10,000 problems' })
    await dialog.getByText('10,000 checks on 10,000 hosts:').waitFor()
    await dialog.getByText('and 9,900 more').waitFor()
    expect(await nodes(page)).toBeLessThan(4000)
    await dialog.getByLabel('What are you doing about it?').fill('The switch of row 7 is being changed.')
    await dialog.getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText('10,000 problems acknowledged').waitFor()
    expect(asked.parts).toEqual(new Array(10).fill(1000))
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })

  it('shows its hosts, worst first when asked', async () => {
    const watched = await openPage({ signedIn: true, expected: /ERR_FAILED/ })
    const { page } = watched
    const asked = await invent(page)
    await page.goto('/hosts')
    await page.getByText('500 of 10,000 rows').waitFor()
    await page.getByRole('columnheader', { name: 'Problems' }).getByRole('button').click()
    await page.waitForURL(/sort=/)
    await page.getByText('500 of 10,000 rows').waitFor()
    expect(asked.sort.some((sort) => sort.endsWith('problems'))).toBe(true)
    expect(await nodes(page)).toBeLessThan(2000)
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})
