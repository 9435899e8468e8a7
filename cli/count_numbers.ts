/** Numbers of a count for people: three digits say enough of a rate or a size. */

/** `620 MB`, `5.3 GB`: decimal, as disks and networks are. */
export function sizeText(bytes: number): string {
  return scaled(bytes, ["B", "kB", "MB", "GB", "TB", "PB"]);
}

/** `4.52 M`, `830`, `12.1 k`: lines, or lines a second. */
export function rateText(value: number): string {
  return scaled(value, ["", "k", "M", "G"]).trimEnd();
}

/** `45 s`, `2 min 5 s`, `3 h 20 min`: rounded up, since it is waited for. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (!Number.isFinite(whole)) return "-";
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

function scaled(value: number, units: readonly string[]): string {
  if (!Number.isFinite(value)) return "-";
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
