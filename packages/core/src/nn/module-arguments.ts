// The arguments of modules' methods, one declaration each, and checks of names and members.
import { className } from '../base/class-name.ts'
import { AttributeError, KeyError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { anything, bool, type Kind, keyword, optional, required, signature, str } from '../tensor/signature.ts'
import { gpuParameter } from '../ops/create/convert.ts'
import { typeKind } from '../ops/facts.ts'
import { kindOf } from '../tensor/tensor.ts'
import type { Module } from './module.ts'
import { findMember, getProperty, isModule } from './members.ts'

export const type = signature('type', required('dstType', typeKind))
const prefix = optional('prefix', str, '')
const recurse = optional('recurse', bool, true)
export const namedParameters = signature('named_parameters', prefix, recurse)
export const namedBuffers = signature('named_buffers', prefix, recurse)
export const namedModules = signature('named_modules', prefix)
export const parameters = signature('parameters', recurse)
export const buffers = signature('buffers', recurse)
const target = required('target', str)
export const getSubmodule = signature('get_submodule', target)
export const getParameter = signature('get_parameter', target)
export const getBuffer = signature('get_buffer', target)
const name = required('name', anything)
const persistent = optional('persistent', bool, true)
export const registerBuffer = signature('register_buffer', name, required('tensor', anything), persistent)
export const registerParameter = signature('register_parameter', name, required('parameter', anything))
export const registerModule = signature('register_module', name, required('module', anything))
export const notBoolean = (): ValueError => new ValueError('training mode is expected to be boolean')
const mode: Kind<boolean> = { ...bool, refuse: notBoolean }
export const train = signature('train', optional('mode', mode, true))
export const requiresGrad = signature('requires_grad_', optional('requiresGrad', bool, true))
export const zeroGrad = signature('zero_grad', optional('setToNone', bool, true))
export const cuda = signature('cuda', gpuParameter)
export const stateDict = signature('state_dict', keyword('prefix', str, ''), keyword('keepVars', bool, false))
export const loadStateDict = signature(
  'load_state_dict',
  required('stateDict', anything),
  optional('strict', bool, true),
)

/** The module that contains the last name of a path; this may be an element of an array: 'weights.0'. */
export function ownerOf(root: Module, target: string): [module: Module, name: string] {
  const found = findMember(root, target)
  if (found === undefined || found.name === target || !isModule(found.member)) return [root, target]
  return ownerOf(found.member, target.slice(found.name.length + 1))
}

export const noAttribute = (module: Module, name: string): AttributeError =>
  new AttributeError(`${className(module.constructor)} has no attribute \`${name}\``)

export const wrongMember = (member: unknown, kind: string, name: string, wanted: string): TypeError =>
  new TypeError(`cannot assign '${kindOf(member)}' object to ${kind} '${name}' (${wanted} or None required)`)

export function checkString(kind: string, name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new TypeError(`${kind} name should be a string. Got ${typeName(name)}`)
}

export function checkName(kind: string, name: unknown): asserts name is string {
  checkString(kind, name)
  if (name.includes('.'))
    throw new KeyError(`${kind} name can't contain "."${kind === 'module' ? `, got: ${name}` : ''}`)
  if (name === '') throw new KeyError(`${kind} name can't be empty string ""`)
}

/** Throws for the name of a new member if something else has it; a declared, empty field does not. */
export function checkFree(module: Module, name: string, value: unknown): void {
  const now = getProperty(module, name)
  if (now !== undefined && now !== null && now !== value) throw new KeyError(`attribute '${name}' already exists`)
}
