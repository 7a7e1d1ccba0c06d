import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/**
 * Copies a file that users copy, as its own comments tell them to: marked lines first, then the addresses.
 * @param marks what stands between `# ` and `:` in lines whose rest replaces what is before it
 * @param addresses `host:port` strings of the file with what stands for each; null leaves one as it is
 */
export async function copyRecipe(
  file: string,
  folder: string,
  marks: readonly string[],
  addresses: Readonly<Record<string, string | null>>,
): Promise<void> {
  let text = await readFile(join(ROOT, file), 'utf8')
  for (const mark of marks) {
    // The indentation stays, what stands before the mark gives way to what follows it.
    text = text.replace(new RegExp(`^([ \\t]*)(?:\\S.*? )?# ${mark}: (.*)$`, 'gm'), '$1$2')
  }
  for (const address of Object.keys(addresses)) {
    if (!text.includes(address)) throw new Error(`${file} no longer holds ${address}`)
  }
  const pattern = Object.keys(addresses).map((address) => address.replaceAll('.', '\\.'))
  text = text.replace(new RegExp(pattern.join('|'), 'g'), (address) => addresses[address] ?? address)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, basename(file)), text)
}
