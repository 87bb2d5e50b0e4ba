// What a mark means, apart from any domain: each tone has a colour and a shape of its own.

export const tones = ['good', 'notice', 'danger', 'unclear', 'waiting'] as const
export type Tone = (typeof tones)[number]

/** The token family of tokens.css that carries a tone. */
export const toneToken: Record<Tone, string> = {
  good: 'ok',
  notice: 'warning',
  danger: 'critical',
  unclear: 'unknown',
  waiting: 'pending',
}
