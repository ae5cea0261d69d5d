// What a C++ header that is written from records has around its declarations.

/** The text of a header. `about` says what it is, and what to change instead. */
export const header = (about: readonly string[], declarations: readonly string[]): string =>
  `${[
    ...about.map((line) => `// ${line}`),
    '#pragma once',
    '#include <cstdint>',
    '',
    'namespace flambeau {',
    '',
    '// clang-format off',
    '',
    ...declarations,
    '',
    '// clang-format on',
    '',
    '}  // namespace flambeau',
  ].join('\n')}\n`
