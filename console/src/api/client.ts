// The one way to the server: same origin, session cookie, JSON. Errors become `ApiError` with the server's own words.

import createClient from 'openapi-fetch'
import { t } from '../strings'
import type { paths } from './generated/schema'
import type { Problem } from './types'

export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem | undefined
  readonly retryAfterS: number | undefined

  constructor(status: number, problem: Problem | undefined, retryAfterS?: number) {
    super(
      problem === undefined
        ? t.errors.status(status)
        : [problem.title, problem.detail].filter(Boolean).join(': '),
    )
    this.name = 'ApiError'
    this.status = status
    this.problem = problem
    this.retryAfterS = retryAfterS
  }

  /** What is wrong with one field, by the end of its JSON pointer. */
  field(name: string): string | undefined {
    return this.problem?.errors?.find(
      (each) => each.pointer === `/${name}` || each.pointer.startsWith(`/${name}/`),
    )?.detail
  }
}

/** The server could not be reached at all. */
export class OfflineError extends Error {
  constructor() {
    super(t.errors.offline)
    this.name = 'OfflineError'
  }
}

const signedOut = new Set<() => void>()

/** Calls back when the session is gone. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => signedOut.delete(listener)
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'title' in value && 'status' in value

async function toError(response: Response): Promise<ApiError> {
  let problem: Problem | undefined
  try {
    const body: unknown = await response.json()
    if (isProblem(body)) problem = body
  } catch {
    // Not JSON: the status has to do.
  }
  const retry = Number(response.headers.get('Retry-After'))
  return new ApiError(response.status, problem, Number.isFinite(retry) && retry > 0 ? retry : undefined)
}

/** The signing-in routes answer 401 for a wrong password, not for a lost session. */
const isSignIn = (url: string): boolean => /\/api\/v1\/(session|claim|password)/.test(new URL(url).pathname)

export const client = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? 'http://localhost',
  credentials: 'same-origin',
  headers: { Accept: 'application/json' },
  fetch: async (request: Request) => {
    let response: Response
    try {
      response = await fetch(request)
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
      throw new OfflineError()
    }
    if (!response.ok) {
      if (response.status === 401 && !isSignIn(request.url)) {
        for (const each of signedOut) each()
      }
      throw await toError(response)
    }
    return response
  },
})

interface Answer<T> {
  data?: T | undefined
}

/** The body of an answer that has one. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data } = await answer
  if (data === undefined) throw new ApiError(502, undefined)
  return data
}
