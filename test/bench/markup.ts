/** Says what is wrong with the form of an XML text: elements that do not close, and signs that should stand as entities. */
export function faultOf(text: string): string | null {
  const open: string[] = []
  let at = 0
  const tag = /<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y
  const characters = /(?:[^<&]|&(?:amp|lt|gt|quot|#\d+);)+/y
  while (at < text.length) {
    const pattern = text[at] === '<' ? tag : characters
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null) return `at ${at}: ${text.slice(at, at + 40)}`
    at = pattern.lastIndex
    if (pattern === characters) continue
    const [, closing, name = '', attributes = '', alone] = found
    const names = [...attributes.matchAll(/([\w:-]+)="/g)].map(([, attribute]) => attribute)
    if (new Set(names).size < names.length) return `${name} has an attribute twice`
    if (/&(?!(?:amp|lt|gt|quot|#\d+);)/.test(attributes)) return `${name} has an & that is none`
    if (closing === '/') {
      const last = open.pop()
      if (last !== name) return `${name} closes ${last}`
    } else if (alone === '') open.push(name)
  }
  return open.length === 0 ? null : `${open.join(', ')} not closed`
}
