// What every published package says of itself beyond its own package.json: where it comes from and how it is found. The
// address is that of the root's package.json, written there once; a package is packed with it.
const { readFileSync } = require('node:fs')
const { join, relative, sep } = require('node:path')

const { repository, keywords } = JSON.parse(readFileSync(join(__dirname, 'package.json'), 'utf8'))

const beforePacking = (manifest, folder) => {
  const directory = relative(__dirname, folder).split(sep).join('/')
  const { devDependencies, scripts, ...published } = manifest
  return {
    ...published,
    keywords: [...new Set([...(manifest.keywords ?? []), ...keywords])],
    homepage: `${repository}/tree/main/${directory}#readme`,
    bugs: `${repository}/issues`,
    repository: { type: 'git', url: `git+${repository}.git`, directory },
  }
}

module.exports = { hooks: { beforePacking } }
