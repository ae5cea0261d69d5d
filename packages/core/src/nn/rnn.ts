// The namespace `nn.utils.rnn`.
export * from './packed.ts'
export * from './sequences.ts'
