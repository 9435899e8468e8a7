/** What the frontend needs beside what its flags say by themselves. */
import { type Grant, QUIET_ENVIRONMENT } from "@/core/host/permissions.ts";

export function frontendGrants(): readonly Grant[] {
  return [QUIET_ENVIRONMENT];
}
