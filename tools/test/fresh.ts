// Runs before each test file. Files that share a process (`--no-isolate`) get modules of their own nevertheless, so that
// none sees a default device, a warning already shown or a kernel that another file left behind.
import { vi } from 'vitest'

vi.useRealTimers()
vi.unstubAllGlobals()
vi.restoreAllMocks()
vi.resetModules()
