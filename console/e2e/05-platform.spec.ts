import { afterAll, describe, expect, it } from 'vitest'
import { closeBrowser, look, openPage } from './helpers'

describe('agents', () => {
  afterAll(closeBrowser)

  it('are enrolled by one line to paste, which is shown once and can be withdrawn', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/agents')
    await page
      .getByRole('row', { name: /Connected/ })
      .first()
      .waitFor()
    await look(watched, 'agents')
    await page.getByRole('button', { name: 'Enrol a machine' }).click()
    const dialog = page.getByRole('dialog', { name: 'Enrol a machine' })
    await dialog.getByLabel('Host names').fill('web-*')
    await dialog.getByLabel('May check other hosts').check()
    await look(watched, 'enrol')
    await dialog.getByRole('button', { name: 'Make token' }).click()
    const line = await page.getByRole('region', { name: 'Enrolment line' }).innerText()
    expect(line).toMatch(/watchkeep-agent/)
    await look(watched, 'enrol-line')
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('tab', { name: /Enrolment/ }).click()
    const row = page.getByRole('row', { name: /web-\*, open/ })
    await row.getByText('Pending').waitFor()
    await look(watched, 'tokens')
    await row.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByRole('row', { name: /web-\*, withdrawn/ }).waitFor()
    expect(watched.complaints).toEqual([])
    await watched.context.close()
  })
})

describe('evidence', () => {
  afterAll(closeBrowser)

  it('shows who did what with the fields before and after, and verifies', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/evidence')
    await page.getByRole('searchbox', { name: 'Action' }).fill('host')
    await page.waitForURL(/action=host/)
    const row = page.getByRole('row', { name: /host/ }).last()
    await row.waitFor()
    await page.getByRole('searchbox', { name: 'Action' }).fill('')
    await page.getByRole('row', { name: /token/ }).first().waitFor()
    await look(watched, 'evidence')
    await page
      .getByRole('row', { name: /host\.(update|change|set|put)/ })
      .first()
      .click()
    const panel = page.getByRole('complementary', { name: /Entry \d+/ })
    await panel.getByRole('table').getByText('Paris').waitFor()
    await look(watched, 'evidence-entry')
    await page.getByRole('button', { name: 'Verify the log' }).click()
    await page.getByText(/Intact: \d+ entr(y|ies) recomputed/).waitFor()
    await watched.context.close()
  })
})

describe('the system', () => {
  afterAll(closeBrowser)

  it('shows its ports, certificates with days left, storage and queues', async () => {
    const watched = await openPage({ signedIn: true })
    const { page } = watched
    await page.goto('/system')
    await page.getByRole('region', { name: 'Ports' }).getByRole('row').nth(1).waitFor()
    await page.getByRole('region', { name: 'Storage' }).getByText('Schema version').waitFor()
    await look(watched, 'system')
    await page.getByRole('tab', { name: /Certificates/ }).click()
    await page
      .getByRole('row', { name: /Root/ })
      .getByText(/\d+ days/)
      .waitFor()
    await look(watched, 'certificates')
    await watched.context.close()
  })

  it('gets a way to reach people', async () => {
    const watched = await openPage({ signedIn: true, expected: /status of 422/ })
    const { page } = watched
    await page.goto('/system?tab=notifications')
    await page.getByRole('button', { name: 'Add channel' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Add channel' })
    await dialog.getByLabel('Name', { exact: true }).fill('Duty phone')
    await dialog.getByRole('combobox', { name: 'Kind' }).click()
    await page.getByRole('option', { name: 'Webhook' }).click()
    await dialog.getByLabel('Address').fill('http://127.0.0.1:9443/hook')
    await dialog.getByLabel('Signing key').fill('a signing key nobody sees again')
    await look(watched, 'channel-add')
    // Refused beside the field that is wrong; what was typed stays.
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText(/https/i).nth(1).waitFor()
    expect(await dialog.getByLabel('Address').getAttribute('aria-invalid')).toBe('true')
    await look(watched, 'channel-refused')
    await dialog.getByLabel('Address').fill('https://127.0.0.1:9443/hook')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Duty phone saved').waitFor()
    await page
      .getByRole('region', { name: 'Ways to reach people' })
      .getByText('https://127.0.0.1:9443/hook')
      .waitFor()
    await look(watched, 'channels')
    await page.getByRole('button', { name: 'Edit' }).click()
    const edit = page.getByRole('dialog', { name: 'Edit Duty phone' })
    expect(await edit.getByLabel('Signing key').inputValue(), 'a secret never comes back').toBe('')
    await watched.context.close()
  })
})
