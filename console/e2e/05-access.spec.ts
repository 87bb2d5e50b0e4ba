// Access: invite somebody, who joins; then role, disabling, new factors, and what is refused.

import { afterAll, describe, expect, it } from 'vitest'
import {
  allThemes,
  closeBrowser,
  look,
  nextTotp,
  openPage,
  readPerson,
  saveSession,
  totp,
  type Watched,
} from './helpers'

const olga = { name: 'o.lund', displayName: 'Olga Lund', password: 'velvet harbour nine crickets' }
let link = ''

const openPerson = async ({ page }: Watched, name: string) => {
  await page.getByRole('row', { name: new RegExp(name) }).click()
  return page.getByRole('complementary', { name: `Account of ${name}` })
}

describe('access', () => {
  afterAll(closeBrowser)

  it('asks for a fresh code, then invites a person by a link that is shown once', async () => {
    const person = await readPerson()
    const watched = await openPage({ signedIn: true, expected: /status of (403|422)/ })
    const { page } = watched
    await page.goto('/')
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Access' }).click()
    await page
      .getByRole('row', { name: /Anne Moreau/ })
      .getByText('you')
      .waitFor()
    await page.getByRole('button', { name: 'Invite a person' }).click()
    const dialog = page.getByRole('dialog', { name: 'Invite a person' })
    await dialog.getByLabel('Sign-in name').fill('o lund')
    await dialog.getByLabel('Name', { exact: true }).fill(olga.displayName)
    await dialog.getByRole('radio', { name: 'Operator' }).check()
    await look(watched, 'access-invite', allThemes)

    // As the server answers ten minutes after the last code; then the real one takes over.
    let stale = true
    await page.route('**/api/v1/users', async (route) => {
      if (route.request().method() !== 'POST' || !stale) return route.continue()
      stale = false
      await route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify({ type: '/problems/elevate', title: 'Confirm', status: 403, detail: '' }),
      })
    })
    await dialog.getByRole('button', { name: 'Make the link' }).click()
    const confirm = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await confirm.getByLabel('Six-digit code').waitFor()
    await look(watched, 'access-confirm')
    await confirm.getByLabel('Six-digit code').fill('000000')
    await confirm.getByRole('button', { name: 'Confirm' }).click()
    await confirm.getByText(/not right/).waitFor()
    await confirm.getByLabel('Six-digit code').fill(await nextTotp(person.secret))
    await confirm.getByRole('button', { name: 'Confirm' }).click()
    await confirm.waitFor({ state: 'detached' })
    // The session goes on under another token.
    await saveSession(watched.context)

    // Refused beside the field; what was typed stays.
    await dialog
      .getByText(/letters, digits/)
      .nth(1)
      .waitFor()
    expect(await dialog.getByLabel('Sign-in name').getAttribute('aria-invalid')).toBe('true')
    await dialog.getByLabel('Sign-in name').fill(olga.name)
    await dialog.getByRole('button', { name: 'Make the link' }).click()
    const shown = page.getByRole('dialog', { name: `A link for ${olga.displayName}` })
    link = (await shown.getByRole('region', { name: 'One-time link' }).innerText()).trim()
    expect(new URL(link).hash.length).toBeGreaterThan(20)
    await shown.getByRole('button', { name: 'Copy' }).click()
    await shown.getByRole('button', { name: 'Copied' }).waitFor()
    await look(watched, 'access-link', allThemes)
    await shown.getByRole('button', { name: 'Close' }).last().click()

    await page.getByRole('button', { name: /^Invitations/ }).click()
    await page
      .getByRole('row', { name: /o\.lund/ })
      .getByText('Open')
      .waitFor()
    expect(await page.content()).not.toContain(new URL(link).hash.slice(1))
    await look(watched, 'access-invitations')
    await watched.context.close()
  }, 300_000)

  it('lets the invited person in, once', async () => {
    const watched = await openPage({ signedIn: false, expected: /status of 4(01|10)/ })
    const { page } = watched
    await page.goto(link)
    await page.getByRole('heading', { name: 'Join Watchkeep' }).waitFor()
    await page.getByText('You were invited as Operator.').waitFor()
    expect(await page.getByLabel('Sign-in name').inputValue()).toBe(olga.name)
    expect(await page.getByLabel('Sign-in name').getAttribute('readonly')).not.toBeNull()
    await page.getByLabel('Password', { exact: true }).fill(olga.password)
    await page.getByText(/strong|Accepted/i).waitFor()
    await look(watched, 'join')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Type the secret by hand').click()
    const secret = (await page.getByRole('region', { name: /Secret for/ }).innerText()).trim()
    await page.getByLabel('Six-digit code').fill(totp(secret))
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('checkbox', { name: /I keep these codes/ }).check()
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    expect(await page.getByRole('link', { name: 'Access' }).count(), 'not for operators').toBe(0)
    await page.goto('/access')
    await page.getByText('You may not see this').waitFor()
    await page.goto(link)
    await page.getByText('This link no longer works').waitFor()
    await watched.context.close()
  }, 300_000)

  it('says what an act does before it is done, and does it', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/access')
    const panel = await openPerson(watched, olga.displayName)
    await panel.getByText('10 recovery codes').waitFor()
    await look(watched, 'access', allThemes)

    await panel.getByRole('button', { name: 'Change role' }).click()
    const role = page.getByRole('dialog', { name: `Change the role of ${olga.displayName}` })
    expect(await role.getByRole('radio', { name: 'Operator' }).isDisabled()).toBe(true)
    expect(await role.getByRole('button', { name: 'Change role' }).isDisabled()).toBe(true)
    await role.getByRole('radio', { name: 'Viewer' }).check()
    await role.getByLabel('Reason').fill('Off duty this month')
    await look(watched, 'access-role')
    await role.getByRole('button', { name: 'Change role' }).click()
    await page
      .getByRole('row', { name: /Olga Lund/ })
      .getByText('Viewer')
      .waitFor()

    await panel.getByRole('button', { name: 'Disable' }).click()
    const disable = page.getByRole('dialog', { name: /^Disable the account/ })
    await disable.getByText('All sessions of this person end').waitFor()
    await disable.getByLabel('Reason').fill('Left the company')
    await look(watched, 'access-disable')
    await disable.getByRole('button', { name: 'Disable' }).click()
    await page
      .getByRole('row', { name: /Olga Lund/ })
      .getByText('Disabled')
      .waitFor()

    await panel.getByRole('button', { name: 'Enable' }).click()
    const enable = page.getByRole('dialog', { name: /^Enable the account/ })
    await enable.getByLabel('Reason').fill('Came back')
    await enable.getByRole('button', { name: 'Enable' }).click()
    await page
      .getByRole('row', { name: /Olga Lund/ })
      .getByText('Active')
      .waitFor()

    await panel.getByRole('button', { name: 'Reset factors' }).click()
    const reset = page.getByRole('dialog', { name: /^Reset the factors/ })
    await reset.getByText(/stop working at once/).waitFor()
    await reset.getByLabel('Reason').fill('Lost her phone')
    await reset.getByRole('button', { name: 'Reset factors' }).click()
    const shown = page.getByRole('dialog', { name: 'A link for Olga Lund' })
    const again = (await shown.getByRole('region', { name: 'One-time link' }).innerText()).trim()
    await shown.getByRole('button', { name: 'Close' }).last().click()
    await page
      .getByRole('row', { name: /Olga Lund/ })
      .getByText('New factors')
      .waitFor()
    await panel.getByText(/nobody can sign in until/).waitFor()
    await look(watched, 'access-resetting')

    // The filter is in the address, and completes.
    await page.getByRole('combobox', { name: 'Filter people' }).fill('state:active')
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /Olga Lund/ }).waitFor({ state: 'detached' })
    expect(new URL(page.url()).searchParams.get('q')).toBe('state:active')
    await page.getByRole('button', { name: 'Clear the filter' }).click()

    await page.getByRole('button', { name: /^Invitations/ }).click()
    await page
      .getByRole('row', { name: /o\.lund/ })
      .getByRole('button', { name: 'Withdraw' })
      .click()
    const withdraw = page.getByRole('dialog', { name: /^Withdraw the link/ })
    await withdraw.getByText('The link stops working at once.').waitFor()
    await look(watched, 'access-withdraw')
    await withdraw.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByText('No open invitations').waitFor()
    await watched.context.close()
    const stranger = await openPage({ signedIn: false, expected: /status of 4(01|10)/ })
    await stranger.page.goto(again)
    await stranger.page.getByText('This link no longer works').waitFor()
    await stranger.context.close()
  }, 300_000)

  it('leaves the last administrator alone, and says why', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/access')
    const panel = await openPerson(watched, 'Anne Moreau')
    await panel.getByText('This is your own account').waitFor()
    await panel.getByText(/Nobody could manage the server without/).waitFor()
    expect(await panel.getByRole('button', { name: 'Disable' }).count()).toBe(0)
    await look(watched, 'access-own')
    await panel.getByRole('link', { name: 'Open my account' }).click()
    await page.getByRole('heading', { name: 'Account' }).waitFor()
    await watched.context.close()
  })
})
