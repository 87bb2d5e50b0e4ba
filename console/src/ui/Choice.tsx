import styles from './Choice.module.css'

/** One of a few, in a row of buttons. */
export function Choice<Id extends string>({
  label,
  options,
  chosen,
  onChoose,
}: {
  label: string
  options: readonly { id: Id; label: string; detail?: string | undefined }[]
  chosen: Id | undefined
  onChoose: (id: Id) => void
}) {
  return (
    <div className={styles.row} role="group" aria-label={label}>
      {options.map((each) => (
        <button
          key={each.id}
          type="button"
          className={styles.option}
          aria-pressed={chosen === each.id}
          onClick={() => onChoose(each.id)}
        >
          {each.label}
          {each.detail !== undefined && <span className={styles.detail}>{each.detail}</span>}
        </button>
      ))}
    </div>
  )
}
