// Saved views: a filter gets a name, comes back from it, is shared and removed. The address stays the state.

import { afterAll, describe, expect, it } from 'vitest'
import { allThemes, closeBrowser, look, openPage } from './helpers'

describe('saved views', () => {
  afterAll(closeBrowser)

  it('keep the filter and the order of problems', async () => {
    const watched = await openPage({ signedIn: true, expected: /status of 422/ })
    const { page } = watched
    await page.goto('/problems?q=state:ok,critical host:*&scope=all&sort=-since')
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByText('No saved views yet').waitFor()
    await page.getByRole('menuitem', { name: 'Save this view…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Save this view' })
    await dialog.getByText('state:ok,critical host:*').waitFor()
    await dialog.getByLabel('Name of the view').fill('Duty, everywhere')
    await dialog.getByRole('checkbox', { name: 'Show it to everybody' }).check()
    await look(watched, 'view-save', allThemes)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('View “Duty, everywhere” saved').waitFor()
    await page.getByRole('button', { name: 'Saved view Duty, everywhere' }).waitFor()

    // Another filter, then back by the name: what opens is what the address says.
    await page.getByRole('button', { name: 'Unhandled' }).click()
    await page.getByRole('button', { name: 'Saved views' }).click()
    await look(watched, 'view-menu')
    await page.getByRole('menuitem', { name: /Duty, everywhere/ }).click()
    await page.getByRole('button', { name: 'Saved view Duty, everywhere' }).waitFor()
    const address = new URL(page.url()).searchParams
    expect([address.get('q'), address.get('scope'), address.get('sort')]).toEqual([
      'state:ok,critical host:*',
      'all',
      '-since',
    ])
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })

  it('are kept on the server, are the list’s own, and are removed', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/hosts?q=debian')
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByText('No saved views yet').waitFor()
    await page.getByRole('menuitem', { name: 'Save this view…' }).click()
    await page.getByLabel('Name of the view').fill('Debian')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Saved view Debian' }).waitFor()
    await look(watched, 'view-hosts')
    await page.goto('/problems')
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByRole('menuitem', { name: 'Manage views…' }).click()
    const manage = page.getByRole('dialog', { name: 'Manage views' })
    await manage.getByText('state:ok,critical host:*').waitFor()
    await manage.getByRole('button', { name: 'Stop sharing' }).click()
    await manage.getByRole('button', { name: 'Share Duty, everywhere' }).waitFor()
    await look(watched, 'view-manage')
    await manage.getByRole('button', { name: 'Remove Duty, everywhere' }).click()
    await manage.getByText('No saved views yet').waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})
