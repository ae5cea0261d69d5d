// Indices as source: sums and products of names and numbers, with the known parts folded. All generated text builds its
// indices here, so that precedence is handled in one place.

/** A number known when the source is made, or the name of a variable that holds it. */
export type Count = number | string

export const isNumber = (source: string): boolean => /^\d+$/.test(source)

/** Text that may stand in a larger expression. */
const grouped = (code: string): string => (/^[\w.[\]]+$/.test(code) || /^\([^()]*\)$/.test(code) ? code : `(${code})`)

/** A sum of indices, cut to 32 bits because V8 then leaves out its overflow checks. */
export function sum(...terms: readonly string[]): string {
  const known = terms.filter(isNumber).reduce((total, x) => total + Number(x), 0)
  const others = terms.filter((x) => !isNumber(x))
  if (others.length === 0) return String(known)
  if (known !== 0) others.push(String(known))
  return others.length === 1 ? others[0] : `${others.map(factor).join(' + ')} | 0`
}

/** A product needs no parentheses in a sum. */
const factor = (code: string): string => (code.includes('|') || code.includes('+') ? grouped(code) : code)

export function times(index: string, step: Count): string {
  if (step === 0) return '0'
  if (step === 1) return index
  if (index === '1') return String(step)
  if (typeof step === 'string') return `Math.imul(${index}, ${step})`
  return isNumber(index) ? String(Number(index) * step) : `${grouped(index)} * ${step}`
}
