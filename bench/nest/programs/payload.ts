// Makes the payload that all programs of bench/nest send.

/** An object whose JSON has `size` bytes. */
export function payloadOf(size: number): Record<string, unknown> {
  const payload = { id: 12_345_678, sku: 'coffee', quantity: 2, at: '2026-11-25T12:00:00.000Z', paid: false, note: '' };
  payload.note = 'n'.repeat(Math.max(0, size - JSON.stringify(payload).length));
  return payload;
}
