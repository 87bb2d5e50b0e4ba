import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError, body, client, OfflineError, onConfirm, onSignedOut, sessionRenewed } from './client'

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

describe('a fresh second factor', () => {
  afterEach(() => vi.unstubAllGlobals())
  const elevate = () =>
    new Response(JSON.stringify({ ...problem, type: '/problems/elevate', status: 403 }), { status: 403 })
  const invite = () => client.POST('/api/v1/users', { body: { name: 'olga', role: 'viewer' } })

  it('is asked for once, and what was asked for is done then, with its body', async () => {
    const bodies: string[] = []
    let fresh = false
    vi.stubGlobal('fetch', async (request: Request) => {
      bodies.push(await request.text())
      return fresh ? new Response('{"path":"/claim#x","expires_at":""}') : elevate()
    })
    const ask = vi.fn(async () => {
      await Promise.resolve()
      fresh = true
      return true
    })
    const stop = onConfirm(ask)
    const [one, two] = await Promise.all([body(invite()), body(invite())])
    expect([one.path, two.path]).toEqual(['/claim#x', '/claim#x'])
    expect(ask).toHaveBeenCalledOnce()
    expect(bodies).toHaveLength(4)
    expect(new Set(bodies).size, 'the same body each time').toBe(1)
    stop()
  })
  it('that nobody gives leaves the refusal', async () => {
    vi.stubGlobal('fetch', async () => elevate())
    const stop = onConfirm(async () => false)
    const error = await invite().catch((caught: unknown) => caught)
    expect((error as ApiError).status).toBe(403)
    stop()
    expect(((await invite().catch((caught: unknown) => caught)) as ApiError).status).toBe(403)
  })
  it('gives the session another token; what was under way then is asked for again', async () => {
    const lost = vi.fn()
    const stop = onSignedOut(lost)
    let calls = 0
    vi.stubGlobal('fetch', async () => {
      calls += 1
      if (calls > 1) return new Response('{"items":[]}')
      sessionRenewed()
      return new Response(JSON.stringify({ ...problem, status: 401 }), { status: 401 })
    })
    expect((await body(client.GET('/api/v1/users'))).items).toEqual([])
    expect(lost).not.toHaveBeenCalled()
    stop()
  })
})
