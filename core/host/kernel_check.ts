/** Whether this machine can count lines: asked when a program starts, since a thread that cannot would start again and again. */
import { kernelProblem } from "@/core/kernel.ts";
import { MachineRefusal } from "./endings.ts";

/** @throws MachineRefusal where it cannot */
export function checkKernel(): void {
  const problem = kernelProblem();
  if (problem !== undefined) throw new MachineRefusal(problem);
}
