/** UTF-8 for the core, which has no TextEncoder. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let length = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      out[length++] = unit;
      continue;
    }
    let point = unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const whole = text.codePointAt(i) ?? 0;
      point = whole > 0xffff ? whole : 0xfffd;
      if (whole > 0xffff) i += 1;
    }
    if (point >= 0x10000) {
      out[length++] = 0xf0 | (point >> 18);
      out[length++] = 0x80 | ((point >> 12) & 0x3f);
    } else if (point >= 0x800) {
      out[length++] = 0xe0 | (point >> 12);
    }
    if (point >= 0x800) out[length++] = 0x80 | ((point >> 6) & 0x3f);
    else out[length++] = 0xc0 | (point >> 6);
    out[length++] = 0x80 | (point & 0x3f);
  }
  return out.slice(0, length);
}

/** ASCII text; every other byte becomes `?`. */
export function decodeAscii(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte < 0x80 ? String.fromCharCode(byte) : '?';
  return text;
}
