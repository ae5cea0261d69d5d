// What to do about a dtype that an operation does not take: the second lines of errors.

export const toInt = 'Convert it first: x.int().'
export const toFloat = 'Convert it first: x.float().'
