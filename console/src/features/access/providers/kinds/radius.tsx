// A RADIUS server.

import { NumberInput, Select, Textarea, TextInput } from '@mantine/core'
import styles from '../Providers.module.css'
import { lines, Protection, part, ServerLines } from './directoryParts'
import { directoryWords as all } from './directoryWords'
import { type Config, type KindForm, type KindFormProps, list, text, words } from './form'

const w = all.radius

const options = (labels: Record<string, string>) =>
  Object.entries(labels).map(([value, label]) => ({ value, label }))

const numberOf = (config: Config, name: string, otherwise: number): number =>
  typeof config[name] === 'number' ? (config[name] as number) : otherwise

function Form({ config, onChange, error }: KindFormProps) {
  const set = (change: Config) => onChange({ ...config, ...change })
  const without = (name: string, value: string) => {
    const { [name]: _, ...rest } = config
    onChange(value.trim() === '' ? rest : { ...rest, [name]: value })
  }
  const udp = text(config, 'transport') === 'udp'
  const groups = part(config, 'groups')
  const kind = config.groups === undefined ? 'none' : String(groups.type)
  const pem = (name: string, label: string, help: string) => (
    <Textarea
      label={label}
      description={help}
      value={text(config, name)}
      onChange={(event) => without(name, event.currentTarget.value)}
      error={error(name)}
      autosize
      minRows={2}
      maxRows={8}
      spellCheck={false}
    />
  )
  const setGroups = (change: Config) => set({ groups: { ...groups, ...change } })
  return (
    <>
      <ServerLines config={config} onChange={set} error={error} />
      <Select
        label={w.transport}
        data={options(w.transports)}
        value={udp ? 'udp' : 'radsec'}
        onChange={(transport) => {
          const { ca_pem: _, certificate_pem: __, protected_networks: ___, ...rest } = config
          onChange({ ...rest, transport: transport ?? 'radsec' })
        }}
        allowDeselect={false}
      />
      {udp ? (
        <TextInput
          label={w.protected}
          description={w.protectedHelp}
          defaultValue={list(config, 'protected_networks').join(' ')}
          onChange={(event) => set({ protected_networks: words(event.currentTarget.value) })}
          error={
            error('protected_networks') ?? error('protected_networks/0') ?? error('protected_networks/1')
          }
          spellCheck={false}
        />
      ) : (
        <>
          {pem('certificate_pem', w.certificate, w.certificateHelp)}
          {pem('ca_pem', all.caPem, all.caPemHelp)}
        </>
      )}
      <fieldset className={styles.group}>
        <legend>{w.groups}</legend>
        <p>{w.groupsHelp}</p>
        <div className={styles.pair}>
          <Select
            label={w.kind}
            data={options(w.kinds)}
            value={kind}
            onChange={(value) => {
              const { groups: _, ...rest } = config
              const { vendor: __, vendor_type: ___, ...kept } = groups
              if (value === null || value === 'none') onChange(rest)
              else if (value === '26')
                onChange({ ...rest, groups: { ...kept, type: 26, vendor: 9, vendor_type: 1 } })
              else onChange({ ...rest, groups: { ...kept, type: Number(value) } })
            }}
            error={error('groups/type')}
            allowDeselect={false}
          />
          {kind === '26' && (
            <>
              <NumberInput
                label={w.vendor}
                value={numberOf(groups, 'vendor', 9)}
                onChange={(value) => setGroups({ vendor: Number(value) })}
                error={error('groups/vendor')}
                allowDecimal={false}
                min={1}
              />
              <NumberInput
                label={w.vendorType}
                value={numberOf(groups, 'vendor_type', 1)}
                onChange={(value) => setGroups({ vendor_type: Number(value) })}
                allowDecimal={false}
                min={1}
                max={255}
              />
            </>
          )}
          {kind !== 'none' && (
            <>
              <TextInput
                label={w.prefix}
                description={w.prefixHelp}
                value={text(groups, 'prefix')}
                onChange={(event) => setGroups({ prefix: event.currentTarget.value })}
                error={error('groups/prefix')}
                spellCheck={false}
              />
              <TextInput
                label={w.separator}
                value={text(groups, 'separator')}
                onChange={(event) => {
                  const { separator: _, ...rest } = groups
                  const value = event.currentTarget.value
                  set({ groups: value === '' ? rest : { ...rest, separator: value } })
                }}
                maxLength={1}
              />
            </>
          )}
        </div>
      </fieldset>
      <Select
        label={w.factor}
        data={options(w.factors)}
        value={text(config, 'second_factor') || 'never'}
        onChange={(value) => set({ second_factor: value ?? 'never' })}
        allowDeselect={false}
      />
      <details className={styles.more}>
        <summary>{all.more}</summary>
        <div className={styles.page}>
          <div className={styles.pair}>
            <TextInput
              label={w.nas}
              placeholder="watchkeep"
              value={text(config, 'nas_identifier')}
              onChange={(event) => without('nas_identifier', event.currentTarget.value)}
              error={error('nas_identifier')}
              spellCheck={false}
            />
            <NumberInput
              label={w.timeout}
              value={numberOf(config, 'timeout_ms', 5000) / 1000}
              onChange={(value) => set({ timeout_ms: Math.round(Number(value) * 1000) })}
              error={error('timeout_ms')}
              min={1}
              max={60}
            />
            <NumberInput
              label={w.challenges}
              value={numberOf(config, 'challenges_max', 3)}
              onChange={(value) => set({ challenges_max: Number(value) })}
              error={error('challenges_max')}
              allowDecimal={false}
              min={0}
              max={5}
            />
          </div>
          <Protection config={config} onChange={set} error={error} />
        </div>
      </details>
    </>
  )
}

export const radius: KindForm = {
  initial: { servers: [], transport: 'radsec' },
  Form,
  secret: (config) => (text(config, 'transport') === 'udp' ? w.sharedSecret : w.privateKey),
  secretLines: true,
  addresses: [],
  describe: (config) => lines(list(config, 'servers')),
}
