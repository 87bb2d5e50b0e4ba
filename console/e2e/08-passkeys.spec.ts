// Passkeys, with Chromium's own authenticator: registered, used alone and as a second step, and as the fresh factor; what
// administration asks for; and what another site can do, which is nothing.

import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { baseUrl, closeBrowser, look, nextTotp, openPage, readPerson, type Watched } from './helpers'

const run = promisify(execFile)

/** A passkey belongs to a name, so this story happens under one. */
const named = (): string => {
  const url = new URL(baseUrl())
  url.hostname = 'localhost'
  return url.origin
}

/** A phone's authenticator, as far as the page can tell. */
async function withKey(
  context: BrowserContext,
  page: Page,
): Promise<{ id: string; verified(yes: boolean): Promise<void> }> {
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    id: authenticatorId,
    verified: async (yes) => {
      await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: yes })
    },
  }
}

const command = async (...words: string[]): Promise<void> => {
  const { WATCHKEEP_BIN: program, WATCHKEEP_DATA: data } = process.env
  if (program === undefined || data === undefined) {
    throw new Error('WATCHKEEP_BIN and WATCHKEEP_DATA are not set: `cargo xtask test` sets them')
  }
  await run(program, ['--data', data, ...words])
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Account menu/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
}

async function signInWithCode(page: Page): Promise<void> {
  const person = await readPerson()
  await page.goto(`${named()}/me`)
  await page.getByLabel('Name', { exact: true }).fill(person.name)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Second factor' }).waitFor()
  // Who has a passkey here is offered it first.
  const instead = page.getByRole('button', { name: 'Use the authenticator' })
  if ((await instead.count()) > 0) await instead.click()
  await page.getByLabel('Six-digit code').fill(await nextTotp(person.secret))
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Account' }).waitFor()
}

describe('passkeys', () => {
  let watched: Watched
  let key: Awaited<ReturnType<typeof withKey>>

  afterAll(async () => {
    await watched?.context.close()
    await closeBrowser()
  })

  it('are registered on the personal page, and open the console without a name or password', async () => {
    watched = await openPage({ signedIn: false, expected: /status of 4(01|03|09|22)/ })
    const { page, context } = watched
    key = await withKey(context, page)
    await signInWithCode(page)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a passkey' })
    await dialog.getByLabel('Name of the passkey').fill('Work laptop')
    await look(watched, 'passkey-add')
    await dialog.getByRole('button', { name: 'Make a passkey' }).click()
    await page.getByText('Passkey added').waitFor()
    await page.getByText('Work laptop').waitFor()
    await page.getByText(/Elevated for/).waitFor()
    await look(watched, 'account-passkeys')

    await signOut(page)
    await look(watched, 'sign-in-passkey')
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    expect(watched.complaints).toEqual([])
  }, 240_000)

  it('are the second step after the password, and the fresh factor for dangerous acts', async () => {
    const { page } = watched
    const person = await readPerson()
    await signOut(page)
    await page.getByLabel('Name', { exact: true }).fill(person.name)
    await page.getByLabel('Password', { exact: true }).fill(person.password)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Second factor' }).waitFor()
    await look(watched, 'sign-in-factor-passkey')
    await key.verified(false)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByRole('alert').waitFor()
    await key.verified(true)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()

    // The ten minutes are shown, and ended.
    await page.getByRole('button', { name: 'End now' }).click()
    await page.getByText('Dangerous acts ask again').waitFor()
    expect(await page.getByText(/Elevated for/).count()).toBe(0)
    await page.goto(`${named()}/me`)
    await page.getByRole('button', { name: 'New recovery codes' }).click()
    await page.getByRole('button', { name: 'Make new codes' }).click()
    const ask = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await ask.getByRole('button', { name: 'Use a passkey' }).click()
    const shown = page.getByRole('dialog', { name: 'Your new recovery codes' })
    await shown.getByRole('checkbox', { name: /I keep these codes/ }).check()
    await shown.getByRole('button', { name: 'Done' }).click()
    await page.getByText(/Elevated for/).waitFor()
    expect(watched.complaints).toEqual([])
  }, 240_000)

  it('enrol a device, which administration can ask for, as it can for a network', async () => {
    const { page } = watched
    await page.goto(`${named()}/access?tab=conditions`)
    await page.getByLabel('Authorised networks').waitFor()
    await look(watched, 'conditions')
    const save = page.getByRole('button', { name: 'Save the conditions' })
    await page.getByLabel('From enrolled devices alone').check()
    await save.click()
    await page.getByText(/would lock you out/).waitFor()
    await look(watched, 'conditions-refused')

    await page.goto(`${named()}/me`)
    await page.getByRole('button', { name: 'Enrol this browser' }).click()
    const dialog = page.getByRole('dialog', { name: 'Enrol this browser' })
    await dialog.getByLabel('Name of this browser').fill('Desk')
    await dialog.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByText('This browser is enrolled').waitFor()
    await page.goto(`${named()}/access?tab=conditions`)
    await page.getByLabel('From enrolled devices alone').check()
    await save.click()
    await page.getByText('Conditions saved').waitFor()

    // Another browser of the same person, and then another network.
    const other = await openPage({ signedIn: false, expected: /status of 4(01|03)/ })
    const invite = async (context: BrowserContext): Promise<{ status: number; type: string }> => {
      const answer = await context.request.post(`${named()}/api/v1/users`, {
        data: { name: `nobody-${Date.now()}`, display_name: '', role: 'viewer' },
      })
      return { status: answer.status(), type: ((await answer.json()) as { type?: string }).type ?? '' }
    }
    await signInWithCode(other.page)
    expect(await invite(other.context)).toEqual({ status: 403, type: '/problems/condition' })
    await other.context.close()
    expect((await invite(watched.context)).status).toBe(200)
    await command('admin-conditions', 'set', '--network', '192.0.2.0/24')
    // Another server of the same database may know a second later.
    await page.waitForTimeout(1_500)
    expect(await invite(watched.context)).toEqual({ status: 403, type: '/problems/condition' })
    await command('admin-conditions', 'reset')
    await page.waitForTimeout(1_500)
    expect((await invite(watched.context)).status).toBe(200)
    expect(watched.complaints).toEqual([])
  }, 300_000)

  it('let somebody join without any application', async () => {
    const invited = await watched.context.request.post(`${named()}/api/v1/users`, {
      data: { name: 'p.key', display_name: 'Paula Key', role: 'viewer' },
    })
    const { path } = (await invited.json()) as { path: string }
    const fresh = await openPage({ signedIn: false, expected: /status of 4/ })
    const { page, context } = fresh
    await withKey(context, page)
    await page.goto(named() + path)
    await page.getByLabel('Password', { exact: true }).fill('umbrella fjord cactus 77 pillow')
    await page.getByText(/strong|Accepted/i).waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Make a passkey instead' }).waitFor()
    await look(fresh, 'claim-passkey')
    await page.getByRole('button', { name: 'Make a passkey instead' }).click()
    await page.getByRole('heading', { name: 'Keep your recovery codes' }).waitFor()
    await page.getByRole('checkbox', { name: /I keep these codes/ }).check()
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    await signOut(page)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()

    // The last factor does not go at once, and can be kept.
    await page.goto(`${named()}/me`)
    await page.getByRole('button', { name: 'Remove the passkey My first passkey' }).click()
    await page.getByText(/goes after 24 hours/).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByText(/is being removed/).waitFor()
    await look(fresh, 'account-factor-removal')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('Your second factor stays').waitFor()
    await context.close()
  }, 240_000)
})

