// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from 'vitest'

let matches = false
let changed: (() => void) | undefined
beforeEach(() => {
  localStorage.clear()
  matches = false
  vi.resetModules()
  vi.spyOn(window, 'matchMedia').mockImplementation(
    () =>
      ({
        get matches() {
          return matches
        },
        addEventListener: (_: string, listener: () => void) => {
          changed = listener
        },
      }) as unknown as MediaQueryList,
  )
})
const root = () => document.documentElement.dataset.contrast

it('follows the system, also when it changes', async () => {
  const { startContrast } = await import('./contrast')
  startContrast()
  expect(root()).toBeUndefined()
  matches = true
  changed?.()
  expect(root()).toBe('more')
  matches = false
  changed?.()
  expect(root()).toBeUndefined()
})

it('keeps a choice against the system, and forgets one that agrees with it', async () => {
  const first = await import('./contrast')
  first.startContrast()
  first.setHighContrast(true)
  expect(root()).toBe('more')
  vi.resetModules()
  const second = await import('./contrast')
  second.startContrast()
  expect(root()).toBe('more')
  matches = true
  second.setHighContrast(false)
  expect(root()).toBeUndefined()
  second.setHighContrast(true)
  matches = false
  changed?.()
  expect(root(), 'as the system again').toBeUndefined()
})
