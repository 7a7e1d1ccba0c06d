/** Imported before a Worker: what nobody has thought of happens where a check says so, while it is judged or recorded. */
const { get } = Headers.prototype

Object.defineProperty(Headers.prototype, 'get', {
  value(this: Headers, name: string): string | null {
    if (get.call(this, 'x-break') === name)
      throw new Error('the header is broken, and eyJhbGciOiJIUzI1NiJ9abcdef0123456789 was in it')
    return get.call(this, name)
  },
})

const { log } = console
console.log = (line: string) => {
  if (line.includes('/unrecorded')) throw new Error('the log is broken')
  log(line)
}
