import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, openPage } from './helpers'

describe('the first screen', () => {
  afterAll(closeBrowser)

  it('shows this machine, and every tile leads to its list', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/')
    await page.getByText(/Watching \d+ hosts? and \d+ checks?/).waitFor()
    await page.getByRole('img', { name: /hosts?, \d+ with problems/ }).waitFor()
    await page.getByRole('status', { name: '' }).filter({ hasText: 'Live' }).waitFor()
    await look(watched, 'now')
    await page.getByRole('link', { name: /^OK/ }).click()
    await page.getByRole('heading', { name: 'Problems' }).waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('state:ok')
    await page.getByRole('row', { name: /^OK: / }).first().waitFor()
    await watched.context.close()
  })

  it('says so when the live stream is broken', async () => {
    const watched = await openPage({ signedIn: true, expected: /api\/v1\/live|ERR_FAILED/ })
    const { page } = watched
    await page.route('**/api/v1/live', (route) => route.abort())
    await page.goto('/')
    await page.getByRole('alert').filter({ hasText: 'The live stream is broken.' }).waitFor()
    await page.getByText('Not live').waitFor()
    await look(watched, 'now-broken-stream')
    await page.unroute('**/api/v1/live')
    await page
      .getByRole('alert')
      .filter({ hasText: 'The live stream is broken.' })
      .waitFor({ state: 'detached', timeout: 30_000 })
    await watched.context.close()
  })

  it('finds places and hosts from the keyboard', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/')
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await look(watched, 'help')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await page.getByRole('heading', { name: 'Problems' }).waitFor()
    await page.keyboard.press('Control+k')
    const box = page.getByRole('combobox', { name: 'Search and commands' })
    await box.waitFor()
    await look(watched, 'palette')
    await box.fill('evid')
    await page.getByRole('option', { name: /Evidence/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Evidence' }).waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })

  it('keeps the theme a person chose', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/')
    await page.getByRole('button', { name: /Account menu/ }).click()
    await page.getByRole('menuitemradio', { name: 'Dark' }).click()
    await page.reload()
    await page.getByRole('heading', { name: 'Now', exact: true }).waitFor()
    expect(await page.evaluate(() => document.documentElement.dataset.mantineColorScheme)).toBe('dark')
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})
