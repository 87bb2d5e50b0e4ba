// The first person: one-time link, password, authenticator, recovery codes.

import { afterAll, describe, expect, it } from 'vitest'
import { claimLink, closeBrowser, look, openPage, savePerson, saveSession, totp } from './helpers'

const person = {
  name: 'a.moreau',
  displayName: 'Anne Moreau',
  password: 'lantern quarry ember tidal 41',
  secret: '',
}

describe('claiming a new server', () => {
  afterAll(closeBrowser)

  it('makes the first administrator, and shows the recovery codes once', async () => {
    // The browser reports each refused request; these two refusals are what the test is about.
    const watched = await openPage({ signedIn: false, expected: /status of 4(22|01|00|10)/ })
    const { page } = watched
    await page.goto(claimLink())
    await page.getByRole('heading', { name: 'Claim this server' }).waitFor()
    expect(new URL(page.url()).hash, 'the token leaves the address at once').toBe('')

    await page.getByLabel('Sign-in name').fill(person.name)
    await page.getByLabel('Your name').fill(person.displayName)
    await page.getByLabel('Password', { exact: true }).fill('password1')
    await page.getByText('Not accepted yet').waitFor()
    expect(await page.getByRole('button', { name: 'Continue' }).isDisabled()).toBe(true)
    await look(watched, 'claim-refused')

    await page.getByLabel('Password', { exact: true }).fill(person.password)
    await page.getByText(/strong|Accepted/i).waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()

    await page.getByRole('heading', { name: 'Add your authenticator' }).waitFor()
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    await page.getByText('Type the secret by hand').click()
    person.secret = (await page.getByRole('region', { name: /Secret for/ }).innerText()).trim()
    await look(watched, 'claim-authenticator')

    const good = totp(person.secret)
    await page.getByLabel('Six-digit code').fill(good === '000000' ? '000001' : '000000')
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText(/not the code of now/).waitFor()
    await page.getByLabel('Six-digit code').fill(totp(person.secret))
    await page.getByRole('button', { name: 'Confirm' }).click()

    await page.getByRole('heading', { name: 'Keep your recovery codes' }).waitFor()
    const codes = (await page.getByRole('region', { name: 'Recovery codes' }).innerText()).trim().split(/\s+/)
    expect(new Set(codes).size).toBe(10)
    await look(watched, 'claim-codes')
    expect(await page.getByRole('button', { name: 'Open the console' }).isDisabled()).toBe(true)
    await page.getByRole('checkbox', { name: /I keep these codes/ }).check()
    await page.getByRole('button', { name: 'Open the console' }).click()

    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    await savePerson(person)
    await saveSession(watched.context)
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })

  it('refuses the link the second time', async () => {
    const watched = await openPage({ signedIn: false, expected: /status of 4/ })
    await watched.page.goto(claimLink())
    await watched.page.getByText('This link no longer works').waitFor()
    await look(watched, 'claim-used')
    await watched.context.close()
  })
})
