// What reads the units of a package when they are needed; a part of its main file (units.mjs).
const made = new Map()
const waiting = new Map()
const spaces = []
const objects = []
/** The functions that a unit has put in place of stand-ins. */
const replaced = new Map()
let giveAll
let exportAll
let read

/** Main ends with this: what makes the array that it gives to units, and what sets its exports. */
export const $main = (give, setExports) => {
  giveAll = give
  exportAll = setExports
  setExports()
}

/** How main reads the file of a unit, given its name. */
export const $readBy = (reader) => {
  read = reader
}

const enter = (name, { needs, run }) => {
  const own = run(giveAll(), ...needs.map(load))
  made.set(name, own)
  for (const fill of waiting.get(name) ?? []) fill(own)
  // A member of a space may itself have waited for this unit.
  for (const refresh of spaces) refresh()
  for (const members of objects)
    for (const member in members) members[member] = replaced.get(members[member]) ?? members[member]
  exportAll()
  return own
}

const load = (name) => {
  if (made.has(name)) return made.get(name)
  let unit
  try {
    unit = read(name)
  } catch (cause) {
    const sentence = `flambeau could not read its file ${name}.js: ${cause?.message}`
    throw Error(
      `${sentence}\nJest and bundlers for Node have to take the condition "module"; a bundler may also leave flambeau outside.`,
      {
        cause,
      },
    )
  }
  return enter(name, unit)
}

/** Notes what waits for a unit; returns what reads it. */
export const $unit = (name, fill) => {
  if (made.has(name)) fill(made.get(name))
  else waiting.set(name, [...(waiting.get(name) ?? []), fill])
  return () => load(name)
}

/**
 * Functions that read their unit, which puts its own in their place by `fill`: `count` of what the unit gives, from
 * `start`. Those at the positions `elementwise` have a member `resolve`.
 */
export const $standIns = (unit, fill, start, count, ...elementwise) => {
  let own
  const load = $unit(unit, (from) => {
    own = from.slice(start, start + count)
    fill(own)
    for (const [i, each] of own.entries()) replaced.set(standIns[i], each)
  })
  const standIns = []
  for (let i = 0; i < count; i++) {
    standIns.push((...args) => {
      if (own === undefined) load()
      return own[i](...args)
    })
  }
  for (const i of elementwise) {
    standIns[i].resolve = (...args) => {
      if (own === undefined) load()
      return own[i].resolve(...args)
    }
  }
  return standIns
}

/** A namespace in main, some of whose members wait for units. */
export const $object = (members) => {
  objects.push(members)
  return members
}

/** What a module exports, given a unit and the place in what that gives. */
export const $space = (unit, key, ...names) => {
  const members = { first: 0, second: 0 }
  // V8 keeps a table of an object's properties, instead of copying their list for each one added, once one was deleted.
  delete members.first
  delete members.second
  const define = (name, rest) => Object.defineProperty(members, name, { enumerable: true, configurable: true, ...rest })
  for (const name of names.join(' ').split(' ')) {
    const get = () => {
      load(unit)
      return members[name]
    }
    define(name, { get })
  }
  const current = {}
  spaces.push(() => {
    const from = made.get(unit)?.[key]
    for (const name in from) {
      const value = from[name]
      if (current[name] === value) continue
      current[name] = value
      define(name, { value, writable: false })
    }
  })
  return members
}

/** A unit that is imported on demand. */
export const $demand = async (name, get) => made.get(name) ?? enter(name, (await get()).default)

export { __named as $named } from './named.js'
