/**
 * Starts a real Chromium, driven by Playwright.
 *
 * The driver asks for files below /proc when it is loaded. The runtime answers that with an exception unless a program
 * may do everything; a file that may not be looked at does not exist for these tests.
 */
import fs from "node:fs";
import type { Browser } from "playwright-core";
import { programPath } from "./need.ts";

/** Arguments that keep Chromium to itself: no update, no sync, no first page. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless browser; whoever starts it closes it. */
export async function startBrowser(): Promise<Browser> {
  const existsSync = fs.existsSync;
  fs.existsSync = (path): boolean => {
    try {
      return existsSync(path);
    } catch {
      return false;
    }
  };
  const { chromium } = await import("playwright-core");
  return await chromium.launch({ executablePath: programPath("chromium"), args: ARGUMENTS });
}
