// My own account: password, authenticator, recovery codes, sessions. Later tests sign in with what is set here.

import { afterAll, describe, expect, it } from 'vitest'
import {
  allThemes,
  closeBrowser,
  look,
  nextTotp,
  openPage,
  readPerson,
  savePerson,
  saveSession,
  totp,
} from './helpers'

describe('my account', () => {
  afterAll(closeBrowser)

  it('makes new recovery codes, which are shown once', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/agents')
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitemcheckbox', { name: 'High contrast' }).waitFor()
    await look(watched, 'person-menu', allThemes)
    await page.getByRole('menuitem', { name: 'Account and sessions' }).click()
    await page.getByText('10 codes left of 10').waitFor()
    await look(watched, 'account', allThemes)
    await page.getByRole('button', { name: 'New recovery codes' }).click()
    const ask = page.getByRole('dialog', { name: 'New recovery codes' })
    await ask.getByText('The old ones stop working at once.').waitFor()
    await ask.getByRole('button', { name: 'Make new codes' }).click()
    const shown = page.getByRole('dialog', { name: 'Your new recovery codes' })
    const codes = (await shown.getByRole('region', { name: 'Recovery codes' }).innerText())
      .trim()
      .split(/\s+/)
    expect(new Set(codes).size).toBe(10)
    expect(await shown.getByRole('button', { name: 'Done' }).isDisabled()).toBe(true)
    await look(watched, 'account-codes')
    await shown.getByRole('checkbox', { name: /I keep these codes/ }).check()
    await shown.getByRole('button', { name: 'Done' }).click()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  }, 300_000)

  it('changes the password, and ends the other sessions', async () => {
    const person = await readPerson()
    // Another device of the same person.
    const other = await openPage({ signedIn: false, expected: /status of 401/ })
    await other.page.goto('/me')
    await other.page.getByLabel('Name', { exact: true }).fill(person.name)
    await other.page.getByLabel('Password', { exact: true }).fill(person.password)
    await other.page.getByRole('button', { name: 'Continue' }).click()
    await other.page.getByLabel('Six-digit code').fill(await nextTotp(person.secret))
    await other.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.page.getByRole('region', { name: 'Sessions' }).getByText('this one').waitFor()

    const watched = await openPage({ signedIn: true, expected: /status of 422/ })
    const { page } = watched
    await page.goto('/')
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitem', { name: 'Change password' }).click()
    const dialog = page.getByRole('dialog', { name: 'Change password' })
    const fresh = 'umbrella fjord cactus 77 pillow'
    await dialog.getByLabel('Current password', { exact: true }).fill('this is not it at all')
    await dialog.getByLabel('New password', { exact: true }).fill('password1')
    await dialog.getByText('Not accepted yet').waitFor()
    await look(watched, 'account-password-weak')
    await dialog.getByLabel('New password', { exact: true }).fill(fresh)
    await dialog.getByText(/strong|Accepted/i).waitFor()
    await dialog.getByLabel('New password again', { exact: true }).fill('something else')
    await dialog.getByText('The two are not the same').waitFor()
    expect(await dialog.getByRole('button', { name: 'Change password' }).isDisabled()).toBe(true)
    await dialog.getByLabel('New password again', { exact: true }).fill(fresh)
    await dialog.getByRole('button', { name: 'Change password' }).click()
    await dialog.getByText('this is not your password').waitFor()
    await look(watched, 'account-password', allThemes)
    await dialog.getByLabel('Current password', { exact: true }).fill(person.password)
    await dialog.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Password changed', { exact: true }).waitFor()
    await savePerson({ ...person, password: fresh })

    await other.page.reload()
    await other.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await other.context.close()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  }, 300_000)

  it('takes a new authenticator', async () => {
    const person = await readPerson()
    const watched = await openPage({ signedIn: true, expected: /status of 422/ })
    const { page } = watched
    await page.goto('/me')
    await page.getByRole('button', { name: 'New authenticator' }).click()
    expect(new URL(page.url()).searchParams.get('open')).toBe('authenticator')
    const dialog = page.getByRole('dialog', { name: 'New authenticator' })
    await dialog.getByRole('img', { name: /QR code/ }).waitFor()
    await look(watched, 'account-authenticator')
    await dialog.getByText('Type the secret by hand').click()
    const secret = (await dialog.getByRole('region', { name: /Secret for/ }).innerText()).trim()
    const good = totp(secret)
    await dialog.getByLabel('Six-digit code').fill(good === '000000' ? '000001' : '000000')
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await dialog.getByText(/not the new authenticator/).waitFor()
    await dialog.getByLabel('Six-digit code').fill(totp(secret))
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('New authenticator in use').waitFor()
    await savePerson({ ...person, secret })
    await page.getByText('You are signed in nowhere else.').waitFor()
    await saveSession(watched.context)
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  }, 300_000)

  it('keeps high contrast when asked for, whatever the system says', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/')
    const contrast = () => page.evaluate(() => document.documentElement.dataset.contrast)
    expect(await contrast()).toBeUndefined()
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitemcheckbox', { name: 'High contrast' }).click()
    expect(await contrast()).toBe('more')
    await page.reload()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    expect(await contrast()).toBe('more')
    await watched.context.close()
  })
})
