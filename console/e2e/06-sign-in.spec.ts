// Last but one: signing out ends the session that the other tests use.

import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, nextTotp, openPage, readPerson, saveSession } from './helpers'

describe('signing in', () => {
  afterAll(closeBrowser)

  it('takes password and code, says nothing about what was wrong, and goes where one wanted', async () => {
    const person = await readPerson()
    const watched = await openPage({ signedIn: false, expected: /status of 401/ })
    const { page } = watched
    await page.goto('/problems?q=state:critical')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await look(watched, 'sign-in')
    await page.getByLabel('Name', { exact: true }).fill(person.name)
    await page.getByLabel('Password', { exact: true }).fill('not the password at all')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('alert').filter({ hasText: 'That did not match' }).waitFor()
    await page.getByLabel('Password', { exact: true }).fill(person.password)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Second factor' }).waitFor()
    await look(watched, 'sign-in-factor')
    await page.getByLabel('Six-digit code').fill(await nextTotp(person.secret))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Problems' }).waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('state:critical')
    await saveSession(watched.context)
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  }, 120_000)

  it('shows my sessions, ends another one, and signs out', async () => {
    const watched = await openPage({ signedIn: true, expected: /status of 401/ })
    const { page } = watched
    await page.goto('/me')
    await page.getByRole('region', { name: 'Sessions' }).getByText('this one').waitFor()
    await page
      .getByRole('button', { name: /^End the session of / })
      .first()
      .click()
    await page.getByText('Session ended').waitFor()
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goto('/hosts')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})
