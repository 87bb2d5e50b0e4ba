// What a kind's form is given and gives.

import type { ComponentType } from 'react'

/** Settings as the API has them; each kind knows its own. */
export type Config = Record<string, unknown>

export interface KindFormProps {
  config: Config
  onChange: (config: Config) => void
  /** What is wrong with a field, by its name below `config`: `issuer`, `claims/groups`. */
  error: (field: string) => string | undefined
}

export interface KindForm {
  /** What a new one begins with. */
  initial: Config
  Form: ComponentType<KindFormProps>
  /** What the secret is called; nothing when these settings have none. */
  secret: (config: Config) => string | undefined
  /** Longer than a line: a key in PEM. */
  secretLines?: boolean
  /** Which of our addresses are entered there. */
  addresses: readonly ('callback' | 'logout' | 'metadata')[]
  /** What those are called there, where it is another word. */
  addressWords?: Record<'callback' | 'logout' | 'metadata', string>
  /** The server makes the secret itself; asks for a new one. */
  renew?: { label: string; help: string }
  /** One line for the list. */
  describe: (config: Config) => string
}

export const text = (config: Config, name: string): string =>
  typeof config[name] === 'string' ? config[name] : ''
export const list = (config: Config, name: string): string[] =>
  Array.isArray(config[name]) ? (config[name] as unknown[]).filter((each) => typeof each === 'string') : []
export const flag = (config: Config, name: string, otherwise: boolean): boolean =>
  typeof config[name] === 'boolean' ? config[name] : otherwise
export const words = (raw: string): string[] => raw.split(/[\s,]+/).filter((each) => each !== '')
