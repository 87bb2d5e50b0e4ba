import { describe, expect, it, vi } from 'vitest'
import { givePasskey, toText } from './passkey'

describe('passkeys', () => {
  it('write bytes as the API reads them', () => {
    expect(toText(new Uint8Array([0xfb, 0xff, 0xfe]).buffer)).toBe('-__-')
    expect(toText(new Uint8Array([1]).buffer)).toBe('AQ')
  })
  it('say what to do when the browser gave none', async () => {
    vi.stubGlobal('navigator', {
      credentials: { get: async () => Promise.reject(new DOMException('', 'NotAllowedError')) },
    })
    const asked = { challenge: 'AQ', rp_id: 'localhost', allow: [], timeout_ms: 1 }
    await expect(givePasskey(asked)).rejects.toThrow(/No passkey was used/)
    vi.unstubAllGlobals()
  })
})
