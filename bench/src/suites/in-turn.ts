/**
 * The order of a round: A B C, then C B A. A turn that begins with cold code, or behind one that leaves the machine warm, is not
 * always the same contender's.
 */
export const inTurn = <T>(contenders: readonly T[], round: number): readonly T[] =>
  round % 2 === 0 ? contenders : contenders.toReversed();