describe('another site', () => {
  afterAll(closeBrowser)

  it('cannot act with my session, frame the console, read what it says, or use a cookie after it ended', async () => {
    const watched = await openPage({ signedIn: false, expected: /.*/ })
    const { page, context } = watched
    await signInWithCode(page)
    const cookies = await context.cookies(named())
    const session = cookies.find((each) => each.name === '__Host-sid')
    expect([session?.httpOnly, session?.secure, session?.sameSite]).toEqual([true, true, 'Strict'])
    expect(await page.evaluate(() => document.cookie)).not.toContain('sid')

    const target = named()
    const evil = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end(`<!doctype html><title>evil</title>
        <iframe id="frame" src="${target}/me"></iframe>
        <form id="form" method="post" enctype="text/plain" action="${target}/api/v1/me/sessions"></form>`)
    })
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
    const site = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`
    const thief = await context.newPage()
    await thief.goto(site)
    const outcome = await thief.evaluate(async (to) => {
      const tried: Record<string, string> = {}
      const attempt = async (name: string, init: RequestInit, path: string) => {
        try {
          const answer = await fetch(to + path, { credentials: 'include', ...init })
          tried[name] = answer.type === 'opaque' ? 'opaque' : `${answer.status}`
        } catch {
          tried[name] = 'refused'
        }
      }
      await attempt('read', {}, '/api/v1/me')
      await attempt('read blindly', { mode: 'no-cors' }, '/api/v1/me')
      await attempt('end sessions', { method: 'DELETE' }, '/api/v1/me/sessions')
      await attempt(
        'simple post',
        { method: 'POST', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' }, body: '{}' },
        '/api/v1/me/recovery-codes',
      )
      return tried
    }, target)
    expect(outcome.read).toBe('refused')
    expect(outcome['end sessions']).toBe('refused')
    // A frame of it is no page of ours: the browser shows its own error there.
    const frame = thief.frames().find((each) => each !== thief.mainFrame())
    expect(await frame?.locator('text=Account').count()).toBe(0)
    expect(frame?.url().startsWith('chrome-error://') ?? true).toBe(true)
    const posted = thief.waitForNavigation().catch(() => null)
    await thief.evaluate(() => (document.getElementById('form') as HTMLFormElement).submit())
    const answer = await posted
    expect(answer === null || answer.status() >= 400).toBe(true)
    await thief.close()
    evil.close()
    await page.reload()
    await page.getByRole('heading', { name: 'Account' }).waitFor()

    // What was fixed before signing in is not what one has afterwards; what was stolen ends with the session.
    const stolen = session?.value ?? ''
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const replay = await context.request.get(`${target}/api/v1/me`, {
      headers: { Cookie: `__Host-sid=${stolen}` },
    })
    expect(replay.status()).toBe(401)
    await context.addCookies([
      { name: '__Host-sid', value: stolen, url: target, secure: true, httpOnly: true },
    ])
    await signInWithCode(page)
    const after = (await context.cookies(target)).find((each) => each.name === '__Host-sid')?.value
    expect(after).not.toBe(stolen)
    await context.close()
  }, 300_000)
})
