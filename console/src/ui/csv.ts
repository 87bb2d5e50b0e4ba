// CSV that a spreadsheet opens without running anything. Monitored text decides what is in the cells.

// What a spreadsheet takes for the start of a formula, also behind blanks (OWASP, "CSV Injection"), in full width too.
const formula = /^[\s]*[=+\-@\t\r|%＝＋－＠]/

// Where commas are decimal signs, spreadsheets part cells at semicolons, and quotes that do not begin a cell mean
// nothing: `x;=1+1` would become a cell that computes. A line break in there begins a cell too.
const inside = /([;\t\r\n][\s"']*)(?=[=+\-@|%＝＋－＠])/g

/** One cell: quoted always, formulas made text by a leading apostrophe. A plain number stays a number. */
export function csvCell(value: string): string {
  const isNumber = /^-?\d+(\.\d+)?$/.test(value)
  const safe = (!isNumber && formula.test(value) ? `'${value}` : value).replaceAll(inside, "$1'")
  return `"${safe.replaceAll('"', '""')}"`
}

export function csv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  // RFC 4180: CRLF. The mark in front tells spreadsheets that this is UTF-8.
  return `\uFEFF${[header, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n')}\r\n`
}

export function download(name: string, content: Blob): void {
  const link = document.createElement('a')
  const url = URL.createObjectURL(content)
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

export const downloadCsv = (name: string, text: string): void =>
  download(name, new Blob([text], { type: 'text/csv;charset=utf-8' }))
