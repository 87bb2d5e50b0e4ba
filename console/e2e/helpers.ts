// What the tests share: a browser, one person's session, a watch on the content policy, accessibility and screenshots.

import { createHmac } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect, onTestFailed } from 'vitest'

// Two runs at once, against two servers, need a folder each.
const results = process.env.WATCHKEEP_RESULTS
  ? new URL(`file://${process.env.WATCHKEEP_RESULTS}/`)
  : new URL('../test-results/', import.meta.url)
const personFile = new URL('person.json', results)
const stateFile = new URL('session.json', results).pathname

function need(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') {
    throw new Error(
      `${name} is not set. Run \`cargo xtask test\`, or start \`watchkeep up\` and give its address and claim link.`,
    )
  }
  return value
}

export const baseUrl = (): string => need('WATCHKEEP_URL').replace(/\/$/, '')
export const claimLink = (): string => need('WATCHKEEP_CLAIM')

export interface Person {
  name: string
  displayName: string
  password: string
  secret: string
}

export async function savePerson(person: Person): Promise<void> {
  await mkdir(results, { recursive: true })
  await writeFile(personFile, JSON.stringify(person), { mode: 0o600 })
}

export const readPerson = async (): Promise<Person> => JSON.parse(await readFile(personFile, 'utf8'))

/** RFC 6238 with SHA-1, six digits and 30 s, as authenticator applications do it. */
export function totp(secret: string, atMs = Date.now()): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let bits = ''
  for (const char of secret.replace(/[\s=]/g, '').toUpperCase()) {
    const value = alphabet.indexOf(char)
    if (value < 0) throw new Error(`${char} is no base32`)
    bits += value.toString(2).padStart(5, '0')
  }
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const offset = (mac.at(-1) ?? 0) & 15
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Waits for the next step: each code is good once. */
export async function nextTotp(secret: string): Promise<string> {
  const step = Math.floor(Date.now() / 30_000)
  while (Math.floor(Date.now() / 30_000) === step) {
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return totp(secret)
}

let browser: Browser | undefined

export async function openBrowser(): Promise<Browser> {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
  return browser
}

export async function closeBrowser(): Promise<void> {
  await browser?.close()
  browser = undefined
}

/** All four, for the screens that show most states. */
export const allThemes = ['light', 'dark', 'contrast', 'dark-contrast'] as const

/** A page that remembers everything the browser complained about. */
export interface Watched {
  page: Page
  context: BrowserContext
  complaints: string[]
}

export async function openPage(options: { signedIn: boolean; expected?: RegExp }): Promise<Watched> {
  const context = await (await openBrowser()).newContext({
    baseURL: baseUrl(),
    // The internal authority is not in the browser's store; the tests of the server check its certificate.
    ignoreHTTPSErrors: true,
    viewport: wide,
    locale: 'en-GB',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...(options.signedIn ? { storageState: stateFile } : {}),
  })
  // Generous: the tests share the machine with a build.
  context.setDefaultTimeout(30_000)
  const complaints: string[] = []
  const note = (text: string) => {
    if (options.expected?.test(text) !== true) complaints.push(text)
  }
  await context.exposeFunction('__violation', note)
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      ;(window as unknown as { __violation(text: string): void }).__violation(
        `content policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
      )
    })
  })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') note(`console: ${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => note(`page: ${error.stack ?? error.message}`))
  onTestFailed(async ({ task }) => {
    const name = task.name.replaceAll(/\W+/g, '-').slice(0, 60)
    await page.screenshot({ path: new URL(`failed-${name}.png`, results).pathname }).catch(() => {})
    await context.close()
  })
  return { page, context, complaints }
}

export const saveSession = async (context: BrowserContext): Promise<void> => {
  await mkdir(results, { recursive: true })
  await context.storageState({ path: stateFile })
}

const wide = { width: 1440, height: 900 }
const narrow = { width: 390, height: 844 }
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** No violation of WCAG 2.2 AA or of good practice that axe can find. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axeSource)
  const found = await page.evaluate(async () => {
    type Result = {
      violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[]
    }
    const { axe } = window as unknown as { axe: { run(root: Document, options: object): Promise<Result> } }
    const { violations } = await axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return violations.map(
      (each) =>
        `${each.id}: ${each.help}\n${each.nodes
          .slice(0, 4)
          .map((n) => `  ${n.html}\n  ${n.failureSummary}`)
          .join('\n')}`,
    )
  })
  expect(found, found.join('\n')).toEqual([])
}

const themes = {
  light: { colorScheme: 'light', contrast: 'no-preference' },
  dark: { colorScheme: 'dark', contrast: 'no-preference' },
  contrast: { colorScheme: 'light', contrast: 'more' },
  'dark-contrast': { colorScheme: 'dark', contrast: 'more' },
} as const

/** Looks at the screen as it is, in the themes, wide and narrow: accessible everywhere, and kept as pictures. */
export async function look(
  watched: Watched,
  name: string,
  wanted: readonly (keyof typeof themes)[] = ['light', 'dark'],
): Promise<void> {
  const { page } = watched
  await mkdir(results, { recursive: true })
  for (const theme of wanted) {
    await page.emulateMedia({ ...themes[theme], reducedMotion: 'reduce' })
    for (const [size, viewport] of [
      ['wide', wide],
      ['narrow', narrow],
    ] as const) {
      await page.setViewportSize(viewport)
      await page.waitForTimeout(150)
      await page.screenshot({ path: new URL(`${name}-${theme}-${size}.png`, results).pathname })
      await expectAccessible(page)
    }
  }
  await page.emulateMedia({ ...themes.light, reducedMotion: 'reduce' })
  await page.setViewportSize(wide)
  expect(watched.complaints).toEqual([])
}
