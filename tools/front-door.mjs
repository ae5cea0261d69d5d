// The two commands of a fresh clone, `npm start` and `npm test`. This file only rejects a Node that is too old, in
// syntax that such a Node can still run; setup.mjs does the work.
const [major, minor] = process.versions.node.split('.').map(Number)
const command = process.argv[2]
// The range given under `engines` in package.json.
const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
if (!supported) {
  console.error(
    `flambeau: this is Node ${process.versions.node}; npm ${command} needs Node 20.19, 22.12 or newer (https://nodejs.org)`,
  )
  process.exit(1)
}
const { main } = await import('./setup.mjs')
process.exitCode = await main(command, process.argv.slice(3))
