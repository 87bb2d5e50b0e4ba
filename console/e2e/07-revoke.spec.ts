// Last of all: revoking the only agent is for good.

import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, nextTotp, openPage, readPerson } from './helpers'

describe('revoking an agent', () => {
  afterAll(closeBrowser)

  it('asks for a reason, closes its link and says so', async () => {
    const person = await readPerson()
    const watched = await openPage({ signedIn: false, expected: /status of 401/ })
    const { page } = watched
    await page.goto('/agents')
    await page.getByLabel('Name', { exact: true }).fill(person.name)
    await page.getByLabel('Password', { exact: true }).fill(person.password)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByLabel('Six-digit code').fill(await nextTotp(person.secret))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page
      .getByRole('row', { name: /Connected/ })
      .first()
      .click()
    const panel = page.getByRole('complementary', { name: /^Agent of / })
    await look(watched, 'agent-panel')

    // The lesser step first: it stays connected, and is sent nothing to run.
    const settle = async (act: string, title: RegExp, shown: string) => {
      await panel.getByRole('button', { name: act }).click()
      const asked = page.getByRole('dialog', { name: title })
      await asked.getByLabel('Reason').fill('Looked into')
      if (act === 'Make read-only') await look(watched, 'agent-read-only')
      await asked.getByRole('button', { name: act }).click()
      await panel.getByText(shown).waitFor()
    }
    await settle('Make read-only', /read-only/, 'read-only, by an administrator')
    await settle('Manage again', /^Manage the agent/, 'built-in checks and allowed plugins')

    await panel.getByRole('button', { name: 'Revoke' }).click()
    const dialog = page.getByRole('dialog', { name: /Revoke the agent/ })
    expect(await dialog.getByRole('button', { name: 'Revoke' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Reason').fill('The test is over')
    await look(watched, 'agent-revoke')
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await panel.getByText('Revoked', { exact: true }).waitFor()
    await page.getByRole('row', { name: /Revoked/ }).waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  }, 120_000)
})
