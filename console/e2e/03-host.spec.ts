import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, openPage } from './helpers'

describe('a host', () => {
  afterAll(closeBrowser)

  it('shows checks, graphs, inventory, timeline and agent of this machine', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/hosts')
    const row = page.getByRole('grid', { name: 'Hosts' }).getByRole('row').nth(1)
    await row.waitFor()
    await look(watched, 'hosts')
    await row.click()
    await page.getByRole('complementary', { name: /^Host / }).waitFor()
    await look(watched, 'host-panel')
    await page.getByRole('link', { name: 'Open the host page' }).click()
    await page.getByRole('tab', { name: /Checks/ }).waitFor()
    await page.getByRole('row', { name: /Memory/ }).waitFor({ timeout: 40_000 })
    await look(watched, 'host-checks')

    await page.getByRole('tab', { name: 'Graphs' }).click()
    await page.getByRole('figure', { name: 'Memory', exact: true }).getByText('used').waitFor()
    await page
      .getByRole('figure', { name: 'Processor time by mode' })
      .getByRole('button', { name: 'user' })
      .waitFor()
    await look(watched, 'host-graphs')
    const memory = page.getByRole('figure', { name: 'Memory', exact: true })
    await memory.getByRole('button', { name: 'Table' }).click()
    await memory.getByRole('table').first().getByRole('columnheader', { name: 'used' }).waitFor()
    await memory.getByRole('button', { name: 'Graph' }).click()

    // Drag zooms, and the address says so, once for all graphs; going back undoes it.
    const plot = memory.locator('.u-over')
    await plot.scrollIntoViewIfNeeded()
    const area = await plot.boundingBox()
    if (area === null) throw new Error('the graph has no area')
    const drag = async (from: number, to: number) => {
      await page.mouse.move(area.x + area.width * from, area.y + 40)
      await page.mouse.down()
      await page.mouse.move(area.x + area.width * to, area.y + 40, { steps: 8 })
      await page.mouse.up()
    }
    const steps = () => page.evaluate(() => history.length)
    const range = () => new URL(page.url()).searchParams.get('range')
    const before = await steps()
    const began = range()
    await drag(0.3, 0.8)
    await page.waitForURL(/range=.*\.\./)
    await page.waitForTimeout(300)
    expect(await steps(), 'one drag is one step back').toBe(before + 1)
    await page.goBack()
    await page.waitForURL((url) => !url.search.includes('..'))

    // A double click goes back too, zoom by zoom, and no further than where it began.
    await drag(0.4, 0.995)
    await page.waitForURL(/range=.*\.\./)
    const once = range()
    await page.waitForTimeout(500)
    await drag(0.4, 0.995)
    await page.waitForURL((url) => url.searchParams.get('range') !== once)
    const back = () => plot.dblclick({ position: { x: area.width / 2, y: 30 } })
    await back()
    await page.waitForURL((url) => url.searchParams.get('range') === once)
    await back()
    await page.waitForURL((url) => !url.search.includes('..'))
    expect(range()).toBe(began)
    await back()
    await page.waitForTimeout(200)
    expect(range()).toBe(began)
    // Out of a span in which nothing was measured, too.
    await drag(0.05, 0.25)
    await page.waitForURL(/range=.*\.\./)
    await memory.getByText('No data in this range').waitFor()
    await back()
    await page.waitForURL((url) => !url.search.includes('..'))

    // Cursors move together: the reading shows in the other graphs as well.
    await page.mouse.move(area.x + area.width * 0.5, area.y + 50)
    await page
      .getByRole('figure', { name: 'Swap' })
      .or(page.getByRole('figure', { name: 'Load average' }))
      .first()
      .locator('.u-cursor-x')
      .waitFor()

    // The table says what is drawn: thresholds too, of every file system.
    const disks = page.getByRole('figure', { name: /File systems|Filesystems/i }).first()
    await disks.scrollIntoViewIfNeeded()
    await disks.getByRole('button', { name: 'Table' }).click()
    await disks
      .getByRole('list', { name: 'Thresholds and what happened' })
      .getByText(/Critical \d/)
      .first()
      .waitFor()

    // A picture and a file that stand alone.
    for (const [kind, ending] of [
      ['PNG', '.png'],
      ['CSV', '.csv'],
    ] as const) {
      const [saved] = await Promise.all([
        page.waitForEvent('download'),
        memory.getByRole('button', { name: kind }).click(),
      ])
      expect(saved.suggestedFilename()).toBe(`Memory${ending}`)
    }

    await page.getByRole('tab', { name: /Inventory/ }).click()
    await page
      .getByRole('navigation', { name: 'Sections of the inventory' })
      .getByRole('button', { name: /Packages/ })
      .click()
    await page.getByRole('searchbox', { name: 'Search packages' }).fill('libc')
    await page.getByRole('row', { name: /libc/ }).first().waitFor()
    await look(watched, 'host-inventory')

    await page.getByRole('tab', { name: 'Timeline' }).click()
    await page.getByRole('button', { name: 'Everything' }).waitFor()
    await look(watched, 'host-timeline')
    await page.getByRole('tab', { name: 'Agent' }).click()
    await page.getByText('Batches received').waitFor()
    await look(watched, 'host-agent')
    await watched.context.close()
  })

  it('takes what people say about it', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/hosts')
    await page.getByRole('grid', { name: 'Hosts' }).getByRole('row').nth(1).click()
    await page.getByRole('link', { name: 'Open the host page' }).click()
    await page.getByRole('tab', { name: 'About' }).click()
    await page.getByRole('button', { name: 'Edit' }).first().click()
    const dialog = page.getByRole('dialog', { name: /^Edit / })
    await dialog.getByLabel('Description').fill('<img src=x onerror=alert(1)> front of the shop')
    await dialog.getByLabel('Location').fill('Paris')
    await dialog.getByLabel('Responsible').fill('A. Moreau')
    await look(watched, 'host-edit')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('<img src=x onerror=alert(1)> front of the shop').waitFor()
    expect(await page.locator('img').count(), 'text stays text').toBe(0)
    await look(watched, 'host-about')
    await watched.context.close()
  })

  it('gets a check of a port where nobody listens', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/hosts')
    await page.getByRole('grid', { name: 'Hosts' }).getByRole('row').nth(1).click()
    await page.getByRole('link', { name: 'Open the host page' }).click()
    await page.getByRole('button', { name: 'Add check' }).click()
    const dialog = page.getByRole('dialog', { name: /Add a check/ })
    await dialog.getByRole('combobox', { name: 'What to check' }).click()
    await page.getByRole('option', { name: 'TCP port' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill('Closed door')
    await dialog.getByLabel('Address').fill('127.0.0.1')
    await dialog.getByLabel('Port').fill('1')
    await dialog.getByLabel('Every').fill('10')
    await look(watched, 'check-add')
    await dialog.getByRole('button', { name: 'Add check' }).click()
    await page.getByRole('complementary', { name: 'Check Closed door' }).waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})
