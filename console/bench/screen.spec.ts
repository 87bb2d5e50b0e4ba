// From a result to the screen: how long until a person sees what a probe just found, and how long until the console
// stands on the screen. Real server, real agent, real browser; `cargo xtask bench screen` starts them.
//
// The probe asks a small web server of ours that turns its answer over at each request and notes when it answered. The
// page notes when the row says the new state. What lies between is the whole way: agent, spool, link, judgement, commit,
// stream, paint.

import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, expect, it } from 'vitest'
import { claimLink, closeBrowser, openPage, totp } from '../e2e/helpers'

const ROUNDS = 100
const run = promisify(execFile)

function need(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: run \`cargo xtask bench screen\``)
  return value
}

/** The server's own command line, on its local socket. */
async function watchkeep(...args: string[]): Promise<string> {
  const { stdout } = await run(need('WATCHKEEP_PROGRAM'), ['--data', need('WATCHKEEP_DATA'), ...args])
  return stdout
}

async function claim(page: Page): Promise<void> {
  await page.goto(claimLink())
  await page.getByLabel('Sign-in name').fill('bench')
  await page.getByLabel('Your name').fill('Bench')
  await page.getByLabel('Password', { exact: true }).fill('copper harbour lattice 73 wren')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  await page.getByText('Type the secret by hand').click()
  const secret = (await page.getByRole('region', { name: /Secret for/ }).innerText()).trim()
  await page.getByLabel('Six-digit code').fill(totp(secret))
  await page.getByRole('button', { name: 'Confirm' }).click()
  await page.getByRole('checkbox', { name: /I keep these codes/ }).check()
  await page.getByRole('button', { name: 'Open the console' }).click()
  await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
}

/** When the row says the word, in milliseconds since the epoch as the page's clock has it. */
function said(page: Page, word: string): Promise<number> {
  return page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const look = () => {
          const row = [...document.querySelectorAll('[role="row"]')].find((each) =>
            each.textContent?.includes('turncoat'),
          )
          if (!row?.textContent?.toLowerCase().includes(wanted)) return false
          requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()))
          return true
        }
        if (look()) return
        const watch = new MutationObserver(() => {
          if (look()) watch.disconnect()
        })
        watch.observe(document.body, {
          childList: true,
          subtree: true,
          characterData: true,
          attributes: true,
        })
      }),
    word,
  )
}

const figure = (name: string, value: number, unit: string, budget: number) =>
  process.stdout.write(`${JSON.stringify({ name, value, unit, budget, ok: value <= budget })}\n`)

afterAll(closeBrowser)

it('shows a result', { timeout: 300_000 }, async () => {
  let good = true
  let answered = 0
  const target = createServer((_, response) => {
    response.statusCode = good ? 200 : 503
    response.end()
    answered = Date.now()
  })
  await new Promise<void>((listening) => target.listen(0, '127.0.0.1', listening))
  const { port } = target.address() as AddressInfo

  const { page, context } = await openPage({ signedIn: false })
  await claim(page)
  const hosts: { name: string }[] = JSON.parse(await watchkeep('--json', 'host', 'list'))
  const host = hosts[0]?.name ?? ''
  const spec = JSON.stringify({ kind: 'http', url: `http://127.0.0.1:${port}/` })
  const how = ['--title', 'turncoat', '--interval', '3600s', '--attempts', '1']
  await watchkeep('check', 'add', host, 'http:turncoat', spec, ...how)
  const checks: { id: string; title: string }[] = JSON.parse(await watchkeep('--json', 'check', 'list'))
  const check = checks.find((each) => each.title === 'turncoat')?.id ?? ''

  await page.goto('/hosts')
  await page.getByRole('grid', { name: 'Hosts' }).getByRole('row').nth(1).click()
  await page.getByRole('link', { name: 'Open the host page' }).click()
  await page.getByRole('row', { name: /turncoat/ }).waitFor()

  const took: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    good = round % 2 === 1
    const seen = said(page, good ? 'ok' : 'critical')
    await watchkeep('check', 'run', check)
    took.push((await seen) - answered)
  }
  took.sort((a, b) => a - b)
  const at = (part: number) => took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN
  expect(took[0], 'the page cannot know before the target has answered').toBeGreaterThan(0)
  figure('result to screen: median', at(0.5), 'ms', 250)
  figure('result to screen: p99', at(0.99), 'ms', 250)

  // First load: a person with an empty cache opens the console.
  const loads: number[] = []
  for (let round = 0; round < 5; round++) {
    const fresh = await (await context.browser())?.newContext({
      ignoreHTTPSErrors: true,
      storageState: await context.storageState(),
    })
    if (fresh === undefined) throw new Error('the browser is gone')
    const first = await fresh.newPage()
    const began = performance.now()
    await first.goto(new URL('/', page.url()).href)
    await first.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    loads.push(performance.now() - began)
    await fresh.close()
  }
  loads.sort((a, b) => a - b)
  figure('console: first load, median of 5', loads[2] ?? Number.NaN, 'ms', 1000)
  await context.close()
  target.close()
})
