// The settings of a kind that has no form of its own: as they are.

import { Textarea } from '@mantine/core'
import { useState } from 'react'
import { words as w } from '../words'
import type { Config, KindForm, KindFormProps } from './form'

function read(raw: string): Config | undefined {
  try {
    const value: unknown = JSON.parse(raw)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Config)
      : undefined
  } catch {
    return undefined
  }
}

function Form({ config, onChange, error }: KindFormProps) {
  const [raw, setRaw] = useState(() => JSON.stringify(config, null, 2))
  return (
    <Textarea
      label={w.config}
      description={w.configHelp}
      value={raw}
      onChange={(event) => {
        setRaw(event.currentTarget.value)
        const value = read(event.currentTarget.value)
        if (value !== undefined) onChange(value)
      }}
      error={read(raw) === undefined ? w.notJson : error('')}
      autosize
      minRows={8}
      spellCheck={false}
    />
  )
}

export const json: KindForm = {
  initial: {},
  Form,
  secret: () => w.secret,
  secretLines: true,
  addresses: ['callback', 'logout', 'metadata'],
  describe: () => '',
}
