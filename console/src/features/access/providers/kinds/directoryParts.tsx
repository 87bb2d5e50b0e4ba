// What the forms of directories share.

import { NumberInput, Textarea } from '@mantine/core'
import { useState } from 'react'
import styles from '../Providers.module.css'
import { directoryWords as all } from './directoryWords'
import { type Config, type KindFormProps, list, words } from './form'

/** A part of the settings that is an object of its own. */
export const part = (config: Config, name: string): Config => {
  const value = config[name]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Config) : {}
}

/** Several texts in one line. */
export const lines = (each: string[]): string => each.join(', ')

/** Servers, as people type them: kept as text while they do. */
export function ServerLines({ config, onChange, error }: KindFormProps) {
  const [raw, setRaw] = useState(() => list(config, 'servers').join('\n'))
  const servers = list(config, 'servers')
  const first = servers.map((_, at) => error(`servers/${at}`)).find((each) => each !== undefined)
  return (
    <Textarea
      label={all.servers}
      description={all.serversHelp}
      value={raw}
      onChange={(event) => {
        setRaw(event.currentTarget.value)
        onChange({ servers: words(event.currentTarget.value) })
      }}
      error={first ?? error('servers')}
      autosize
      minRows={2}
      maxRows={8}
      spellCheck={false}
      required
    />
  )
}

/** How many wrong passwords reach the directory. */
export function Protection({ config, onChange, error }: KindFormProps) {
  const protection = part(config, 'protection')
  const number = (field: string, label: string, otherwise: number, max: number) => (
    <NumberInput
      label={label}
      value={typeof protection[field] === 'number' ? (protection[field] as number) : otherwise}
      onChange={(value) => onChange({ protection: { ...protection, [field]: Number(value) } })}
      error={error(`protection/${field}`)}
      allowDecimal={false}
      min={0}
      max={max}
    />
  )
  return (
    <fieldset className={styles.group}>
      <legend>{all.protection}</legend>
      <p>{all.protectionHelp}</p>
      <div className={styles.pair}>
        {number('failures_max', all.failuresMax, 4, 50)}
        {number('for_known_browsers', all.forKnown, 2, 49)}
        {number('window_minutes', all.window, 30, 1440)}
      </div>
    </fieldset>
  )
}
