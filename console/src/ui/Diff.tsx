// Fields before and after, side by side in words: what was, what is.

import { t } from '../strings'
import styles from './Diff.module.css'

export interface Change {
  field: string
  before: string | null
  after: string | null
}

export function Diff({ changes }: { changes: readonly Change[] }) {
  return (
    <table className={styles.diff}>
      <caption className="sr-only">{t.diff.caption}</caption>
      <thead>
        <tr>
          <th scope="col">{t.diff.field}</th>
          <th scope="col">{t.diff.before}</th>
          <th scope="col">{t.diff.after}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.field}>
            <th scope="row">
              <code>{change.field}</code>
            </th>
            <td>
              {change.before === null ? (
                <span className={styles.none}>{t.diff.none}</span>
              ) : (
                <del>{change.before}</del>
              )}
            </td>
            <td>
              {change.after === null ? (
                <span className={styles.none}>{t.diff.none}</span>
              ) : (
                <ins>{change.after}</ins>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
