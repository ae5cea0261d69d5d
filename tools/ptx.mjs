// PTX of native/src/cuda: nvcc compiles each .cu file, and the text is made independent of the machine and of nvcc's
// version: only what the exported names need, short names, an old label that old drivers take. tools/cuda.mjs uses it.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { root, run } from './lib.mjs'

export const folder = join(root, 'native', 'src', 'cuda')
/** The label of all texts: drivers from CUDA 10.0 on take it, for every GPU from compute capability 7.5 on. */
const label = '.version 6.3\n.target sm_75\n.address_size 64\n'

/** The sources: the functions that expressions call, and the library of kernels. */
export const sources = () => [
  join(folder, 'prelude.cu'),
  ...(existsSync(join(folder, 'kernels'))
    ? readdirSync(join(folder, 'kernels'))
        .filter((name) => name.endsWith('.cu'))
        .sort()
        .map((name) => join(folder, 'kernels', name))
    : []),
]
export const ptxOf = (source) => source.replace(/\.cu$/, '.ptx')

/** What the PTX of a source is made from: itself, and the tables and functions that sources include. */
export const digest = (source) => {
  const hash = createHash('sha256')
  const files = [
    relative(folder, source),
    ...readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.cuh')),
    '../special.cc',
    '../special.h',
    '../fits.h',
  ]
  for (const name of files.sort()) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest('hex').slice(0, 16)
}

/** The top-level parts of a PTX text: declarations without comments, with the names that they define. */
export const partsOf = (text) => {
  const parts = []
  let current = ''
  let depth = 0
  for (const line of text.replaceAll(/\/\/.*$/gm, '').split('\n')) {
    const code = line.trimEnd()
    if (code.trim() === '' || /^\.(version|target|address_size)\b/.test(code)) continue
    current += `${code}\n`
    for (const c of code) depth += c === '{' ? 1 : c === '}' ? -1 : 0
    const ends = depth === 0 && (/;\s*$/.test(code) || /^\}/.test(code))
    if (!ends) continue
    const [, name] =
      /\.(?:func|entry)\s*(?:\([^)]*\)\s*)?([\w$]+)/.exec(current) ??
      /^\.[^=;]*?([\w$]+)(?:\[[^\]]*\])*\s*(?:=|;)/.exec(current)
    parts.push({ name, text: current, defined: !/^\s*;\s*$/m.test(current) || !/\.func/.test(current) })
    current = ''
  }
  return parts
}

/** The text with only the parts that exported names need, under short names. */
export const tidied = (text, isExported) => {
  const parts = partsOf(text)
  const byName = Map.groupBy ? Map.groupBy(parts, ({ name }) => name) : groups(parts)
  const wanted = new Set()
  const visit = (name) => {
    if (wanted.has(name)) return
    wanted.add(name)
    for (const part of byName.get(name))
      for (const [word] of part.text.matchAll(/[A-Za-z_$][\w$]*/g)) if (word !== name && byName.has(word)) visit(word)
  }
  for (const { name } of parts) if (isExported(name)) visit(name)
  const names = new Map()
  for (const { name } of parts)
    if (wanted.has(name) && !isExported(name) && !names.has(name)) names.set(name, `local${names.size}`)
  const renamed = (part) =>
    part.replaceAll(/[A-Za-z_$][\w$]*/g, (word) => {
      const owner = /^(.*?)_param_(\d+)$/.exec(word)
      if (owner !== null && byName.has(owner[1])) return `p${owner[2]}`
      // Shared memory of a function in an unnamed namespace: nvcc puts a hash of the folder's path into its name.
      if (/_INTERNAL_[0-9a-f]{8}_/.test(word) && !names.has(word)) names.set(word, `local${names.size}`)
      return names.get(word) ?? word
    })
  const kept = parts.filter(({ name }) => wanted.has(name))
  return kept.map(({ text }) => renamed(text).replace(/^\.(visible|weak) (?=\.func)/, '')).join('')
}

const groups = (parts) => {
  const found = new Map()
  for (const part of parts) found.set(part.name, [...(found.get(part.name) ?? []), part])
  return found
}

/** Compiles a source; returns its PTX, or an error's text. */
export const compile = async (source) => {
  const scratch = mkdtempSync(join(tmpdir(), 'flambeau-ptx-'))
  const out = join(scratch, 'out.ptx')
  try {
    const args = ['-std=c++17', '-arch=compute_75', '-ptx', '-rdc=true', '-fmad=false', '-o', out, basename(source)]
    const { code, output } = await run('nvcc', args, { cwd: join(source, '..') })
    if (code !== 0) return { error: output }
    const isPrelude = basename(source) === 'prelude.cu'
    const raw = readFileSync(out, 'utf8')
    const entries = new Set([...raw.matchAll(/\.entry ([\w$]+)/g)].map(([, name]) => name))
    const isExported = isPrelude
      ? (name) => /^[a-z]\w*_(float32|float64|int32)$/i.test(name)
      : (name) => entries.has(name)
    return { text: `${label}${tidied(raw, isExported)}` }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
