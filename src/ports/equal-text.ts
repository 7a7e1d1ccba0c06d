/**
 * Whether `given` is the `expected` text, in a time that depends on the length of what was given and on nothing that
 * could be learned about the expected one.
 */
export function equalText(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length
  for (let i = 0; i < given.length; i++)
    difference |= given.charCodeAt(i) ^ (expected.charCodeAt(i % expected.length) || 0)
  return difference === 0
}
