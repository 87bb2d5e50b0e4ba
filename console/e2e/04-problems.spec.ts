import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, openPage } from './helpers'

describe('problems', () => {
  afterAll(closeBrowser)

  it('appear by themselves, are taken charge of by keyboard, and say why people were told', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/problems')
    const row = page.getByRole('row', { name: /Critical: Closed door/ })
    // No reload: the live stream brings it.
    await row.waitFor({ timeout: 90_000 })
    await look(watched, 'problems')

    await row.click()
    const panel = page.getByRole('complementary', { name: 'Check Closed door' })
    await panel.getByText('Why people were, or were not, told').waitFor()
    await panel.getByText('Decided to tell people about the problem').waitFor()
    // A decision is no message: without a channel nobody was reached, and that is said.
    await panel.getByText('No message is on record').waitFor()
    await look(watched, 'check-panel')
    await panel.getByRole('tab', { name: 'Timeline' }).click()
    await panel
      .getByText(/critical/i)
      .first()
      .waitFor()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })

    // By keyboard: to the row, select, acknowledge.
    const grid = page.getByRole('grid', { name: 'Problems' })
    await grid.focus()
    await page.keyboard.press('Home')
    while (
      (await page.locator('[role=row][data-current=true]').getAttribute('aria-label'))?.includes(
        'Closed door',
      ) !== true
    ) {
      await page.keyboard.press('j')
    }
    await page.keyboard.press('x')
    await page.getByText('1 selected').waitFor()
    await look(watched, 'problems-selected')
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog', { name: /Take charge of 1 problem/ })
    await dialog
      .getByLabel('What are you doing about it?')
      .fill('Nobody should listen there. =HYPERLINK("x")')
    await look(watched, 'acknowledge')
    await dialog.getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText('1 problem acknowledged').waitFor()
    await row.waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Handled', exact: true }).click()
    await row.waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('handled')
    await watched.context.close()
  })

  it('are filtered with completion, and the address carries the filter', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/problems?scope=all&q=')
    await page.getByRole('row', { name: /^OK: / }).first().waitFor()
    await page.keyboard.press('f')
    const bar = page.getByRole('combobox', { name: 'Filter' })
    await bar.pressSequentially('sta')
    await page.getByRole('option', { name: /^state:/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    await bar.pressSequentially('cr')
    await page.getByRole('option', { name: /state:critical/ }).waitFor()
    await look(watched, 'filter-completion')
    await bar.focus()
    await page.getByRole('option', { name: /state:critical/ }).click()
    await page.waitForURL(/q=state:critical/)
    await page.getByRole('row', { name: /^OK: / }).first().waitFor({ state: 'detached' })

    const link = page.url()
    const second = await openPage({ signedIn: true })
    await second.page.goto(link)
    await second.page.getByRole('row', { name: /Critical: Closed door/ }).waitFor()
    expect(second.complaints).toEqual([])
    await second.context.close()
    await watched.context.close()
  })

  it('are planned for, commented on, and looked at again', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/problems?q=check:*closed*')
    const row = page.getByRole('row', { name: /Closed door/ })
    await row.click()
    const panel = page.getByRole('complementary', { name: 'Check Closed door' })
    await panel.getByRole('button', { name: 'Recheck' }).click()
    await page.getByText('Recheck of 1 check asked for').waitFor()
    await panel.getByRole('button', { name: 'Comment' }).click()
    const comment = page.getByRole('dialog', { name: /Comment on 1 check/ })
    await comment.getByLabel('Comment').fill('See the firewall change of Tuesday.')
    await comment.getByRole('button', { name: 'Comment' }).click()
    await comment.waitFor({ state: 'detached' })
    await panel.getByRole('button', { name: 'Downtime' }).click()
    const downtime = page.getByRole('dialog', { name: /Plan a downtime/ })
    await downtime.getByLabel('Reason').fill('Door is being repaired')
    await look(watched, 'downtime')
    await downtime.getByRole('button', { name: 'Downtime' }).click()
    await page.getByText('1 downtime planned').waitFor()
    await panel.getByText('In downtime').waitFor()
    // Planned by mistake: taken back as quickly.
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await page.getByText('Taken back for 1 thing').waitFor()
    await panel.getByText('In downtime').waitFor({ state: 'detached' })
    await panel.getByRole('tab', { name: 'Timeline' }).click()
    await panel.getByText('See the firewall change of Tuesday.').waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})
