import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError, body, client, OfflineError, onSignedOut } from './client'

const answer = (status: number, value: unknown, headers: Record<string, string> = {}) =>
  vi.stubGlobal(
    'fetch',
    async () => new Response(value === null ? null : JSON.stringify(value), { status, headers }),
  )

const problem = {
  type: '/problems/conflict',
  title: 'Conflict',
  status: 409,
  detail: 'Somebody else changed it.',
  instance: 'req_1',
  errors: [{ pointer: '/config/server', detail: 'is no name' }],
}

describe('errors of the API', () => {
  afterEach(() => vi.unstubAllGlobals())
  it("carry the server's words and the field they are about", async () => {
    answer(409, problem, { 'Content-Type': 'application/problem+json' })
    const error = await client.GET('/api/v1/me').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).message).toBe('Conflict: Somebody else changed it.')
    expect((error as ApiError).field('config/server')).toBe('is no name')
    expect((error as ApiError).field('name')).toBeUndefined()
  })
  it('survive an answer that is no JSON', async () => {
    vi.stubGlobal('fetch', async () => new Response('<html>', { status: 502 }))
    const error = await client.GET('/api/v1/me').catch((caught: unknown) => caught)
    expect((error as ApiError).status).toBe(502)
  })
  it('say how long to wait', async () => {
    answer(429, { ...problem, status: 429 }, { 'Retry-After': '30' })
    const error = await client
      .POST('/api/v1/session', { body: { name: 'a', password: 'b' } })
      .catch((caught: unknown) => caught)
    expect((error as ApiError).retryAfterS).toBe(30)
  })
  it('tell a lost connection from a refusal', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('network')
    })
    await expect(body(client.GET('/api/v1/me'))).rejects.toBeInstanceOf(OfflineError)
  })
  it('announce a lost session, but not a wrong password', async () => {
    const lost = vi.fn()
    const stop = onSignedOut(lost)
    answer(401, { ...problem, status: 401 })
    await client.POST('/api/v1/session', { body: { name: 'a', password: 'b' } }).catch(() => {})
    expect(lost).not.toHaveBeenCalled()
    await client.GET('/api/v1/overview').catch(() => {})
    expect(lost).toHaveBeenCalledOnce()
    stop()
  })
})
