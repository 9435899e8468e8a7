/** Blanks between neighbours, which style sheets lay out anyway: browsers without any show words, and not one long one. */
import type { VNode } from "preact";

export function spaced(nodes: readonly VNode[]): (VNode | string)[] {
  return nodes.flatMap((node, i) => i === 0 ? [node] : [" ", node]);
}
