/** Puts `text` between the marks of a name, `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, each on a line of its own. */
export function between(page: string, name: string, text: string): string {
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`]
  const [start, end] = [page.indexOf(open), page.indexOf(close)]
  if (start < 0 || end < start) throw new Error(`docs/performance.md has no ${open} with ${close} after it`)
  if (page.indexOf(open, start + 1) >= 0) throw new Error(`docs/performance.md has ${open} twice`)
  return `${page.slice(0, start + open.length)}\n${text}\n${page.slice(end)}`
}
