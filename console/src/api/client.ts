// The one way to the server: same origin, session cookie, JSON. Errors become `ApiError` with the server's own words.

import createClient from 'openapi-fetch'
import { t } from '../strings'
import { type Approval, AskedError, isApproval } from './asked'
import type { paths } from './generated/schema'
import type { Problem } from './types'

export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem | undefined
  readonly retryAfterS: number | undefined
  /** What to solve before the next try, as the server put it. */
  readonly puzzle: string | undefined

  constructor(status: number, problem: Problem | undefined, retryAfterS?: number, puzzle?: string) {
    super(
      problem === undefined
        ? t.errors.status(status)
        : [problem.title, problem.detail].filter(Boolean).join(': '),
    )
    this.name = 'ApiError'
    this.status = status
    this.problem = problem
    this.retryAfterS = retryAfterS
    this.puzzle = puzzle
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

/** Asks the person for a fresh code; true when the server took it. */
type Confirm = () => Promise<boolean>
let confirm: Confirm | undefined
let confirming: Promise<boolean> | undefined
/** Grows with each fresh code: the session has another token then, and what was under way had the old one. */
let renewals = 0

/** Called when the server asks for a fresh second factor before it does what was asked. */
export function onConfirm(ask: Confirm): () => void {
  confirm = ask
  return () => {
    if (confirm === ask) confirm = undefined
  }
}

async function confirmed(): Promise<boolean> {
  if (confirm === undefined) return false
  // Several requests may be refused at once: the person is asked once.
  confirming ??= confirm().finally(() => {
    confirming = undefined
  })
  return confirming
}

const renewed = new Set<() => void>()

/** Calls back when the session goes on under another token: what was opened with the old one ends. */
export function onRenewed(listener: () => void): () => void {
  renewed.add(listener)
  return () => renewed.delete(listener)
}

/** The session goes on under another token. */
export function sessionRenewed(): void {
  renewals += 1
  for (const each of renewed) each()
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
  return new ApiError(
    response.status,
    problem,
    Number.isFinite(retry) && retry > 0 ? retry : undefined,
    response.headers.get('X-Puzzle') ?? undefined,
  )
}

/** The signing-in routes answer 401 for a wrong password, not for a lost session. */
const isSignIn = (url: string): boolean =>
  /\/api\/v1\/(session|claim|password|sign-in)/.test(new URL(url).pathname)

export const client = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? 'http://localhost',
  credentials: 'same-origin',
  headers: { Accept: 'application/json' },
  fetch: async (request: Request) => {
    const again = request.clone()
    const before = renewals
    let response = await send(request)
    if (response.status === 401 && !isSignIn(request.url)) {
      // It may have been under way while the session got its new token: then it is not lost.
      await confirming
      if (renewals !== before) response = await send(again.clone())
    }
    if (response.status === 202) await onlyAsked(response)
    if (response.ok) return response
    if (response.status === 401 && !isSignIn(request.url)) {
      for (const each of signedOut) each()
    }
    const error = await toError(response)
    if (error.problem?.type !== '/problems/elevate' || !(await confirmed())) throw error
    const second = await send(again)
    if (second.status === 202) await onlyAsked(second)
    if (second.ok) return second
    throw await toError(second)
  },
})

/** Throws when what was to be done was only asked for: see `AskedError`. */
async function onlyAsked(response: Response): Promise<void> {
  const value: unknown = await response
    .clone()
    .json()
    .catch(() => undefined)
  if (isApproval(value)) throw new AskedError(value, t.errors.asked(value.could_decide.join(', ')))
}

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new OfflineError()
  }
}

interface Answer<T> {
  data?: T | undefined
}

/** Without the answer that something was only asked for: `client` has thrown that already. */
type Done<T> = [Exclude<T, Approval>] extends [never] ? T : Exclude<T, Approval>

/** The body of an answer that has one. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<Done<T>> {
  const { data } = await answer
  if (data === undefined) throw new ApiError(502, undefined)
  return data as Done<T>
}
