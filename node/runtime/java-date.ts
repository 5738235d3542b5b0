/**
 * Times as Java's Date.toString writes them, which is how zkCli and `dump` show them:
 * `Tue Nov 24 12:18:30 UTC 2026`, in the zone of the process.
 */

/**
 * The abbreviations of zones are spread over the locales (`EST` is American, `CET` British
 * English): the first locale that has one for this zone wins.
 */
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA', 'en-CA'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = [
  ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'],
  ...['Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
];

/** `timeMs`: milliseconds since 1970. A zone without an abbreviation is written `GMT+05:45`. */
export function formatJavaDate(timeMs: number): string {
  const date = new Date(timeMs);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  const day = `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${twoDigits(date.getDate())}`;
  return `${day} ${time} ${zoneName(date)} ${date.getFullYear()}`;
}

function zoneName(date: Date): string {
  for (const locale of LOCALES) {
    const parts = new Intl.DateTimeFormat(locale, { timeZoneName: 'short' }).formatToParts(date);
    const name = parts.find((part) => part.type === 'timeZoneName')?.value;
    if (name !== undefined && /^[A-Z]{2,5}$/.test(name)) return name;
  }
  const offset = -date.getTimezoneOffset();
  const hours = twoDigits(Math.floor(Math.abs(offset) / 60));
  return `GMT${offset < 0 ? '-' : '+'}${hours}:${twoDigits(Math.abs(offset) % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
