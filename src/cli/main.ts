#!/usr/bin/env node
// The check comes before every import, and in syntax that any Node understands: what it protects from is a Node on
// which the rest would not even load.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Postern needs Node 22.18 or later, and this is ${process.versions.node}: install a current Node.`,
  )
  process.exitCode = 1
} else {
  const { run } = await import('./program.ts')
  // Whoever reads may stop reading, as `head` does: that is no fault, and what was to be done has been done.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  process.exitCode = await run(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    isTerminal: process.stdout.isTTY === true,
  })
}

export {}
