// Runs before every script, in syntax that any Node understands: sources are TypeScript, which Node runs from 22.18 on.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Postern needs Node 22.18 or later; this is ${process.versions.node}.\n` +
      'The devDependency node@24 brings one: run `npm ci` with install scripts on (the package `node` needs its own),\n' +
      'then start everything through npm, as in `npm start` or `npm test`.',
  )
  process.exit(1)
}
