import type { World } from './world.ts'

export function judgeWorld(_world: World): void {}
