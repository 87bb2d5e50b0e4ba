// SAML in a real browser: a sign-in method is added by its form, and somebody comes in from another site by a POST, with an
// identity provider that is not ours (pysaml2). The cookie that binds the browser is the only one sent with that POST.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, nextTotp, openPage, readPerson, type Watched } from './helpers'

const script = new URL('../../crates/saml/tests/saml/idp.py', import.meta.url).pathname
const there = 'https://idp.test'

/** Gives a fresh factor where one is asked for. */
async function confirm(page: Page): Promise<void> {
  const ask = page.getByRole('dialog', { name: 'Confirm that it is you' })
  if (
    !(await ask.waitFor({ timeout: 4_000 }).then(
      () => true,
      () => false,
    ))
  )
    return
  await ask.getByLabel('Six-digit code').fill(await nextTotp((await readPerson()).secret))
  await ask.getByRole('button', { name: 'Confirm' }).click()
}

describe('SAML', () => {
  let folder: string
  let idp: ChildProcess
  let port: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'saml-'))
    idp = spawn('/usr/bin/python3', [script, folder, there], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: idp.stdout as NodeJS.ReadableStream })
    port = await new Promise((resolve, reject) => {
      lines.once('line', (line) => resolve(line.replace('port ', '')))
      idp.once('exit', () =>
        reject(new Error('the provider did not start: apt-get install python3-pysaml2 xmlsec1')),
      )
    })
  })

  afterAll(async () => {
    idp?.stdin?.end()
    await rm(folder, { recursive: true, force: true })
    await closeBrowser()
  })

  /** The provider's pages are on another site, as far as the browser can tell. */
  async function open(options: Parameters<typeof openPage>[0]): Promise<Watched> {
    const watched = await openPage(options)
    await watched.context.route(`${there}/**`, async (route) => {
      const url = new URL(route.request().url())
      const answer = await fetch(`http://127.0.0.1:${port}${url.pathname}${url.search}`)
      await route.fulfill({ status: answer.status, contentType: 'text/html', body: await answer.text() })
    })
    return watched
  }
  const mode = (name: string) => fetch(`http://127.0.0.1:${port}/mode/${name}`)

  it('is added by pasting metadata, and tested step by step', async () => {
    const watched = await open({ signedIn: true, expected: /status of 4(03|22)/ })
    const { page } = watched
    await page.goto('/access?tab=sign-in')
    await page.getByRole('button', { name: 'Add a sign-in method' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Add a sign-in method' })
    await dialog.getByRole('combobox', { name: 'Kind' }).click()
    await page.getByRole('option', { name: 'SAML 2.0' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('Corporate')
    await dialog.getByLabel('Metadata of the provider').fill('<a/>')
    await dialog.getByLabel('Group there').fill('ops')
    await dialog
      .getByRole('button', { name: /Save|Add/ })
      .last()
      .click()
    await confirm(page)
    await dialog
      .getByText(/not the metadata of an identity provider/)
      .first()
      .waitFor()
    await dialog.getByLabel('Metadata of the provider').fill(await readFile(join(folder, 'idp.xml'), 'utf8'))
    await dialog.getByLabel('Groups', { exact: true }).first().fill('urn:oid:1.3.6.1.4.1.5923.1.1.1.1')
    await dialog.getByText('More settings').click()
    await dialog
      .getByLabel('Stands for a second factor')
      .fill('urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken')
    await dialog.getByRole('checkbox', { name: 'A second factor given there counts here' }).check()
    await look(watched, 'saml-add')
    await dialog
      .getByRole('button', { name: /Save|Add/ })
      .last()
      .click()
    await confirm(page)
    await page.getByText('Corporate is saved').waitFor()
    await page.getByRole('button', { name: 'Test' }).first().click()
    const test = page.getByRole('dialog', { name: 'Test of Corporate' })
    await test.getByText('All steps that need no person work.').waitFor()
    const metadata = await test
      .getByText(/\/providers\/idp_[0-9a-z]+\/metadata$/)
      .first()
      .innerText()
    const answer = await page.request.get(metadata.trim())
    expect(answer.status()).toBe(200)
    await writeFile(join(folder, 'sp.xml'), await answer.body())
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  }, 240_000)

  it('lets somebody in who was sent there, by a POST from another site', async () => {
    await mode('assertion+encrypted+factor')
    const watched = await open({ signedIn: false, expected: /status of 401/ })
    const { page, context } = watched
    const posts: string[] = []
    page.on('request', async (request) => {
      if (request.method() !== 'POST' || !request.url().endsWith('/callback')) return
      posts.push((await request.allHeaders()).cookie ?? '')
    })
    await page.goto('/signin')
    await page.getByRole('link', { name: 'Sign in with Corporate' }).click()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    const me = await page.request.get('/api/v1/me')
    expect(await me.json()).toMatchObject({ name: 'ada', display_name: 'Ada Lovelace' })
    expect(posts.map((cookie) => cookie.replaceAll(/=[^;]*/g, ''))).toEqual(['__Host-away'])
    const kept = await context.cookies()
    expect(kept.filter((cookie) => cookie.sameSite !== 'Strict')).toEqual([])
    expect(watched.complaints).toEqual([])
    await context.close()
  }, 120_000)

  it('refuses what nobody asked for, and asks for a factor of ours where there was none', async () => {
    await mode('assertion')
    const watched = await open({ signedIn: false, expected: /status of 401/ })
    const { page } = watched
    await page.goto(`${there}/begin`)
    await page.getByText('You are not signed in').waitFor()
    await look(watched, 'sign-in-refused')
    await page.getByRole('link', { name: 'Sign in with Corporate' }).click()
    await page.getByRole('heading', { name: 'Add a second factor' }).waitFor()
    expect((await page.request.get('/api/v1/me')).status()).toBe(401)
    await watched.context.close()
  }, 120_000)

  it('is removed, with its way in', async () => {
    const watched = await open({ signedIn: true, expected: /status of 403/ })
    const { page } = watched
    await page.goto('/access?tab=sign-in')
    await page.getByRole('button', { name: 'Remove' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Remove Corporate?' })
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await confirm(page)
    await page.getByText('Removed; the sessions').waitFor()
    await page.goto('/signin')
    expect(await page.getByText('Sign in with Corporate').count()).toBe(0)
    await watched.context.close()
  }, 60_000)
})
